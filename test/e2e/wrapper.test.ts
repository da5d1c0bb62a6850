import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bin, newFolder } from './server-process.ts'

/** The first `node` of the path that is too old for our sources: it starts the one that is not. */
function oldNode(): string | undefined {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((path) => existsSync(path))
  return found.find(
    (path) =>
      Number.parseInt(execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }), 10) < 24,
  )
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

test('a command ends, and takes back what it began, when what started it is killed', async (t) => {
  const node = oldNode()
  if (node === undefined) return t.skip('the host has no Node older than 24')
  const folder = newFolder(t)
  const endless = openSync('/dev/zero', 'r')
  const wrapper = spawn(node, [bin, 'disk', 'convert', '-', join(folder, 'new.vhd'), '--size', '64G'], {
    stdio: [endless, 'ignore', 'pipe'],
    detached: true,
  })
  closeSync(endless)
  t.after(() => killGroup(wrapper.pid!))
  // Its pipe is open as long as the command itself is.
  const ended = once(wrapper, 'close')
  let told = ''
  wrapper.stderr!.on('data', (text: Buffer) => {
    told += text
  })
  while (readdirSync(folder).length === 0 && wrapper.exitCode === null) await sleep(20)
  wrapper.kill('SIGKILL')
  await ended
  assert.match(told, /Stopped\. Nothing was made\./)
  assert.deepEqual(readdirSync(folder), [])
})
