import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { diskReportSchema } from '../../../api/report-schemas.ts'
import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import { reportOnDisk } from '../../inspect.ts'
import { openDisk, openDiskChain, probeFormat, readImage } from '../../open.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { damagedCopies, playSteps, replayCrashes, type Step } from '../testing.ts'
import { createVdi } from './create.ts'
import type { NewVdi } from './layout.ts'

/** Blocks are made smaller than the products do, so that a few sectors touch many. */
const BLOCK = 4096
const SECTORS = 75
const SIZE = SECTORS * 512 // the last block is a part of one

function newDisk(type: NewVdi['type'], parent?: MemoryStore): MemoryStore {
  const store = memoryStore(undefined, `${type}.vdi`)
  const id = parent && readImage(parent).facts.id
  createVdi(store, { type, sizeBytes: 512, ...(id !== undefined && { parent: { id } }) })
  const bytes = new Uint8Array(type === 'static' ? 4096 + 10 * BLOCK : 4096)
  bytes.set(store.bytes().subarray(0, 4096))
  const view = new DataView(bytes.buffer)
  view.setUint32(0x158, 4096, true)
  view.setUint32(0x170, SIZE, true)
  view.setUint32(0x178, BLOCK, true)
  view.setUint32(0x180, 10, true)
  view.setUint32(0x184, type === 'static' ? 10 : 0, true)
  for (let block = 0; block < 10; block++)
    view.setUint32(0x200 + block * 4, type === 'static' ? block : 0xffff_ffff, true)
  return memoryStore(bytes, store.name)
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom<Step['do']>('write', 'write', 'write', 'zeroes', 'flush', 'reopen'),
    at: fc.oneof(
      fc.nat(SIZE - 1),
      fc.nat(SECTORS - 1).map((sector) => sector * 512),
    ),
    length: fc.oneof(fc.nat(3 * BLOCK), fc.constantFrom(512, BLOCK, 2 * BLOCK)),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  { maxLength: 10 },
)

test('disks and chains hold what a plain array holds', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('dynamic' as const, 'static' as const),
      fc.array(steps, { minLength: 1, maxLength: 4 }),
      (type, layers) => {
        const model = new Uint8Array(SIZE)
        let stores: MemoryStore[] = []
        for (const list of layers) {
          const below = stores.map((store) => store.bytes())
          stores = [stores.length === 0 ? newDisk(type) : newDisk('differencing', stores[0]), ...stores]
          const open = () => openDiskChain(stores, [], { writable: true })
          assert.ok(Buffer.from(playSteps(open, model, list)).equals(model), 'content')
          assert.deepEqual(
            stores.slice(1).map((store) => store.bytes()),
            below,
            'parents never change',
          )
          assert.deepEqual(readImage(stores[0]!).survey().problems, [])
        }
      },
    ),
    { numRuns: cases(24, 120) },
  )
})

for (const hasParent of [false, true]) {
  for (const lossy of [false, true]) {
    const what = lossy ? 'when unconfirmed writes are lost in any order' : 'after every prefix of its writes'
    test(`a disk ${hasParent ? 'over a parent ' : ''}is whole ${what}`, () => {
      for (let seed = 1; seed <= cases(1, 4); seed++) {
        const parent = newDisk('dynamic')
        const below = openDisk(parent, { writable: true })
        const next = randomFrom(seed)
        for (let sector = 0; sector < SECTORS; sector++)
          if (next() < 0.7) below.write(sector * 512, new Uint8Array(512).fill(1 + sector))
        below.close()
        const parents = hasParent ? [parent] : []
        const disk = hasParent ? newDisk('differencing', parent) : newDisk('dynamic')
        const open = (store: ByteStore) => openDiskChain([store, ...parents], [], { writable: true })
        const broken = replayCrashes({ initial: disk.bytes(), open, sectors: SECTORS }, lossy, seed, sound)
        assert.equal(broken, undefined)
      }
    })
  }
}

/** The count may be too high, never too low: VirtualBox would put its next block on top of one. */
function sound(store: MemoryStore): void {
  assert.deepEqual(readImage(store).survey().problems, [])
  const view = new DataView(store.bytes().buffer)
  const used = Array.from({ length: 10 }, (_, block) => view.getUint32(0x200 + block * 4, true))
  const highest = Math.max(-1, ...used.filter((entry) => entry < 0xffff_fffe))
  assert.ok(view.getUint32(0x184, true) > highest)
}

test('a dynamic disk counts its blocks, and its modification id changes with its content', () => {
  const store = newDisk('dynamic')
  const before = readImage(store).facts
  const disk = openDisk(store, { writable: true })
  assert.equal(readImage(store).facts.stamp, before.stamp)
  disk.write(0, new Uint8Array(3 * BLOCK).fill(1))
  disk.close()
  const { facts, survey } = readImage(store)
  assert.notEqual(facts.stamp, before.stamp)
  assert.equal(facts.id, before.id)
  assert.equal(survey().allocated, 3 * BLOCK)
  assert.equal(new DataView(store.bytes().buffer).getUint32(0x184, true), 3)
})

