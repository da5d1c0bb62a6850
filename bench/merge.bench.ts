/**
 * Committing a child into its parent: our merge of a differencing VHD into its dynamic parent, against `qemu-img commit`
 * of the same data in QCOW2 over QCOW2, in the same run. Rounds alternate; each begins with fresh copies, and ends
 * when the parent is on stable storage. Cold: nothing of the files is in the host's cache. Ours runs in this process,
 * as a task of the server does in its own; qemu-img is started each time (some 20 ms). Above 1 = we are faster.
 *
 * Run: node bench/merge.bench.ts [FOLDER]
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDiskFile,
  descriptorOf,
  nativeFiles,
  openDiskFile,
  openFileStore,
} from '../src/system/index.ts'
import { mergeIntoParent } from '../src/workshop/index.ts'

const MiB = 1 << 20
const SIZE = 2048 * MiB
const ROUNDS = 5
const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'vivarium-bench-merge-'))

interface Work {
  readonly name: string
  /** Where the child's pieces lie, and how long they are. */
  readonly start: number
  readonly step: number
  readonly length: number
  /** How the parent is filled before. */
  readonly below: { readonly step: number; readonly length: number }
}

const WORKS: readonly Work[] = [
  {
    name: '512 MiB in pieces of 8 MiB, over data',
    start: 0,
    step: 32 * MiB,
    length: 8 * MiB,
    below: { step: 16 * MiB, length: 16 * MiB },
  },
  {
    name: '512 MiB in pieces of 8 MiB, over nothing',
    start: 16 * MiB,
    step: 32 * MiB,
    length: 8 * MiB,
    below: { step: 32 * MiB, length: 8 * MiB },
  },
  {
    name: '128 MiB in pieces of 64 KiB, half over data',
    start: 0,
    step: MiB,
    length: MiB / 16,
    below: { step: 32 * MiB, length: 16 * MiB },
  },
]

const FORMATS = ['vhd', 'qcow2'] as const
type Format = (typeof FORMATS)[number]

function fill(path: string, start: number, step: number, length: number): void {
  const disk = openDiskFile(path, { writable: true })
  const piece = new Uint8Array(length)
  for (let at = start; at + length <= SIZE; at += step) {
    piece.fill(1 + ((at / MiB) % 250))
    disk.write(at, piece)
  }
  disk.close()
}

const fileOf = (name: string, format: Format, kept = false) =>
  join(folder, `${name}${kept ? '-kept' : ''}.${format}`)

function prepare(format: Format, { start, step, length, below }: Work): void {
  const [base, child] = [fileOf('base', format), fileOf('child', format)]
  for (const path of [base, child]) rmSync(path, { force: true })
  if (format === 'vhd') createDiskFile(base, { format, subformat: 'dynamic', sizeBytes: SIZE })
  else execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', base, String(SIZE)])
  fill(base, 0, below.step, below.length)
  if (format === 'vhd') createDiskFile(child, { format, subformat: 'differencing', parent: base })
  else execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'qcow2', child])
  fill(child, start, step, length)
  copyFileSync(base, fileOf('base', format, true))
}

/** Fresh copies, written out; with or without them in the host's cache. */
function reset(format: Format, cold: boolean): void {
  copyFileSync(fileOf('base', format, true), fileOf('base', format))
  for (const name of ['base', 'child']) {
    const store = openFileStore(fileOf(name, format), { writable: true })
    store.flush()
    if (cold) nativeFiles()?.forget(descriptorOf(store) ?? -1, 0, 0)
    else
      for (let at = 0, into = new Uint8Array(MiB); at + MiB <= store.size(); at += MiB) store.read(at, into)
    store.close()
  }
}

async function seconds(format: Format): Promise<number> {
  const [base, child] = [fileOf('base', format), fileOf('child', format)]
  const started = performance.now()
  if (format === 'vhd') await mergeIntoParent([child, base])
  else execFileSync('qemu-img', ['commit', '-q', '-d', '-f', 'qcow2', child])
  const store = openFileStore(base, { writable: true })
  store.flush()
  store.close()
  return (performance.now() - started) / 1000
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

try {
  for (const work of WORKS) {
    for (const format of FORMATS) prepare(format, work)
    for (const cold of [false, true]) {
      const times: Record<Format, number[]> = { vhd: [], qcow2: [] }
      for (let round = 0; round < ROUNDS; round++) {
        for (const format of round % 2 === 0 ? FORMATS : [...FORMATS].reverse()) {
          reset(format, cold)
          times[format].push(await seconds(format))
        }
      }
      const [ours, theirs] = [median(times.vhd), median(times.qcow2)]
      const name = `${work.name}, ${cold ? 'cold' : 'warm'}`
      console.log(
        `${name.padEnd(54)} ${ours.toFixed(2)} s  qemu-img ${theirs.toFixed(2)} s  ${(theirs / ours).toFixed(2)}`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
