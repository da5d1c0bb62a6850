import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiskFile } from '../src/system/index.ts'

/**
 * Wall time of `vivarium inspect FILE` against `qemu-img info FILE`, whole processes, in turn. Node's own start is a
 * third line: no program in Node can be faster than that.
 */
const ROUNDS = 15
const folder = mkdtempSync(join(tmpdir(), 'vivarium-bench-'))
const file = join(folder, 'disk.vhd')
createDiskFile(file, { subformat: 'dynamic', sizeBytes: 16 * 2 ** 30 })

const commands = {
  'vivarium inspect': [process.execPath, join(import.meta.dirname, '../bin/vivarium.js'), 'inspect', file],
  'qemu-img info': ['qemu-img', 'info', file],
  'node -e 0': [process.execPath, '-e', '0'],
}

function milliseconds([program, ...args]: string[]): number {
  const start = performance.now()
  const { status, error } = spawnSync(program!, args, { stdio: 'ignore' })
  if (error || status !== 0) throw new Error(`${program} failed: ${error?.message ?? status}`)
  return performance.now() - start
}

const times = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]))
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, command] of Object.entries(commands)) {
    const time = milliseconds(command)
    if (round >= 0) times.get(name)!.push(time)
  }
}
rmSync(folder, { recursive: true })

const median = (name: string) => times.get(name)!.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!
const ours = median('vivarium inspect')
console.log(`inspect, wall ms, median of ${ROUNDS}`)
for (const name of times.keys()) {
  console.log(
    `${name.padEnd(20)} ${median(name).toFixed(1).padStart(8)}  inspect is ${(ours / median(name)).toFixed(2)}x`,
  )
}
