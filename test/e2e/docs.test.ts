import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { dataFolderAt } from '../../src/server/index.ts'
import { bin, checkout, newFolder, startServer } from './server-process.ts'

/** What the documentation promises is run as it stands there. */

const run = promisify(execFile)

/** The lines of the ```sh blocks below a heading. */
function commandsBelow(text: string, heading: string): string[] {
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/```sh\n(.*?)```/gs)].flatMap((match) => match[1]!.trim().split('\n'))
}

test('the commands of docs/command-line.md do what they say', async (t) => {
  const text = readFileSync(join(checkout, 'docs/command-line.md'), 'utf8')
  const folder = newFolder(t)
  const data = newFolder(t)
  const shell = async (command: string) => {
    const line = command.replace(/^vivarium\b/, `"${process.execPath}" "${bin}"`)
    const { stdout } = await run('sh', ['-c', line], {
      cwd: folder,
      env: { ...process.env, VIVARIUM_DATA: data },
    })
    assert.ok(stdout.trim().length > 0, command)
    return stdout
  }
  const offline = commandsBelow(text, 'Without a server')
  const online = commandsBelow(text, 'The server')
  assert.ok(offline.length > 5 && online.length > 15)
  for (const command of offline) await shell(command)
  assert.ok(existsSync(join(folder, 'child.vhd')))
  await startServer(t, data)
  for (const command of online) await shell(command)
  assert.equal(readFileSync(join(folder, 'toy.png')).subarray(1, 4).toString(), 'PNG')
})

for (const name of readdirSync(join(checkout, 'docs/disks'))) {
  test(`the commands of docs/disks/${name} do what they say`, async (t) => {
    const text = readFileSync(join(checkout, 'docs/disks', name), 'utf8')
    const commands = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap((match) => match[1]!.trim().split('\n'))
    assert.ok(commands.length > 0)
    const folder = newFolder(t)
    // As a person's shell has it: `vivarium` is a command that can stand anywhere in a line.
    const shell = `vivarium() { "${process.execPath}" "${bin}" "$@"; }`
    for (const command of commands) {
      const env = { ...process.env, VIVARIUM_DATA: newFolder(t) }
      await run('bash', ['-c', `${shell}\nset -o pipefail\n${command}`], { cwd: folder, env })
    }
  })
}

test('the commands of docs/networks/command-line.md do what they say', async (t) => {
  const text = readFileSync(join(checkout, 'docs/networks/command-line.md'), 'utf8')
  const commands = [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap((match) => match[1]!.trim().split('\n'))
  assert.ok(commands.length > 20)
  const folder = newFolder(t)
  const data = newFolder(t)
  await startServer(t, data)
  const shell = `vivarium() { "${process.execPath}" "${bin}" "$@"; }`
  for (const command of commands) {
    const env = { ...process.env, VIVARIUM_DATA: data }
    const { stdout } = await run('bash', ['-c', `${shell}\n${command}`], { cwd: folder, env })
    assert.ok(stdout.trim().length > 0, command)
  }
})

test('docs/data-folder.md names every file of the data folder, and no other', () => {
  const text = readFileSync(join(checkout, 'docs/data-folder.md'), 'utf8')
  const documented = [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!.replace(/\/$/, ''))
  const { root, run: _, ...files } = dataFolderAt('/data')
  assert.deepEqual(
    documented.sort(),
    Object.values(files)
      .map((path) => path.slice(root.length + 1))
      .sort(),
  )
})

test('every link between the documents leads somewhere', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'docs/architecture.md',
    'docs/command-line.md',
    'docs/disks.md',
  ]
  for (const document of documents) {
    const text = readFileSync(join(checkout, document), 'utf8')
    for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!target!.includes(':'))
        assert.ok(existsSync(join(checkout, document, '..', target!)), `${document}: ${target}`)
    }
  }
})
