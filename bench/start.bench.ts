import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * From the start of the server's process to its line with the address, and to the first page that answers; a fresh
 * data folder (with making Hello) and one that exists. The peer is Node's own bare start in the same round.
 */
const ROUNDS = 5
const bin = join(import.meta.dirname, '../bin/vivarium.js')

async function start(data: string): Promise<{ line: number; page: number }> {
  const begin = performance.now()
  const child = spawn(process.execPath, [bin, 'serve', '--port', '0', '--data', data], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.includes('sign in once')) break
  }
  const line = performance.now() - begin
  await (await fetch(/is at (\S+)/.exec(text)![1]!)).text()
  const page = performance.now() - begin
  child.kill('SIGTERM')
  await once(child, 'exit')
  return { line, page }
}

async function bareNode(): Promise<number> {
  const begin = performance.now()
  await once(spawn(process.execPath, ['-e', '0']), 'exit')
  return performance.now() - begin
}

const rows: Record<string, number[]> = {
  'fresh, line': [],
  'fresh, page': [],
  'again, line': [],
  'again, page': [],
  'node -e 0': [],
}
for (let round = 0; round < ROUNDS; round++) {
  const data = mkdtempSync(join(tmpdir(), 'vivarium-bench-'))
  for (const name of ['fresh', 'again']) {
    const { line, page } = await start(data)
    rows[`${name}, line`]!.push(line)
    rows[`${name}, page`]!.push(page)
  }
  rows['node -e 0']!.push(await bareNode())
  rmSync(data, { recursive: true, force: true })
}
const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!
const peer = median(rows['node -e 0']!)
console.log(`server start, ms, median of ${ROUNDS}`)
for (const [name, values] of Object.entries(rows)) {
  console.log(
    `${name.padEnd(16)} ${median(values).toFixed(0).padStart(7)}  ${(median(values) / peer).toFixed(1)}x of Node's own start`,
  )
}
