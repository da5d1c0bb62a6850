import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ByteStore, GiB, KiB, MiB } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import { bytesOf, chainOf, parentOf, type Stretch } from '../../layout-testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { sourceOf } from '../../source.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { journalOf } from '../testing.ts'
import { layoutVhd } from './layout.ts'
import { vhd } from './vhd.ts'

const SECTORS = 300
const SIZE = SECTORS * 512
const CONTENT: Stretch[] = [
  { sector: 0, sectors: 3, value: 1 },
  { sector: 100, sectors: 30, value: 2 },
  { sector: 290, sectors: 10, value: 3 },
]
const KINDS = ['fixed', 'dynamic', 'differencing'] as const
/** By one sector, within the last block, by a block, and so that the table no longer fits its sector. */
const SIZES = [SIZE + 512, SIZE + 6 * 512, SIZE + 20 * KiB, SIZE + 3 * MiB]

function disk(kind: (typeof KINDS)[number]): { store: MemoryStore; parents: ByteStore[] } {
  const stores = chainOf(SIZE, [[{ sector: 95, sectors: 20, value: 9 }], CONTENT])
  const differencing = kind === 'differencing'
  const source = sourceOf(openDiskChain(stores, []), differencing ? { layers: 1 } : {})
  const parent = differencing && { parent: parentOf(stores[1]!) }
  const layout = layoutVhd(source, { subformat: kind, name: 'disk', blockSize: 4096, ...parent })
  const store = memoryStore(undefined, 'disk.vhd')
  writeLayout(onlyFile(layout), source, store)
  return { store, parents: differencing ? stores.slice(1) : [] }
}

for (const kind of KINDS)
  test(`a ${kind} disk becomes larger in its file, with zeroes, and goes on to be written`, () => {
    for (const sizeBytes of SIZES) {
      const { store, parents } = disk(kind)
      const before = readImage(store).facts
      const expected = new Uint8Array(sizeBytes)
      expected.set(bytesOf(openDiskChain([store, ...parents], [])))
      assert.equal(vhd.expand!(store, sizeBytes), true)
      const { facts, survey } = readImage(store)
      assert.deepEqual([facts.problems, survey().problems], [[], []])
      assert.deepEqual([facts.id, facts.stamp, facts.parent], [before.id, before.stamp, before.parent])
      const larger = openDiskChain([store, ...parents], [], { writable: true })
      assert.deepEqual(bytesOf(larger), expected)
      larger.write(sizeBytes - 1024, new Uint8Array(1024).fill(7))
      larger.write(SIZE - 512, new Uint8Array(1024).fill(8))
      expected.fill(7, sizeBytes - 1024)
      expected.fill(8, SIZE - 512, SIZE + 512)
      larger.close()
      assert.deepEqual(bytesOf(openDiskChain([store, ...parents], [])), expected)
    }
  })

for (const kind of KINDS)
  test(`a ${kind} disk is of the old size or of the new one after every prefix of its expansion`, () => {
    for (const lossy of [false, true])
      for (const [index, sizeBytes] of SIZES.entries()) {
        const { store, parents } = disk(kind)
        const old = bytesOf(openDiskChain([store, ...parents], []))
        const journal = journalOf(store.bytes(), 'disk.vhd')
        assert.equal(vhd.expand!(journal.store, sizeBytes), true)
        for (let length = 0; length <= journal.length; length++)
          for (let seed = 0; seed < cases(1, 4); seed++) {
            const crashed = journal.rebuild(length, lossy, randomFrom(seed * 31 + index))
            const found = bytesOf(openDiskChain([crashed, ...parents], []))
            const where = `${lossy}, ${sizeBytes}, ${length} of ${journal.length}`
            assert.ok(found.length === SIZE || found.length === sizeBytes, where)
            assert.deepEqual(found.subarray(0, SIZE), old, where)
            assert.ok(
              found.subarray(SIZE).every((value) => value === 0),
              where,
            )
            assert.deepEqual(readImage(crashed).survey().problems, [], where)
            // It can be done again.
            assert.equal(vhd.expand!(crashed, sizeBytes), true)
            assert.equal(bytesOf(openDiskChain([crashed, ...parents], [])).length, sizeBytes)
          }
      }
  })

test('old bytes behind the end of the last block do not come to light', () => {
  const { store } = disk('dynamic')
  const sector = new DataView(store.bytes().buffer).getUint32(0x600 + Math.floor(SIZE / 4096) * 4)
  const used = SIZE % 4096
  store.write(sector * 512 + 512 + used, new Uint8Array(4096 - used).fill(0xee))
  assert.equal(vhd.expand!(store, SIZE + MiB), true)
  assert.ok(
    bytesOf(openDiskChain([store], []))
      .subarray(SIZE)
      .every((value) => value === 0),
  )
})

test('the table grows where it is, up to the end of its last sector', () => {
  const { store } = disk('dynamic')
  const size = store.size()
  assert.equal(vhd.expand!(store, 128 * 4096), true)
  assert.equal(store.size(), size)
  assert.equal(vhd.expand!(store, 129 * 4096), true)
  assert.equal(store.size(), size + 1024)
  assert.deepEqual(readImage(store).survey().problems, [])
})

test('what cannot be, and what is damaged, stays as it is', () => {
  const { store } = disk('dynamic')
  const before = store.bytes()
  assert.throws(() => vhd.expand!(store, SIZE - 512), { code: 'disk-expand-smaller' })
  assert.throws(() => vhd.expand!(store, SIZE + 100), { code: 'disk-size-invalid' })
  assert.throws(() => vhd.expand!(store, 2041 * GiB), { code: 'vhd-size-invalid' })
  assert.equal(vhd.expand!(store, 1000 * GiB), false, 'more blocks than a table can have')
  assert.equal(vhd.expand!(store, SIZE), true)
  assert.deepEqual(store.bytes(), before)
  for (const at of [70, store.size() - 400, 512 + 700]) {
    const damaged = memoryStore(before)
    damaged.write(at, Uint8Array.of(before[at]! ^ 1))
    const copy = damaged.bytes()
    assert.equal(vhd.expand!(damaged, SIZE + MiB), false)
    assert.deepEqual(damaged.bytes(), copy)
  }
})
