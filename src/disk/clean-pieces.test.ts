import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ByteStore, MiB } from '../base/index.ts'
import { CleanPieces, cleanBytes, MAX_CLEAN_BYTES } from './clean-pieces.ts'
import type { Layer, Run } from './format.ts'
import { createQcow2 } from './formats/qcow2/create.ts'
import { createVdi } from './formats/vdi/create.ts'
import { createVhd } from './formats/vhd/create.ts'
import { createVhdx } from './formats/vhdx/create.ts'
import { sparseStore } from './formats/vhdx/testing.ts'
import { createVmdk } from './formats/vmdk/create.ts'
import { readImage } from './open.ts'

const TB2 = 2040 * 1024 * MiB
const LAYERS = 100

test('the oldest piece of all layers goes first, and a closed layer gives back its share', () => {
  const layers = Array.from({ length: LAYERS }, () => new CleanPieces<number>())
  for (let round = 0; round < 64; round++)
    for (const [index, layer] of layers.entries()) layer.keep(round, index, 16 << 10)
  assert.ok(cleanBytes() <= MAX_CLEAN_BYTES && cleanBytes() > MAX_CLEAN_BYTES - (17 << 10))
  assert.equal(layers[7]!.get(0), undefined)
  assert.equal(layers[7]!.get(63), 7)
  const before = cleanBytes()
  layers[7]!.keep(63, 8, 16 << 10)
  assert.equal(cleanBytes(), before, 'what is kept again counts once')
  assert.equal(layers[7]!.get(63), 8)
  assert.ok(layers[7]!.delete(63))
  assert.ok(!layers[7]!.delete(63))
  for (const layer of layers) layer.clear()
  assert.equal(cleanBytes(), 0)
})

test('a piece that is larger than the bound is kept alone, and goes with the next', () => {
  const layer = new CleanPieces<string>()
  layer.keep(1, 'small', 1)
  layer.keep(2, 'huge', 2 * MAX_CLEAN_BYTES)
  assert.deepEqual([layer.get(1), layer.get(2)], [undefined, 'huge'])
  layer.keep(3, 'small', 1)
  assert.deepEqual([layer.get(2), layer.get(3)], [undefined, 'small'])
  layer.clear()
})

interface Case {
  readonly name: string
  /** Guest bytes between two questions, so that each is about another piece of the tables. */
  readonly step: number
  readonly questions: number
  /** Writes a sector at each place first, where an empty disk has no tables. */
  readonly written: boolean
  readonly create: (store: ByteStore) => void
}

const parent = { id: '6f2b1c04-0d6a-4e55-9a0e-0c7f3a9d1b52', stamp: 0, absolutePath: '/base.vhd' }

const cases: readonly Case[] = [
  {
    ...{ name: 'bitmaps of a VHD', step: 2 * MiB, questions: 500, written: true },
    create: (store) => createVhd(store, { type: 'differencing', sizeBytes: TB2, parent }),
  },
  {
    ...{ name: 'BAT of a VHDX', step: 16 * 1024 * MiB, questions: 127, written: false },
    create: (store) => createVhdx(store, { type: 'dynamic', sizeBytes: TB2, blockSize: 32 * MiB }),
  },
  {
    ...{ name: 'map of a VDI', step: 4096 * MiB, questions: 500, written: false },
    create: (store) => createVdi(store, { type: 'dynamic', sizeBytes: TB2 }),
  },
  {
    ...{ name: 'tables of a QCOW2', step: 32 * MiB, questions: 150, written: true },
    create: (store) => createQcow2(store, { sizeBytes: TB2 }),
  },
  {
    ...{ name: 'grain tables of a VMDK', step: 32 * MiB, questions: 200, written: true },
    create: (store) =>
      createVmdk(store, { subformat: 'monolithicSparse', name: 'disk.vmdk', sizeBytes: TB2 }),
  },
]

for (const { name, step, questions, written, create } of cases) {
  test(`${name}: 100 open layers of 2 TB keep no more than the bound, and nothing once closed`, () => {
    const store = sparseStore('disk.vmdk')
    create(store)
    const places = Array.from({ length: questions }, (_, index) => index * step)
    if (written) writeAt(readImage(store).open(true), places)
    assert.equal(cleanBytes(), 0)
    const layers = Array.from({ length: LAYERS }, () => readImage(store).open(false))
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    let most = 0
    for (const layer of layers) {
      for (const place of places) layer.locate(place, 512, run)
      most = Math.max(most, cleanBytes())
    }
    // Had each layer kept what it has read, it would be more than the bound.
    assert.ok(most > MAX_CLEAN_BYTES * 0.9, `${most} bytes were kept`)
    assert.ok(most <= MAX_CLEAN_BYTES, `${most} bytes were kept`)
    // What was dropped is read again, and says the same.
    for (const place of places) {
      layers[0]!.locate(place, 512, run)
      assert.equal(run.kind === 'data', written)
    }
    for (const layer of layers) layer.close()
    assert.equal(cleanBytes(), 0)
  })
}

function writeAt(layer: Layer, places: readonly number[]): void {
  const sector = new Uint8Array(512).fill(7)
  for (const place of places) layer.write(place, sector)
  layer.flush()
  layer.close()
}
