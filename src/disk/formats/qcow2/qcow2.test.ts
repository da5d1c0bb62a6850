import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { cases } from '../../../base/testing.ts'
import type { Disk } from '../../disk.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { createQcow2 } from './create.ts'
import type { NewQcow2 } from './new-image.ts'
import { packClusters, showSnapshot, takeSnapshot } from './testing.ts'

const CLUSTER = 1024
const SIZE = 300 * CLUSTER + 512 // three L2 tables; the last cluster is a half one

type Shape = Omit<NewQcow2, 'sizeBytes' | 'backing'>

function newStore(shape: Shape = {}, parent?: string): MemoryStore {
  const store = memoryStore(undefined, 'disk.qcow2')
  createQcow2(store, {
    sizeBytes: SIZE,
    clusterSize: CLUSTER,
    ...shape,
    ...(parent !== undefined && { backing: { path: parent, format: 'qcow2' } }),
  })
  return store
}

function open(stores: readonly MemoryStore[], writable = true): Disk {
  return openDiskChain(stores, [], { writable })
}

function contentOf(stores: readonly MemoryStore[]): Uint8Array {
  const disk = open(stores, false)
  const all = new Uint8Array(disk.sizeBytes)
  disk.read(0, all)
  disk.close()
  return all
}

/** As QEMU packs: raw DEFLATE with a window of 4 KiB. */
const deflate = (bytes: Uint8Array) => deflateRawSync(bytes, { windowBits: 12 })

interface RangeStep {
  readonly do: 'write' | 'zeroes' | 'discard' | 'read'
  readonly at: number
  readonly length: number
  readonly value: number
}

type Step = RangeStep | { readonly do: 'flush' | 'reopen' }

const range = { at: fc.nat(SIZE - 1), length: fc.nat(9 * CLUSTER), value: fc.integer({ min: 1, max: 255 }) }
const sectorRange = {
  at: fc.nat(SIZE / 512 - 1).map((sector) => sector * 512),
  length: fc.nat(40).map((sectors) => sectors * 512),
  value: range.value,
}
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant<RangeStep['do']>('write'), ...sectorRange }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant<RangeStep['do']>('write'), ...range }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom<RangeStep['do'][]>('zeroes', 'discard', 'read'), ...range }),
    },
    fc.record({ do: fc.constantFrom<('flush' | 'reopen')[]>('flush', 'reopen') }),
  ),
  { maxLength: 14 },
)

/** Does the steps to the disk and to a plain array; what they read must be the same. */
function play(stores: readonly MemoryStore[], model: Uint8Array, list: readonly Step[]): void {
  let disk = open(stores)
  for (const step of list) {
    if ('at' in step) playRange(disk, model, step)
    else if (step.do === 'flush') disk.flush()
    else {
      disk.close()
      disk = open(stores)
    }
  }
  disk.close()
  assert.deepEqual(contentOf(stores), model)
  assert.deepEqual(readImage(stores[0]!).survey().problems, [], 'sound, and nothing is leaked')
  let at = 0
  for (const extent of open(stores, false).extents(0, SIZE)) {
    assert.equal(extent.offset, at)
    at += extent.length
  }
  assert.equal(at, SIZE)
}

function playRange(disk: Disk, model: Uint8Array, { do: what, at, length: wanted, value }: RangeStep): void {
  const length = Math.min(wanted, SIZE - at)
  if (what === 'write') {
    const data = new Uint8Array(length).map((_, index) => value + index)
    disk.write(at, data)
    model.set(data, at)
  } else if (what === 'zeroes') {
    disk.writeZeroes(at, length)
    model.fill(0, at, at + length)
  } else {
    // A discarded range shows what it showed, or zeroes.
    if (what === 'discard') disk.discard(at, length)
    const into = new Uint8Array(length)
    disk.read(at, into)
    for (let i = 0; i < length; i++)
      assert.ok(into[i] === model[at + i] || (what === 'discard' && into[i] === 0))
    model.set(into, at)
  }
}

const shapes = fc.constantFrom<Shape[]>(
  {},
  { clusterSize: 512 },
  { clusterSize: 512, refcountBits: 64 },
  { clusterSize: 4096, refcountBits: 8 },
  { version: 2 },
  { refcountBits: 1 },
  { refcountBits: 2 },
  { clusterSize: 65536, refcountBits: 32 },
)

test('disks and chains up to four deep hold what a plain array holds, and their refcounts are right', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(shapes, steps), { minLength: 1, maxLength: 4 }), (layers) => {
      const model = new Uint8Array(SIZE)
      let stores: MemoryStore[] = []
      for (const [shape, list] of layers) {
        const below = stores.map((store) => store.bytes())
        stores = [newStore(shape, stores.length === 0 ? undefined : 'below.qcow2'), ...stores]
        play(stores, model, list)
        assert.deepEqual(
          stores.slice(1).map((store) => store.bytes()),
          below,
          'parents never change',
        )
      }
    }),
    { numRuns: cases(30, 150) },
  )
})

test('writing leaves snapshots as they were', () => {
  const shape = fc.constantFrom<Shape[]>(
    {},
    { clusterSize: 512, refcountBits: 2 },
    { version: 2 },
    { refcountBits: 64 },
  )
  fc.assert(
    fc.property(shape, steps, steps, (shape, before, after) => {
      const store = newStore(shape)
      const model = new Uint8Array(SIZE)
      play([store], model, before)
      const then = model.slice()
      takeSnapshot(store)
      assert.deepEqual(readImage(store).survey().problems, [])
      play([store], model, after)
      showSnapshot(store)
      assert.deepEqual(contentOf([store]), then)
    }),
    { numRuns: cases(20, 100) },
  )
})

test('compressed clusters are read, and unpacked where they are written to', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(40), { minLength: 1 }),
      fc.boolean(),
      steps,
      (clusters, large, list) => {
        const clusterSize = large ? 4096 : 1024
        const store = newStore({ clusterSize })
        const model = new Uint8Array(SIZE)
        model.subarray(0, 41 * clusterSize).forEach((_, i, all) => {
          all[i] = (i >> 3) ^ (i >> 9)
        })
        const disk = open([store])
        disk.write(0, model)
        disk.close()
        packClusters(store, clusters, deflate)
        play([store], model, list)
      },
    ),
    { numRuns: cases(20, 100) },
  )
})
