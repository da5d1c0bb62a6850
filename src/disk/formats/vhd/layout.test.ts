import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, KiB, MiB, TiB } from '../../../base/index.ts'
import { cases } from '../../../base/testing.ts'
import type { LayoutOptions } from '../../layout.ts'
import { bytesOf, chainOf, digestOf, parentOf, stretches, writeChecked } from '../../layout-testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { emptySource, sourceOf } from '../../source.ts'
import { memoryStore } from '../../testing.ts'
import { onlyFile } from '../../write-layout.ts'
import { isSoundFooter } from './footer.ts'
import { layoutVhd } from './layout.ts'

const SECTORS = 333
const SIZE = SECTORS * 512
const content = stretches(SECTORS, 40)
const blockSizes = fc.constantFrom(4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB)

function laid(source: ReturnType<typeof sourceOf>, options: Partial<LayoutOptions>) {
  const layout = layoutVhd(source, { subformat: 'dynamic', name: 'new.vhd', ...options })
  return writeChecked(onlyFile(layout), source, memoryStore(undefined, 'new.vhd'))
}

test('fixed and dynamic disks hold what the source shows, and no blocks of zeroes', () => {
  fc.assert(
    fc.property(
      fc.array(content, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('fixed', 'dynamic'),
      blockSizes,
      (layers, subformat, blockSize) => {
        const disk = openDiskChain(chainOf(SIZE, layers), [])
        const store = laid(sourceOf(disk), { subformat, blockSize })
        const image = readImage(store)
        const expected = bytesOf(disk)
        assert.deepEqual(bytesOf(openDiskChain([store], [])), expected)
        assert.deepEqual([image.facts.subformat, image.facts.problems], [subformat, []])
        const survey = image.survey()
        assert.deepEqual(survey.problems, [])
        if (subformat === 'fixed') return
        let filled = 0
        for (let at = 0; at < SIZE; at += blockSize) {
          const block = expected.subarray(at, at + blockSize)
          if (block.some((value) => value !== 0)) filled += block.length
        }
        assert.equal(survey.allocated, filled)
      },
    ),
    { numRuns: cases(24, 120) },
  )
})

test('a child alone becomes a child that stores the same sectors, over the same parent', () => {
  fc.assert(
    fc.property(
      fc.array(content, { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 1, max: 3 }),
      blockSizes,
      (layers, wanted, blockSize) => {
        const stores = chainOf(SIZE, layers)
        const count = Math.min(wanted, layers.length - 1)
        const disk = openDiskChain(stores, [])
        const source = sourceOf(disk, { layers: count })
        const store = laid(source, { subformat: 'differencing', blockSize, parent: parentOf(stores[count]!) })
        const child = openDiskChain([store, ...stores.slice(count)], [])
        assert.deepEqual(bytesOf(child), bytesOf(disk))
        const hidden = (chain: typeof disk, top: number) =>
          [...chain.extents(0, SIZE)].reduce((sum, { layer, length }) => sum + (layer! < top ? length : 0), 0)
        if (blockSize === 4096) assert.equal(hidden(child, 1), hidden(disk, count))
        assert.deepEqual(readImage(store).survey().problems, [])
      },
    ),
    { numRuns: cases(24, 120) },
  )
})

test('a laid-out disk can be written to', () => {
  fc.assert(
    fc.property(content, content, (before, more) => {
      const disk = openDiskChain(chainOf(SIZE, [before]), [])
      const store = laid(sourceOf(disk), { blockSize: 4096 })
      const expected = bytesOf(disk)
      const written = openDiskChain([store], [], { writable: true })
      for (const { sector, sectors, value } of more) {
        const data = new Uint8Array(Math.min(sectors * 512, SIZE - sector * 512)).fill(value)
        written.write(sector * 512, data)
        expected.set(data, sector * 512)
      }
      written.close()
      assert.deepEqual(bytesOf(openDiskChain([store], [])), expected)
      assert.deepEqual(readImage(store).survey().problems, [])
    }),
    { numRuns: cases(12, 60) },
  )
})

test('identity, stamp and geometry are kept where they are given', () => {
  const id = '00112233-4455-6677-8899-aabbccddeeff'
  const geometry = { cylinders: 7, heads: 5, sectorsPerTrack: 3 }
  for (const subformat of ['fixed', 'dynamic']) {
    const { facts } = readImage(laid(emptySource(MiB), { subformat, id, stamp: 4711, geometry }))
    assert.deepEqual([facts.id, facts.stamp, facts.geometry], [id, 4711, geometry])
    assert.equal(facts.creator?.product, 'Vivarium')
  }
})

test('a disk can become larger on the way, and smaller', () => {
  const disk = openDiskChain(chainOf(SIZE, [[{ sector: 0, sectors: SECTORS, value: 5 }]]), [])
  for (const subformat of ['fixed', 'dynamic'])
    for (const sizeBytes of [512, SIZE - 512, SIZE + 512, SIZE + 300 * KiB]) {
      const store = laid(sourceOf(disk, { sizeBytes }), { subformat, blockSize: 16 * KiB })
      const expected = new Uint8Array(sizeBytes)
      expected.set(bytesOf(disk).subarray(0, sizeBytes))
      assert.deepEqual(bytesOf(openDiskChain([store], [])), expected)
    }
})

test('the parent is named by both paths, and by id and stamp', () => {
  const [base] = chainOf(SIZE, [[]])
  const parent = parentOf(base!)
  const { facts } = readImage(laid(emptySource(SIZE, 'below'), { subformat: 'differencing', parent }))
  assert.deepEqual(facts.parent, {
    id: parent.id,
    stamp: parent.stamp,
    names: [
      { kind: 'absolute', text: '/disks/layer-0.vhd' },
      { kind: 'relative', text: '.\\layer-0.vhd' },
      { kind: 'name', text: '/disks/layer-0.vhd' },
    ],
  })
})

test('two terabytes take little memory: the list comes in small pieces', () => {
  const source = emptySource(2_088_960 * MiB)
  for (const subformat of ['fixed', 'dynamic']) {
    const file = onlyFile(layoutVhd(source, { subformat, name: 'large.vhd' }))
    const { total, longest } = digestOf(file, source)
    assert.equal(total, file.sizeBytes)
    assert.ok(longest <= 64 * KiB)
  }
})

test('the two footers are alike, and sound', () => {
  const bytes = laid(emptySource(64 * MiB), {}).bytes()
  assert.ok(isSoundFooter(bytes.subarray(0, 512)))
  assert.deepEqual(bytes.subarray(0, 512), bytes.subarray(bytes.length - 512))
})

test('what a VHD cannot be is refused', () => {
  const parent = { format: 'qcow2', sizeBytes: MiB, relativePath: '', absolutePath: '/base.qcow2' }
  const refused: [number, Partial<LayoutOptions>, string][] = [
    [2 * TiB, {}, 'vhd-size-invalid'],
    [GiB + 1, {}, 'vhd-size-invalid'],
    [GiB, { blockSize: 3 * MiB }, 'vhd-block-size-invalid'],
    [GiB, { blockSize: 512 }, 'vhd-block-size-invalid'],
    [TiB, { blockSize: 4096 }, 'vhd-block-size-invalid'],
    [GiB, { subformat: 'thin' }, 'vhd-subformat-invalid'],
    [GiB, { subformat: 'differencing' }, 'vhd-subformat-invalid'],
    [GiB, { parent }, 'vhd-subformat-invalid'],
    [MiB, { subformat: 'differencing', parent }, 'vhd-parent-without-id'],
    [MiB, { subformat: 'differencing', parent: { ...parent, id: '12345678' } }, 'vhd-parent-id-invalid'],
    [MiB, { id: 'no id' }, 'vhd-id-invalid'],
    [MiB, { geometry: { cylinders: 70000, heads: 16, sectorsPerTrack: 63 } }, 'vhd-geometry-invalid'],
  ]
  for (const [sizeBytes, options, code] of refused)
    assert.throws(() => laid(emptySource(sizeBytes), options), { code }, code)
})
