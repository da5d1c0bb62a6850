import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByteStore } from '../base/index.ts'
import { cases, randomFrom } from '../base/testing.ts'
import { contentOf, journalOf } from '../disk/formats/testing.ts'
import {
  type DiskFormat,
  diskFormats,
  emptySource,
  type LayoutOptions,
  onlyFile,
  openDiskChain,
  openUpperLayers,
  readImage,
  writeLayout,
} from '../disk/index.ts'
import { type MemoryStore, memoryStore } from '../disk/testing.ts'
import { carryDown } from './carry-down.ts'

/**
 * A merge, killed or without power at any point: every prefix of what it wrote to the parent is built again, and also
 * with writes lost or torn that no flush confirmed. The child on top of it must show what it showed before, and a
 * merge that is run again must give the parent all of it.
 */
const SIZE = 3 << 20
const SECTORS = SIZE / 512

/** Small blocks, so that a few writes touch many of them. */
const BLOCK_BYTES: Record<string, number> = {
  vhd: 65536,
  vhdx: 1 << 20,

  vdi: 1 << 20,
  qcow2: 4096,
}

function make(format: DiskFormat, options: Partial<LayoutOptions>): MemoryStore {
  const name = options.parent === undefined ? 'base' : 'child'
  const source = emptySource(SIZE, options.parent === undefined ? 'zero' : 'below')
  const store = memoryStore(undefined, name)
  const blockSize = BLOCK_BYTES[format.name]
  const subformat = format.subformats![0]!.name
  const layout = { name, subformat, ...(blockSize !== undefined && { blockSize }), ...options }
  writeLayout(onlyFile(format.layout!(source, layout)), source, store)
  return store
}

interface Pair {
  readonly format: DiskFormat
  readonly base: MemoryStore
  readonly child: MemoryStore
}

function pairOf(format: DiskFormat, next: () => number): Pair {
  const base = make(format, {})
  scribble([base], next, 12)
  const { id, diskId, stamp, sizeBytes } = readImage(base).facts
  const parent = {
    format: format.name,
    sizeBytes,
    relativePath: '.\\base',
    absolutePath: '/base',
    ...(id !== undefined && { id }),
    ...(diskId !== undefined && { diskId }),
    ...(stamp !== undefined && { stamp }),
  }
  const child = make(format, { subformat: 'differencing', parent })
  scribble([child, base], next, 10)
  return { format, base, child }
}

function scribble(stores: readonly ByteStore[], next: () => number, steps: number): void {
  const disk = openDiskChain(stores, [], { writable: true })
  for (let step = 0; step < steps; step++) {
    const sector = Math.floor(next() * SECTORS)
    const length = Math.min(SECTORS - sector, 1 + Math.floor(next() * (step % 4 === 0 ? 700 : 20))) * 512
    if (next() < 0.25) disk.writeZeroes(sector * 512, length)
    else disk.write(sector * 512, new Uint8Array(length).fill(1 + Math.floor(next() * 255)))
  }
  disk.close()
}

async function mergeInto(child: MemoryStore, target: ByteStore): Promise<void> {
  const upper = openUpperLayers([child], [])
  const disk = openDiskChain([target], [], { writable: true, keepId: true })
  await carryDown(upper, disk, { begin: () => undefined })
  disk.flush()
  disk.close()
}

async function replay(format: DiskFormat, seed: number, lossy: boolean): Promise<void> {
  const next = randomFrom(seed)
  const { base, child } = pairOf(format, next)
  const before = contentOf(openDiskChain([child, base], []))
  const journal = journalOf(base.bytes(), 'base')
  await mergeInto(child, journal.store)
  const every = Math.max(1, Math.ceil(journal.length / cases(30, journal.length)))
  for (let length = 1; length <= journal.length; length += length < 12 ? 1 : every) {
    const where = `${format.name}, seed ${seed}, after ${length} of ${journal.length}`
    const crashed = journal.rebuild(length, lossy, next)
    assert.ok(Buffer.compare(contentOf(openDiskChain([child, crashed], [])), before) === 0, where)
    if (length % 5 !== 0 && length < journal.length) continue
    await mergeInto(child, crashed)
    assert.ok(Buffer.compare(contentOf(openDiskChain([crashed], [])), before) === 0, `${where}, merged again`)
    assert.deepEqual(
      readImage(crashed)
        .survey()
        .problems.filter(({ severity }) => severity === 'error'),
      [],
    )
  }
}

for (const format of diskFormats) {
  if (format.name === 'raw') continue
  test(`a ${format.label} child shows the same over every prefix of a merge, the last write torn`, async () => {
    for (let seed = 1; seed <= cases(1, 2); seed++) await replay(format, seed * 7919, false)
  })
  test(`a ${format.label} child shows the same when unconfirmed writes of a merge are lost`, async () => {
    for (let seed = 1; seed <= cases(1, 2); seed++) await replay(format, seed * 104729, true)
  })
}
