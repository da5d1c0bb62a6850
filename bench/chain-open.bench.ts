import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDiskFile, openDiskFile } from '../src/system/index.ts'

/**
 * Opening a chain of 100 links with a virtual size of 2 TB (2040 GB, the format's largest), and reading a sector
 * that only the lowest one has: time and memory. Each link's allocation table has 4 MiB. The first opening includes
 * the code's own warming up; memory is what the process has grown by, after a collection where node offers it
 * (--expose-gc).
 *
 * Run: node --expose-gc bench/chain-open.bench.ts
 */
const LINKS = 100
const SIZE = 2040 * 2 ** 30
const ROUNDS = 5
const GOAL_MS = 50
const GOAL_MIB = 64
const folder = mkdtempSync(join(tmpdir(), 'vivarium-bench-'))

function makeChain(): string {
  let path = join(folder, 'link-0.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: SIZE })
  const base = openDiskFile(path, { writable: true })
  base.write(SIZE / 2, new Uint8Array(512).fill(7))
  base.close()
  for (let link = 1; link < LINKS; link++) {
    const child = join(folder, `link-${link}.vhd`)
    createDiskFile(child, { subformat: 'differencing', parent: path })
    path = child
  }
  return path
}

function memory(): { rss: number; held: number } {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, held: heapUsed + external }
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!
const inMiB = (bytes: number) => (bytes / 2 ** 20).toFixed(1)

try {
  const top = makeChain()
  for (const writable of [false, true]) {
    const opening: number[] = []
    const reading: number[] = []
    const cpu: number[] = []
    const before = memory()
    let after = before
    for (let round = 0; round < ROUNDS; round++) {
      const cpuStart = process.cpuUsage()
      const start = performance.now()
      const disk = openDiskFile(top, { writable })
      const opened = performance.now()
      const { user, system } = process.cpuUsage(cpuStart)
      cpu.push((user + system) / 1000)
      const sector = new Uint8Array(512)
      disk.read(SIZE / 2, sector)
      reading.push(performance.now() - opened)
      opening.push(opened - start)
      if (sector[0] !== 7) throw new Error('The sector is not what was written.')
      if (round === 0) after = memory()
      disk.close()
    }
    const how = writable ? 'for writing' : 'for reading'
    const times = `${median(opening).toFixed(1)} ms (first ${opening[0]!.toFixed(1)}, processor ${median(cpu).toFixed(1)})`
    console.log(
      `open ${LINKS} links of 2 TB ${how}: ${times}, first sector ${median(reading).toFixed(1)} ms, ` +
        `+${inMiB(after.rss - before.rss)} MiB resident, +${inMiB(after.held - before.held)} MiB held ` +
        `(goal ${GOAL_MS} ms, ${GOAL_MIB} MiB)`,
    )
  }
} finally {
  rmSync(folder, { recursive: true })
}
