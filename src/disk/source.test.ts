import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isZero, KiB, MiB, TiB } from '../base/index.ts'
import { cases } from '../base/testing.ts'
import type { Disk } from './disk.ts'
import type { UnitKind } from './layout.ts'
import { bytesOf, chainOf, stretches } from './layout-testing.ts'
import { openDisk, openDiskChain } from './open.ts'
import { emptySource, sourceOf } from './source.ts'
import { memoryStore } from './testing.ts'
import { UnitKinds, unitRuns } from './unit-map.ts'

const SECTORS = 333
const SIZE = SECTORS * 512
const unitSizes = fc.constantFrom(512, 4096, 6144, 65536, 1 << 20)

/** Counts what is read of a disk. */
function counting(disk: Disk): { disk: Disk; bytes: () => number } {
  let bytes = 0
  const read = (offset: number, into: Uint8Array) => {
    bytes += into.length
    disk.read(offset, into)
  }
  return { disk: { ...disk, read }, bytes: () => bytes }
}

test('a whole disk: units with anything in them are data, all others zero', () => {
  fc.assert(
    fc.property(
      fc.array(stretches(SECTORS, 40), { minLength: 1, maxLength: 3 }),
      unitSizes,
      (layers, unit) => {
        const disk = openDiskChain(chainOf(SIZE, layers), [])
        const expected = bytesOf(disk)
        const map = sourceOf(disk).units(unit)
        assert.equal(map.count, Math.ceil(SIZE / unit))
        let data = 0
        for (let index = 0; index < map.count; index++) {
          const kind = isZero(expected.slice(index * unit, (index + 1) * unit)) ? 'zero' : 'data'
          assert.equal(map.kindOf(index), kind)
          if (kind === 'data') data++
        }
        assert.equal(map.dataCount, data)
      },
    ),
  )
})

test('the top of a chain: what lower layers show is below, sector by sector', () => {
  fc.assert(
    fc.property(
      fc.array(stretches(SECTORS, 40), { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 1, max: 3 }),
      unitSizes,
      (layers, wanted, unit) => {
        const count = Math.min(wanted, layers.length - 1)
        const disk = openDiskChain(chainOf(SIZE, layers), [])
        const content = bytesOf(disk)
        const own = new Uint8Array(SECTORS)
        for (const list of layers.slice(layers.length - count))
          for (const { sector, sectors } of list) own.fill(1, sector, sector + sectors)
        const source = sourceOf(disk, { layers: count })
        let at = 0
        for (const run of source.sectorRuns(0, SIZE)) {
          assert.equal(run.offset, at)
          at += run.length
          for (let offset = run.offset; offset < at; offset += 512)
            assert.equal(run.kind === 'below', own[offset / 512] === 0)
        }
        assert.equal(at, SIZE)
        const map = source.units(unit)
        for (let index = 0; index < map.count; index++) {
          const stored = own.subarray((index * unit) / 512, ((index + 1) * unit) / 512)
          const bytes = content.slice(index * unit, (index + 1) * unit)
          const some = stored.includes(1)
          const expected = !some ? 'below' : stored.includes(0) || !isZero(bytes) ? 'data' : 'zero'
          assert.equal(map.kindOf(index), expected)
        }
      },
    ),
  )
})

test('free ranges are not stored, and may show the parent again', () => {
  const layers = [[{ sector: 0, sectors: SECTORS, value: 1 }], [{ sector: 0, sectors: 200, value: 2 }]]
  const disk = openDiskChain(chainOf(SIZE, layers), [])
  const ranges = [
    { offset: 0, length: 4096 },
    { offset: 8192, length: 512 },
    { offset: 16384, length: SIZE - 16384 },
  ]
  const kinds = (options: Parameters<typeof sourceOf>[1]) => {
    const map = sourceOf(disk, options).units(4096)
    return Array.from({ length: 5 }, (_, unit) => map.kindOf(unit))
  }
  assert.deepEqual(kinds({ free: { ranges } }), ['zero', 'data', 'data', 'data', 'zero'])
  assert.deepEqual(kinds({ free: { ranges, as: 'below' }, layers: 1 }), [
    'below',
    'data',
    'data',
    'data',
    'below',
  ])
  const runs = [...sourceOf(disk, { free: { ranges }, layers: 1 }).sectorRuns(4096, 8192)]
  assert.deepEqual(
    runs.map(({ length, kind }) => [length, kind]),
    [
      [4096, 'data'],
      [512, 'zero'],
      [3584, 'data'],
    ],
  )
})

test('data is hardly looked at, and holes of the host not at all', () => {
  const store = memoryStore(new Uint8Array(4 * MiB).fill(7))
  const full = counting(openDisk(store, { format: 'raw' }))
  assert.equal(sourceOf(full.disk).units(256 * KiB).dataCount, 16)
  assert.equal(full.bytes(), 16 * 4096)

  const zeroes = memoryStore(new Uint8Array(4 * MiB))
  const stored = counting(openDisk(zeroes, { format: 'raw' }))
  assert.equal(sourceOf(stored.disk).units(256 * KiB).dataCount, 0)
  assert.equal(stored.bytes(), 4 * MiB)

  const sparse = {
    ...zeroes,
    nextData: (at: number) => (at < 3 * MiB ? Math.max(at, 2 * MiB) : 4 * MiB),
    nextHole: (at: number) => (at >= 2 * MiB && at < 3 * MiB ? 3 * MiB : at),
  }
  const holes = counting(openDisk(sparse, { format: 'raw' }))
  assert.equal(sourceOf(holes.disk).units(256 * KiB).dataCount, 0)
  assert.equal(holes.bytes(), MiB)

  const blind = counting(openDisk(zeroes, { format: 'raw' }))
  assert.equal(sourceOf(blind.disk, { detectZeroes: false }).units(256 * KiB).dataCount, 16)
  assert.equal(blind.bytes(), 0)
})

test('a scan goes in steps, can be left, and is remembered when it is through', () => {
  const { disk, bytes } = counting(openDisk(memoryStore(new Uint8Array(16 * MiB)), { format: 'raw' }))
  const source = sourceOf(disk)
  for (const at of source.scan(64 * KiB)) if (at > 4 * MiB) break
  assert.ok(bytes() < 6 * MiB)
  const steps = [...source.scan(64 * KiB)]
  assert.ok(steps.length >= 16)
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  )
  const before = bytes()
  source.units(64 * KiB)
  assert.equal(bytes(), before)
})

test('the map holds what a plain list holds', () => {
  const kinds = fc.constantFrom<UnitKind[]>('zero', 'data', 'below')
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, fc.integer({ min: 1, max: 20_000 })), { maxLength: 8 }), (runs) => {
      const list = runs.flatMap(([kind, length]) => new Array<UnitKind>(length).fill(kind))
      const map = new UnitKinds(512, list.length)
      let first = 0
      for (const [kind, length] of runs) {
        map.set(first, first + length, kind)
        first += length
      }
      assert.equal(map.dataCount, list.filter((kind) => kind === 'data').length)
      const found: UnitKind[] = []
      for (const run of unitRuns(map)) {
        assert.equal(map.kindOf(run.end - 1), run.kind)
        for (let unit = run.first; unit < run.end; unit++) found.push(run.kind)
      }
      assert.deepEqual(found, list)
    }),
    { numRuns: cases(10, 50) },
  )
})

test('an empty disk of 64 TiB has a map, quickly', () => {
  const map = emptySource(64 * TiB, 'below').units(64 * KiB)
  assert.equal(map.endOfRun(0, 'below'), map.count)
  assert.equal(map.dataCount, 0)
})
