import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, MiB, TiB, viewOf } from '../../../base/index.ts'
import { cases } from '../../../base/testing.ts'
import type { Disk } from '../../disk.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { createVhdx, type NewVhdx } from './create.ts'
import { type SparseStore, sparseStore } from './testing.ts'

type Type = NewVhdx['type']

function newStore(options: Partial<NewVhdx> & { type: Type }, parent?: SparseStore): SparseStore {
  const store = sparseStore()
  const facts = parent && readImage(parent).facts
  createVhdx(store, {
    sizeBytes: facts?.sizeBytes ?? SIZE,
    blockSize: MiB,
    ...options,
    ...(facts && { parent: parentOf(parent) }),
  })
  return store
}

function parentOf(parent: SparseStore): NonNullable<NewVhdx['parent']> {
  const { id, diskId, sectorSize } = readImage(parent).facts
  return { id: id!, diskId: diskId!, sectorSize: sectorSize!, absolutePath: '/parent.vhdx' }
}

const open = (stores: readonly SparseStore[], writable = true) => openDiskChain(stores, [], { writable })

/** Four blocks and a part of a fifth. */
const SIZE = 4 * MiB + 24 * 4096

/** What the guest may have written, by 512-byte sectors that all hold one value: reading all of it is quick. */
interface Step {
  readonly do: 'write' | 'bytes' | 'zeroes' | 'discard' | 'block' | 'flush' | 'reopen'
  readonly at: number
  readonly length: number
  readonly value: number
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    do: fc.constantFrom<Step['do'][]>(
      ...([
        'write',
        'write',
        'write',
        'bytes',
        'zeroes',
        'zeroes',
        'block',
        'discard',
        'flush',
        'reopen',
      ] as const),
    ),
    // Around the ends of blocks, where it matters.
    at: fc
      .tuple(fc.nat(4), fc.nat(20 * 512))
      .map(([block, near]) => Math.max(0, block * MiB + near - 10 * 512)),
    length: fc.oneof(fc.nat(20 * 512), fc.nat(2 * MiB)),
    value: fc.integer({ min: 1, max: 255 }),
  }),
  { maxLength: 10 },
)

function play(stores: readonly SparseStore[], model: Uint8Array, list: readonly Step[]): void {
  let disk = open(stores)
  for (const step of list) {
    if (step.do === 'flush') disk.flush()
    else if (step.do === 'reopen') {
      disk.close()
      disk = open(stores)
    } else playRange(disk, model, step)
  }
  disk.close()
  check(stores, model)
}

function playRange(disk: Disk, model: Uint8Array, step: Step): void {
  const inSectors = step.do === 'write' || step.do === 'discard'
  let at = inSectors ? step.at - (step.at % 512) : step.at
  let length = Math.min(inSectors ? step.length - (step.length % 512) : step.length, SIZE - at)
  if (step.do === 'block') {
    at -= at % MiB
    length = Math.min(MiB, SIZE - at)
  }
  if (step.do === 'zeroes' || (step.do === 'block' && step.value < 100)) {
    disk.writeZeroes(at, length)
    model.fill(0, at, at + length)
  } else if (step.do === 'discard') {
    disk.discard(at, length)
    afterDiscard(disk, model, at, length)
  } else {
    const data = new Uint8Array(length).fill(step.value)
    disk.write(at, data)
    model.set(data, at)
  }
  const into = new Uint8Array(length)
  disk.read(at, into)
  assert.ok(Buffer.compare(into, model.subarray(at, at + length)) === 0)
}

/** Discarded bytes are as they were, or zero. */
function afterDiscard(disk: Disk, model: Uint8Array, at: number, length: number): void {
  const found = new Uint8Array(length)
  disk.read(at, found)
  for (let index = 0; index < length; index++)
    if (found[index] !== model[at + index]) {
      assert.equal(found[index], 0)
      model[at + index] = 0
    }
}