test('a child names its parent by id, and takes no other', () => {
  const parent = newDisk('dynamic')
  const child = newDisk('differencing', parent)
  const { facts } = readImage(child)
  assert.deepEqual([facts.subformat, facts.parent?.id], ['differencing', readImage(parent).facts.id])
  assert.throws(() => openDisk(child), { code: 'disk-needs-parent' })
  assert.throws(() => openDiskChain([child, newDisk('dynamic')], []), { code: 'disk-parent-mismatch' })
})

test('impossible disks are not made', () => {
  const make = (options: NewVdi) => () => createVdi(memoryStore(), options)
  assert.throws(make({ type: 'dynamic', sizeBytes: 100 }), { code: 'vdi-size-invalid' })
  assert.throws(make({ type: 'dynamic', sizeBytes: 2 ** 50 }), { code: 'vdi-size-invalid' })
  assert.throws(make({ type: 'differencing', sizeBytes: 512 }), { code: 'vdi-parent' })
  assert.throws(make({ type: 'differencing', sizeBytes: 512, parent: { id: 'x' } }), {
    code: 'vdi-id-invalid',
  })
})

test('a disk that is cut or changed anywhere is an error or still a disk', () => {
  const parent = newDisk('dynamic')
  const child = newDisk('differencing', parent)
  for (const store of [parent, child]) {
    const disk = openDiskChain(store === child ? [child, parent] : [parent], [], { writable: true })
    disk.write(BLOCK, new Uint8Array(5 * BLOCK).fill(0x55))
    disk.close()
    for (const bytes of damagedCopies(store.bytes(), [0x40, 0x150, 0x170, 0x1a0, 0x200, 4096], 300))
      tryEverything(memoryStore(bytes), parent)
  }
})

function tryEverything(store: MemoryStore, parent: MemoryStore): void {
  allowed(() => probeFormat(store))
  allowed(() => {
    const image = readImage(store)
    const base = { path: 'x.vdi', fileSize: store.size(), image, chain: [], chainProblems: [] }
    diskReportSchema.parse(reportOnDisk({ ...base, openDisk: () => openIt(store, parent, false) }))
  })
  for (const writable of [false, true]) {
    allowed(() => {
      const disk = openIt(store, parent, writable)
      const length = Math.min(disk.sizeBytes, 4 * BLOCK)
      allowed(() => disk.read(0, new Uint8Array(length)))
      allowed(() => disk.read(disk.sizeBytes - length, new Uint8Array(length)))
      if (writable) allowed(() => disk.write(0, new Uint8Array(BLOCK)))
      disk.close()
    })
  }
}

function openIt(store: MemoryStore, parent: MemoryStore, writable: boolean) {
  const needsParent = readImage(store).facts.parent !== undefined
  return openDiskChain(needsParent ? [store, memoryStore(parent.bytes())] : [store], [], { writable })
}

function allowed(action: () => unknown): void {
  try {
    action()
  } catch (error) {
    if (!(error instanceof VivariumError)) throw error
  }
}

test('blocks outside the file or on top of others are reported, and not written to', () => {
  const store = newDisk('static')
  const outside = store.bytes()
  outside.set([0, 0, 0xff, 0], 0x204)
  const twice = store.bytes()
  twice.copyWithin(0x204, 0x200, 0x204)
  for (const [bytes, code] of [
    [outside, 'vdi-block-outside-file'],
    [twice, 'vdi-blocks-overlap'],
  ] as const) {
    assert.equal(readImage(memoryStore(bytes)).survey().problems[0]?.code, code)
    assert.throws(() => openDisk(memoryStore(bytes), { writable: true }), { code })
    openDisk(memoryStore(bytes)).read(0, new Uint8Array(512))
  }
})

test('numbers that would need absurd memory are refused before it is taken', () => {
  const change = (at: number, value: number[]) => {
    const bytes = newDisk('dynamic').bytes()
    bytes.set(value, at)
    return () => readImage(memoryStore(bytes)).survey()
  }
  assert.throws(change(0x170, [0, 0, 0, 0, 0, 0, 0x10, 0]), { code: 'vdi-header' })
  assert.throws(change(0x170, [0, 0, 0, 0, 0, 0, 0, 0]), { code: 'vdi-header' })
  assert.throws(change(0x178, [0, 0, 0, 0x80]), { code: 'vdi-header' })
  assert.throws(change(0x17c, [1, 0, 0, 0]), { code: 'vdi-header' })
  assert.throws(change(0x180, [1, 0, 0, 0]), { code: 'vdi-header' })
  assert.throws(change(0x154, [0, 0, 0xff, 0]), { code: 'vdi-header' })
  assert.throws(change(0x4c, [9, 0, 0, 0]), { code: 'vdi-version' })
  assert.throws(change(0x44, [1, 0, 0, 0]), { code: 'vdi-version' })
})
