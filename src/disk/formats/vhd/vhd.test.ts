import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cases } from '../../../base/testing.ts'
import type { Disk } from '../../disk.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { createVhd } from './create.ts'

const SIZE = 100 * 512 // six blocks of 8 KiB and a part of a seventh
const BLOCK = 8192

function newStore(type: 'fixed' | 'dynamic' | 'differencing', parent?: MemoryStore): MemoryStore {
  const store = memoryStore()
  const facts = parent && readImage(parent).facts
  createVhd(store, {
    type,
    sizeBytes: SIZE,
    blockSize: BLOCK,
    ...(facts && { parent: { id: facts.id!, stamp: facts.stamp!, absolutePath: '/parent.vhd' } }),
  })
  return store
}

function open(stores: readonly MemoryStore[], writable = true): Disk {
  return openDiskChain(stores, [], { writable })
}

interface RangeStep {
  readonly do: 'write' | 'zeroes' | 'read'
  readonly at: number
  readonly length: number
  readonly value: number
}

interface PlainStep {
  readonly do: 'flush' | 'reopen'
}

type Step = RangeStep | PlainStep

const range = { at: fc.nat(SIZE - 1), length: fc.nat(3 * BLOCK), value: fc.integer({ min: 1, max: 255 }) }
const sectorRange = {
  at: fc.nat(99).map((sector) => sector * 512),
  length: fc.nat(20).map((sectors) => sectors * 512),
  value: range.value,
}
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant<RangeStep['do']>('write'), ...sectorRange }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant<RangeStep['do']>('write'), ...range }) },
    fc.record({ do: fc.constantFrom<RangeStep['do'][]>('zeroes', 'read'), ...range }),
    fc.record({ do: fc.constantFrom<PlainStep['do'][]>('flush', 'reopen') }),
  ),
  { maxLength: 12 },
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
  check(stores, model)
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
    const into = new Uint8Array(length).fill(0xee)
    disk.read(at, into)
    assert.deepEqual(into, model.slice(at, at + length))
  }
}

function check(stores: readonly MemoryStore[], model: Uint8Array): void {
  const disk = open(stores, false)
  const all = new Uint8Array(SIZE)
  disk.read(0, all)
  assert.deepEqual(all, model)
  let at = 0
  for (const extent of disk.extents(0, SIZE)) {
    assert.equal(extent.offset, at)
    assert.ok(extent.length > 0)
    at += extent.length
    if (extent.kind === 'zero') assert.ok(model.subarray(extent.offset, at).every((value) => value === 0))
    else assert.ok(extent.layer! < stores.length)
  }
  assert.equal(at, SIZE)
}

test('disks and chains up to six deep hold what a plain array holds', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('fixed' as const, 'dynamic' as const),
      fc.array(steps, { minLength: 1, maxLength: 6 }),
      (baseType, layers) => {
        const model = new Uint8Array(SIZE)
        let stores: MemoryStore[] = []
        for (const list of layers) {
          const below = stores.map((store) => store.bytes())
          stores = [stores.length === 0 ? newStore(baseType) : newStore('differencing', stores[0]), ...stores]
          play(stores, model, list)
          assert.deepEqual(
            stores.slice(1).map((store) => store.bytes()),
            below,
            'parents never change',
          )
        }
      },
    ),
    { numRuns: cases(30, 150) },
  )
})

test('zeroes over nothing allocate nothing', () => {
  const store = newStore('dynamic')
  const size = store.size()
  const disk = open([store])
  disk.writeZeroes(0, SIZE)
  disk.close()
  assert.equal(store.size(), size)
})

test('zeroes in a child hide the parent without storing more than bits', () => {
  const parent = newStore('dynamic')
  const base = open([parent])
  base.write(0, new Uint8Array(SIZE).fill(5))
  base.close()
  const child = newStore('differencing', parent)
  const disk = open([child, parent])
  disk.writeZeroes(512, 1024)
  disk.close()
  const again = open([child, parent], false)
  const into = new Uint8Array(2048)
  again.read(0, into)
  assert.deepEqual([into[511], into[512], into[1535], into[1536]], [5, 0, 0, 5])
  assert.deepEqual(readImage(child).survey().allocated, 1024)
})