function check(stores: readonly SparseStore[], model: Uint8Array): void {
  const disk = open(stores, false)
  const all = new Uint8Array(SIZE)
  disk.read(0, all)
  assert.ok(Buffer.compare(all, model) === 0, 'the disk holds what the array holds')
  let at = 0
  for (const extent of disk.extents(0, SIZE)) {
    assert.equal(extent.offset, at)
    assert.ok(extent.length > 0)
    at += extent.length
    if (extent.kind === 'zero') assert.ok(!model.subarray(extent.offset, at).some((value) => value !== 0))
  }
  assert.equal(at, SIZE)
  for (const store of stores) {
    const image = readImage(store)
    assert.deepEqual([...image.facts.problems, ...image.survey().problems], [])
  }
}

for (const sectorSize of [512, 4096] as const) {
  test(`disks with sectors of ${sectorSize} bytes and their children hold what a plain array holds`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom('fixed' as const, 'dynamic' as const),
        fc.array(steps, { minLength: 1, maxLength: 3 }),
        (baseType, layers) => {
          const model = new Uint8Array(SIZE)
          let stores: SparseStore[] = []
          for (const list of layers) {
            const [parent] = stores
            const top = parent
              ? newStore({ type: 'differencing' }, parent)
              : newStore({ type: baseType, sectorSize })
            for (const store of stores) store.journal = []
            stores = [top, ...stores]
            play(stores, model, list)
            for (const store of stores.slice(1)) assert.deepEqual(store.journal, [], 'parents never change')
          }
        },
      ),
      { numRuns: cases(5, 25) },
    )
  })
}

test('a new disk says what it is', () => {
  const id = '01234567-89ab-4def-8123-456789abcdef'
  const store = newStore({
    type: 'dynamic',
    sizeBytes: 100 * GiB,
    blockSize: 32 * MiB,
    id,
    diskId: id,
    fileId: id,
  })
  const { facts } = readImage(store)
  const { subformat, sizeBytes, blockSize, sectorSize, creator, diskId, problems } = facts
  assert.deepEqual(
    {
      subformat,
      sizeBytes,
      blockSize,
      sectorSize,
      product: creator?.product,
      id: facts.id,
      diskId,
      problems,
    },
    {
      ...{ subformat: 'dynamic', sizeBytes: 100 * GiB, blockSize: 32 * MiB, sectorSize: 512 },
      ...{ product: 'Vivarium', id, diskId: id, problems: [] },
    },
  )
  assert.equal(store.size(), 4 * MiB)
  assert.deepEqual(readImage(store).survey(), { allocated: 0, problems: [] })
})

test('impossible disks are refused', () => {
  const codes = (options: Partial<NewVhdx>, code: string) =>
    assert.throws(() => createVhdx(sparseStore(), { type: 'dynamic', sizeBytes: MiB, ...options }), { code })
  codes({ sizeBytes: 1000 }, 'vhdx-size-invalid')
  codes({ sizeBytes: 512, sectorSize: 4096 }, 'vhdx-size-invalid')
  codes({ sizeBytes: 65 * TiB }, 'vhdx-size-invalid')
  codes({ blockSize: 512 << 10 }, 'vhdx-block-size-invalid')
  codes({ blockSize: 3 * MiB }, 'vhdx-block-size-invalid')
  codes({ blockSize: 512 * MiB }, 'vhdx-block-size-invalid')
  codes({ type: 'differencing' }, 'vhdx-parent-invalid')
})

test('chunks are interleaved with bitmaps: the last sectors of a large disk and of its child', () => {
  // At 1 MiB a block and 512 bytes a sector a chunk has 4096 blocks: this disk has three chunks.
  const sizeBytes = 9 * GiB
  const base = newStore({ type: 'dynamic', sizeBytes })
  const child = newStore({ type: 'differencing', sizeBytes }, base)
  const places = [0, 4 * GiB - 512, 4 * GiB, 8 * GiB - 512, 8 * GiB, sizeBytes - 512]
  const disk = open([base])
  for (const [index, at] of places.entries()) disk.write(at, new Uint8Array(512).fill(index + 1))
  disk.close()
  const grandchild = newStore({ type: 'differencing', sizeBytes }, base)
  const changed = open([grandchild, base])
  for (const at of [4 * GiB - 512, 8 * GiB]) changed.write(at, new Uint8Array(512).fill(0x77))
  changed.close()
  assert.throws(() => open([child, base]), { code: 'disk-parent-mismatch' }, 'its parent was written to')
  const into = new Uint8Array(512)
  const found = places.map((at) => {
    const again = open([grandchild, base], false)
    again.read(at, into)
    return into[511]
  })
  assert.deepEqual(found, [1, 0x77, 3, 4, 0x77, 6])
  assert.equal(readImage(grandchild).survey().allocated, 1024)
})

