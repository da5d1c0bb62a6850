/**
 * What the disk room costs over plain pread and pwrite on a raw file, in the same run: sequential 1 MiB and random
 * 4 KiB, on fixed and dynamic disks and on differencing chains 1 and 5 deep. Everything is in memory (/dev/shm where
 * there is one), so that the ratios show our work and not the host's disk; rounds alternate between the two. A ratio above 1 is faster than the raw file.
 *
 * Run: node bench/disk-layer.bench.ts
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Disk, openDisk } from '../src/disk/index.ts'
import { createDiskFile, openDiskFile, openFileStore } from '../src/system/index.ts'

const MiB = 1 << 20
const SIZE = 128 * MiB
const ROUNDS = 3
const ROUND_MS = 120
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vivarium-bench-'))

interface Work {
  readonly name: string
  readonly bytes: number
  /** Where the next piece lies. */
  readonly next: () => number
  readonly act: (disk: Target, at: number, buffer: Uint8Array) => void
}

interface Target {
  read(at: number, into: Uint8Array): void
  write(at: number, from: Uint8Array): void
}

function sequential(): () => number {
  let at = -MiB
  return () => {
    at = (at + MiB) % SIZE
    return at
  }
}

function random(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * (SIZE / 4096)) * 4096
  }
}

const works: readonly Work[] = [
  {
    name: 'read 1 MiB sequential',
    bytes: MiB,
    next: sequential(),
    act: (disk, at, buffer) => disk.read(at, buffer),
  },
  {
    name: 'write 1 MiB sequential',
    bytes: MiB,
    next: sequential(),
    act: (disk, at, buffer) => disk.write(at, buffer),
  },
  {
    name: 'read 4 KiB random',
    bytes: 4096,
    next: random(),
    act: (disk, at, buffer) => disk.read(at, buffer),
  },
  {
    name: 'write 4 KiB random',
    bytes: 4096,
    next: random(),
    act: (disk, at, buffer) => disk.write(at, buffer),
  },
]

/** Bytes a second. */
function measure(target: Target, { bytes, next, act }: Work): number {
  const buffer = new Uint8Array(bytes).fill(0x5a)
  const started = performance.now()
  let count = 0
  let elapsed = 0
  do {
    for (let i = 0; i < 8; i++) act(target, next(), buffer)
    count += 8
    elapsed = performance.now() - started
  } while (elapsed < ROUND_MS)
  return (count * bytes * 1000) / elapsed
}

function medians(ours: Target, theirs: Target, work: Work): [number, number] {
  const rounds = Array.from({ length: ROUNDS }, () => [measure(ours, work), measure(theirs, work)] as const)
  const median = (values: number[]) => values.sort((a, b) => a - b)[ROUNDS >> 1]!
  return [median(rounds.map(([value]) => value)), median(rounds.map(([, value]) => value))]
}

function fill(disk: Disk, every = 1): void {
  const piece = new Uint8Array(64 << 10).fill(1)
  for (let at = 0; at < SIZE; at += piece.length * every) disk.write(at, piece)
  disk.close()
}

/** A chain whose layers each hold some 64 KiB runs of every block. */
function makeChain(depth: number): string {
  let path = join(folder, `base-${depth}.vhd`)
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: SIZE })
  fill(openDiskFile(path, { writable: true }))
  for (let layer = 1; layer <= depth; layer++) {
    const child = join(folder, `child-${depth}-${layer}.vhd`)
    createDiskFile(child, { subformat: 'differencing', parent: path })
    fill(openDiskFile(child, { writable: true }), 3 + layer)
    path = child
  }
  return path
}

function makeSimple(subformat: 'fixed' | 'dynamic'): string {
  const path = join(folder, `${subformat}.vhd`)
  createDiskFile(path, { subformat, sizeBytes: SIZE })
  fill(openDiskFile(path, { writable: true }))
  return path
}

function show(name: string, value: number, unit: string, ratio: number): void {
  console.log(`${name.padEnd(46)} ${value.toFixed(0).padStart(8)} ${unit.padEnd(6)} ${ratio.toFixed(2)}`)
}

try {
  const rawPath = join(folder, 'plain.img')
  openFileStore(rawPath, { create: true }).close()
  const plain = openFileStore(rawPath, { writable: true })
  plain.truncate(SIZE)
  const preparation = openDisk(openFileStore(rawPath, { writable: true }), { format: 'raw', writable: true })
  fill(preparation)
  const kinds: readonly (readonly [string, () => string])[] = [
    ['fixed', () => makeSimple('fixed')],
    ['dynamic', () => makeSimple('dynamic')],
    ['differencing, depth 1', () => makeChain(1)],
    ['differencing, depth 5', () => makeChain(5)],
  ]
  for (const [kind, make] of kinds) {
    const disk = openDiskFile(make(), { writable: true })
    for (const work of works) {
      const [ours, theirs] = medians(disk, plain, work)
      const large = work.bytes === MiB
      show(
        `${kind}: ${work.name}`,
        ours / (large ? MiB : work.bytes),
        large ? 'MiB/s' : 'IOPS',
        ours / theirs,
      )
    }
    disk.close()
  }
  plain.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