test('discard gives space back where the store can, and never shows a parent again', () => {
  const parent = newStore('dynamic')
  const base = open([parent])
  base.write(0, new Uint8Array(SIZE).fill(5))
  base.close()
  const child = newStore('differencing', parent)
  const punched: [number, number][] = []
  const { name, size, read, write, truncate, flush, close } = child
  const punching = {
    ...{ name, size, read, write, truncate, flush, close, writable: true },
    punch(at: number, length: number) {
      punched.push([at, length])
      child.write(at, new Uint8Array(length))
    },
  }
  const disk = openDiskChain([punching, parent], [], { writable: true })
  disk.write(0, new Uint8Array(4096).fill(6))
  disk.discard(0, 8192)
  const into = new Uint8Array(8192)
  disk.read(0, into)
  assert.deepEqual([into[0], into[4095], into[4096]], [0, 0, 5])
  assert.equal(punched.length, 1)
})

test('a differencing disk is never shown without its parent, or with another one', () => {
  const parent = newStore('fixed')
  const child = newStore('differencing', parent)
  assert.throws(() => open([child]), { code: 'disk-needs-parent' })
  assert.throws(() => open([child, newStore('fixed')]), { code: 'disk-parent-mismatch' })
  assert.throws(() => open([parent, child]), { code: 'disk-has-no-parent' })
})

test('a chain of 1000 disks opens and reads', () => {
  let stores = [newStore('dynamic')]
  const base = open(stores)
  base.write(512, new Uint8Array(512).fill(9))
  base.close()
  for (let depth = 1; depth < 1000; depth++) stores = [newStore('differencing', stores[0]), ...stores]
  const into = new Uint8Array(1024)
  open(stores, false).read(0, into)
  assert.deepEqual([into[511], into[512]], [0, 9])
})

test('the shell checks ranges, the closed state and the right to write', () => {
  const disk = open([newStore('dynamic')], false)
  assert.throws(() => disk.read(SIZE - 1, new Uint8Array(2)), { code: 'disk-range' })
  assert.throws(() => disk.read(-1, new Uint8Array(1)), { code: 'disk-range' })
  assert.throws(() => disk.write(0, new Uint8Array(1)), { code: 'disk-read-only', kind: 'denied' })
  disk.close()
  disk.close()
  assert.throws(() => disk.read(0, new Uint8Array(1)), { code: 'disk-closed' })
})

test('a bitmap with clear bits in a dynamic disk reads as zero there, and writing sets them', () => {
  const store = newStore('dynamic')
  const disk = open([store])
  disk.write(0, new Uint8Array(BLOCK).fill(3))
  disk.close()
  const bitmapAt = readBatEntry(store, 0) * 512
  store.write(bitmapAt, Uint8Array.of(0b0111_1111))
  const again = open([store])
  const into = new Uint8Array(1024)
  again.read(0, into)
  assert.deepEqual([into[0], into[512]], [0, 3])
  again.write(0, new Uint8Array(512).fill(4))
  again.close()
  open([store], false).read(0, into)
  assert.deepEqual([into[0], into[512]], [4, 3])
})

function readBatEntry(store: MemoryStore, block: number): number {
  return new DataView(store.bytes().buffer).getUint32(0x600 + block * 4)
}

test('the data of new blocks is aligned to 4 KiB', () => {
  const store = newStore('dynamic')
  const disk = open([store])
  for (let block = 0; block < 6; block++) disk.write(block * BLOCK, new Uint8Array(512).fill(1))
  disk.close()
  for (let block = 0; block < 6; block++) assert.equal((readBatEntry(store, block) * 512 + 512) % 4096, 0)
})

test('a disk that a saved state depends on is not written to by accident', () => {
  const store = newStore('dynamic')
  for (const at of [0, store.size() - 512]) store.write(at + 84, Uint8Array.of(1))
  assert.throws(() => open([store]), { code: 'disk-in-saved-state' })
  open([store], false).close()
  openDiskChain([store], [], { writable: true, evenIfInSavedState: true }).close()
})