test('blocks of every size', () => {
  for (let blockSize = MiB; blockSize <= 256 * MiB; blockSize *= 4) {
    const sizeBytes = 600 * MiB + 512
    const store = newStore({ type: 'dynamic', sizeBytes, blockSize })
    const disk = open([store])
    disk.write(sizeBytes - 512, new Uint8Array(512).fill(7))
    disk.close()
    assert.deepEqual(readImage(store).survey().problems, [])
    assert.equal(readImage(store).survey().allocated, sizeBytes % blockSize || blockSize)
  }
})

test('the first write renews both GUIDs and both headers, a look renews nothing', () => {
  const store = newStore({ type: 'dynamic' })
  const heads = () =>
    [65536, 131072].map((at) => {
      const bytes = new Uint8Array(64)
      store.read(at, bytes)
      const sequence = Number(viewOf(bytes).getBigUint64(8, true))
      return { sequence, file: bytes.slice(16, 32), data: bytes.slice(32, 48), log: bytes.slice(48) }
    })
  const before = heads()
  open([store]).close()
  assert.deepEqual(heads(), before)
  const disk = open([store])
  disk.write(0, new Uint8Array(512))
  disk.close()
  const [first, second] = heads() as [(typeof before)[0], (typeof before)[0]]
  assert.notDeepEqual(first.file, before[0]!.file)
  assert.notDeepEqual(first.data, before[0]!.data)
  assert.deepEqual([first.file, first.data, first.log], [second.file, second.data, new Uint8Array(16)])
  assert.equal(Math.abs(first.sequence - second.sequence), 1)
})

test('a merge keeps the id by which the child knows its parent', () => {
  const base = newStore({ type: 'dynamic' })
  const child = newStore({ type: 'differencing' }, base)
  const disk = openDiskChain([base], [], { writable: true, keepId: true })
  disk.write(0, new Uint8Array(512).fill(1))
  disk.close()
  open([child, base], false).close()
})

test('zeroes and discards of whole blocks store nothing, and their room is used again', () => {
  const store = newStore({ type: 'dynamic' })
  const disk = open([store])
  disk.write(0, new Uint8Array(2 * MiB).fill(9))
  disk.flush()
  const size = store.size()
  disk.writeZeroes(0, MiB)
  disk.discard(MiB, MiB)
  assert.deepEqual(
    [...disk.extents(0, SIZE)].map(({ kind }) => kind),
    ['zero'],
  )
  disk.flush()
  disk.write(2 * MiB + 512, new Uint8Array(512).fill(3))
  disk.write(3 * MiB, new Uint8Array(MiB).fill(4))
  disk.close()
  assert.equal(store.size(), size)
  const into = new Uint8Array(2 * MiB)
  open([store], false).read(2 * MiB, into)
  assert.deepEqual([into[0], into[512], into[1024], into[MiB]], [0, 3, 0, 4])
  assert.equal(readImage(store).survey().allocated, 2 * MiB)
})

test('a fixed disk keeps its blocks, whatever is in them', () => {
  const store = newStore({ type: 'fixed' })
  const size = store.size()
  const disk = open([store])
  disk.write(0, new Uint8Array(MiB).fill(9))
  disk.writeZeroes(0, MiB)
  disk.discard(MiB, MiB)
  disk.close()
  assert.equal(store.size(), size)
  assert.equal(readImage(store).survey().allocated, SIZE)
})

test('a chain of many disks of 2 TiB opens and reads, and keeps no tables', () => {
  let stores = [newStore({ type: 'dynamic', sizeBytes: 2 * TiB, blockSize: 2 * MiB })]
  const base = open(stores)
  base.write(TiB, new Uint8Array(512).fill(9))
  base.close()
  for (let depth = 1; depth < cases(12, 100); depth++)
    stores = [newStore({ type: 'differencing', blockSize: 2 * MiB }, stores[0]), ...stores]
  const into = new Uint8Array(1024)
  open(stores, false).read(TiB - 512, into)
  assert.deepEqual([into[511], into[512]], [0, 9])
})
