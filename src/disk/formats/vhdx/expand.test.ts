import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GiB, KiB, MiB, TiB } from '../../../base/index.ts'
import { cases, randomBelow } from '../../../base/testing.ts'
import { chainOf, parentOf } from '../../layout-testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { sourceOf } from '../../source.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { createVhdx } from './create.ts'
import { layoutVhdx } from './layout.ts'
import { type JournalEntry, rebuild, type SparseStore, sparseStore } from './testing.ts'
import { vhdx } from './vhdx.ts'

const SIZE = 2 * MiB + 300 * 512
const CONTENT = [
  { sector: 0, sectors: 3, value: 1 },
  { sector: 2048 * 2 + 290, sectors: 10, value: 3 },
]
const KINDS = ['fixed', 'dynamic', 'differencing'] as const
/** By one sector, within the last block, by some blocks, and by several chunks. */
const SIZES = [SIZE + 512, SIZE + 100 * KiB, SIZE + 7 * MiB, 13 * GiB]

function laid(size: number, layers: Parameters<typeof chainOf>[1], kind: string, below?: SparseStore) {
  const source = sourceOf(openDiskChain(chainOf(size, layers), []), below ? { layers: 1 } : {})
  const parent = below && { parent: parentOf(below) }
  const store = sparseStore(`${kind}.vhdx`)
  const options = { subformat: kind, name: store.name, blockSize: MiB, ...parent }
  writeLayout(onlyFile(layoutVhdx(source, options)), source, store)
  return store
}

function disk(kind: (typeof KINDS)[number]): { store: SparseStore; parents: SparseStore[] } {
  const base = [{ sector: 2048, sectors: 20, value: 9 }]
  if (kind !== 'differencing') return { store: laid(SIZE, [base, CONTENT], kind), parents: [] }
  const parent = laid(SIZE, [base], 'dynamic')
  return { store: laid(SIZE, [base, CONTENT], kind, parent), parents: [parent] }
}

/** The first bytes of a disk, and whether all behind them that is stored is zero. */
function contentOf(stores: readonly SparseStore[]): { size: number; start: Uint8Array; restIsZero: boolean } {
  const opened = openDiskChain(stores, [])
  const start = new Uint8Array(SIZE)
  opened.read(0, start)
  const map = sourceOf(opened).units(512)
  return {
    size: opened.sizeBytes,
    start,
    restIsZero: map.endOfRun(SIZE / 512, 'zero') === map.count,
  }
}

for (const kind of KINDS)
  test(`a ${kind} disk becomes larger in its file, with zeroes, and goes on to be written`, () => {
    for (const sizeBytes of kind === 'fixed' ? SIZES.slice(0, 3) : SIZES) {
      const { store, parents } = disk(kind)
      const before = readImage(store).facts
      const { start } = contentOf([store, ...parents])
      assert.equal(vhdx.expand!(store, sizeBytes), true)
      const { facts, survey } = readImage(store)
      assert.deepEqual([facts.problems, survey().problems], [[], []])
      assert.deepEqual(
        [facts.id, facts.subformat, facts.parent],
        [before.id, before.subformat, before.parent],
      )
      assert.deepEqual(contentOf([store, ...parents]), { size: sizeBytes, start, restIsZero: true })
      const larger = openDiskChain([store, ...parents], [], { writable: true })
      larger.write(sizeBytes - 512, new Uint8Array(512).fill(7))
      larger.close()
      const sector = new Uint8Array(512)
      openDiskChain([store, ...parents], []).read(sizeBytes - 512, sector)
      assert.deepEqual(sector, new Uint8Array(512).fill(7))
      assert.deepEqual(readImage(store).survey().problems, [])
    }
  })

for (const kind of KINDS)
  test(`a ${kind} disk is of the old size or of the new one after every prefix of its expansion`, () => {
    for (const lossy of [false, true])
      for (const sizeBytes of SIZES.slice(0, 3)) {
        const { store, parents } = disk(kind)
        const { start } = contentOf([store, ...parents])
        const initial = store.copy()
        const journal: JournalEntry[] = []
        store.journal = journal
        assert.equal(vhdx.expand!(store, sizeBytes), true)
        for (let length = 0; length <= journal.length; length++)
          for (let seed = 0; seed < cases(1, 2); seed++) {
            const crashed = rebuild(initial, journal, length, lossy, randomBelow(seed * 31 + length))
            const where = `${lossy}, ${sizeBytes}, ${length} of ${journal.length}`
            const found = contentOf([crashed, ...parents])
            assert.ok(found.size === SIZE || found.size === sizeBytes, where)
            assert.ok(found.restIsZero, where)
            assert.deepEqual(found.start, start, where)
            assert.deepEqual(readImage(crashed).survey().problems, [], where)
            // It can be done again.
            assert.equal(vhdx.expand!(crashed, sizeBytes), true, where)
            const again = contentOf([crashed, ...parents])
            assert.deepEqual([again.size, again.restIsZero], [sizeBytes, true], where)
          }
      }
  })

test('old bytes behind the end do not come to light, neither data nor entries', () => {
  const { store } = disk('dynamic')
  const before = readImage(store).survey().allocated
  store.write(3 * MiB + 3 * 8, new Uint8Array(64).fill(0xff))
  store.write(store.size() - MiB + 300 * 512, new Uint8Array(4096).fill(0xee))
  assert.equal(vhdx.expand!(store, SIZE + 7 * MiB), true)
  assert.equal(contentOf([store]).restIsZero, true)
  const survey = readImage(store).survey()
  assert.deepEqual([survey.problems, survey.allocated > before], [[], true])
})

test('a BAT without room is left as it is', () => {
  const store = sparseStore()
  createVhdx(store, { type: 'dynamic', sizeBytes: GiB, blockSize: MiB })
  const size = store.size()
  assert.equal(vhdx.expand!(store, TiB), false)
  assert.throws(() => vhdx.expand!(store, MiB), { code: 'disk-expand-smaller' })
  assert.throws(() => vhdx.expand!(store, 65 * TiB), { code: 'vhdx-size-invalid' })
  assert.deepEqual([store.size(), readImage(store).facts.sizeBytes], [size, GiB])
  assert.equal(vhdx.expand!(store, 100 * GiB), true)
  assert.equal(readImage(store).facts.sizeBytes, 100 * GiB)
})
