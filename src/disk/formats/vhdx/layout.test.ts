import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, KiB, MiB, TiB } from '../../../base/index.ts'
import { cases } from '../../../base/testing.ts'
import type { DiskSource, LayoutOptions } from '../../layout.ts'
import { bytesOf, chainOf, digestOf, parentOf, stretches, writeChecked } from '../../layout-testing.ts'
import { openDiskChain, readImage } from '../../open.ts'
import { emptySource, sourceOf } from '../../source.ts'
import { onlyFile } from '../../write-layout.ts'
import { createVhdx } from './create.ts'
import { layoutVhdx } from './layout.ts'
import { type SparseStore, sparseStore } from './testing.ts'

const SECTORS = 5 * 2048 + 24
const SIZE = SECTORS * 512
const content = stretches(SECTORS, 900, 5)

function laid(source: DiskSource, options: Partial<LayoutOptions>): SparseStore {
  const layout = layoutVhdx(source, { subformat: 'dynamic', name: 'new.vhdx', blockSize: MiB, ...options })
  return writeChecked(onlyFile(layout), source, sparseStore('new.vhdx'))
}

test('fixed and dynamic disks hold what the source shows, and no blocks of zeroes', () => {
  fc.assert(
    fc.property(
      fc.array(content, { minLength: 1, maxLength: 2 }),
      fc.constantFrom('fixed', 'dynamic'),
      fc.constantFrom(512, 4096),
      (layers, subformat, sectorSize) => {
        const disk = openDiskChain(chainOf(SIZE, layers), [])
        const store = laid(sourceOf(disk), { subformat, sectorSize })
        const image = readImage(store)
        const expected = bytesOf(disk)
        assert.deepEqual(bytesOf(openDiskChain([store], [])), expected)
        assert.deepEqual([image.facts.subformat, image.facts.sectorSize], [subformat, sectorSize])
        const survey = image.survey()
        assert.deepEqual([image.facts.problems, survey.problems], [[], []])
        let filled = 0
        for (let at = 0; at < SIZE; at += MiB) {
          const block = expected.subarray(at, at + MiB)
          if (subformat === 'fixed' || block.some((value) => value !== 0)) filled += block.length
        }
        assert.equal(survey.allocated, filled)
      },
    ),
    { numRuns: cases(6, 30) },
  )
})

/** The layers of a VHD chain as a chain of VHDXs, topmost first. */
function vhdxChain(layers: Parameters<typeof chainOf>[1], sectorSize: number): SparseStore[] {
  const stores = chainOf(SIZE, layers)
  let chain: SparseStore[] = []
  for (let index = stores.length - 1; index >= 0; index--) {
    const source = sourceOf(openDiskChain(stores.slice(index), []), chain.length > 0 ? { layers: 1 } : {})
    const parent = chain[0] && parentOf(chain[0])
    const options = parent ? { subformat: 'differencing', parent } : { sectorSize }
    chain = [laid(source, options), ...chain]
  }
  return chain
}

test('children store their own sectors, with a bitmap where a block is not whole', () => {
  fc.assert(
    fc.property(
      fc.array(content, { minLength: 2, maxLength: 3 }),
      fc.constantFrom(512, 4096),
      (layers, sectorSize) => {
        const expected = bytesOf(openDiskChain(chainOf(SIZE, layers), []))
        const chain = vhdxChain(layers, sectorSize)
        const disk = openDiskChain(chain, [])
        assert.deepEqual(bytesOf(disk), expected)
        assert.equal(readImage(chain[0]!).facts.sectorSize, sectorSize)
        for (const store of chain) assert.deepEqual(readImage(store).survey().problems, [])
        if (sectorSize === 4096) return
        const own = (stores: typeof chain | ReturnType<typeof chainOf>) => {
          const extents = [...openDiskChain(stores, []).extents(0, SIZE)]
          return extents.reduce((sum, { layer, length }) => sum + (layer === 0 ? length : 0), 0)
        }
        assert.equal(own(chain), own(chainOf(SIZE, layers)))
      },
    ),
    { numRuns: cases(6, 30) },
  )
})

test('blocks and bitmaps of several chunks are found again, and can be written to', () => {
  const sizeBytes = 9 * GiB + 3 * MiB + 512
  const places = [0, 4 * GiB - 512, 4 * GiB, 5 * GiB + 4096, 8 * GiB - MiB, 9 * GiB + 3 * MiB]
  const base = sparseStore('base.vhdx')
  createVhdx(base, { type: 'dynamic', sizeBytes, blockSize: MiB })
  const child = sparseStore('child.vhdx')
  const { id, diskId } = readImage(base).facts
  const parent = { id: id!, diskId: diskId!, sectorSize: 512, absolutePath: '/base.vhdx' }
  createVhdx(child, { type: 'differencing', sizeBytes, blockSize: MiB, parent })
  const disk = openDiskChain([child, base], [], { writable: true })
  for (const [index, at] of places.entries()) disk.write(at, new Uint8Array(512).fill(index + 1))
  disk.writeZeroes(2 * GiB, 2 * MiB)
  const options = { subformat: 'differencing', blockSize: 2 * MiB, parent: parentOf(base) }
  for (const [source, below, layout] of [
    [sourceOf(disk, { layers: 1 }), [base], options],
    [sourceOf(disk), [], { subformat: 'dynamic' }],
  ] as const) {
    const store = laid(source, layout)
    assert.deepEqual(readImage(store).survey().problems, [])
    const copy = openDiskChain([store, ...below], [], { writable: true })
    const sector = new Uint8Array(512)
    for (const [index, at] of places.entries()) {
      copy.read(at, sector)
      assert.deepEqual(sector, new Uint8Array(512).fill(index + 1))
    }
    copy.write(3 * GiB, new Uint8Array(512).fill(9))
    copy.write(places[1]! - 512, new Uint8Array(512).fill(8))
    copy.close()
    const again = openDiskChain([store, ...below], [])
    for (const [at, value] of [
      [3 * GiB, 9],
      [places[1]! - 512, 8],
      [places[1]!, 2],
      [2 * GiB, 0],
    ] as const) {
      again.read(at, sector)
      assert.equal(sector[0], value)
    }
    assert.deepEqual(readImage(store).survey().problems, [])
  }
})

test('identity is kept where it is given', () => {
  const id = '00112233-4455-6677-8899-aabbccddeeff'
  const diskId = '83ed6ba8-0000-4000-8000-000000000000'
  const { facts } = readImage(laid(emptySource(MiB), { id, diskId, details: { fileId: id } }))
  assert.deepEqual([facts.id, facts.diskId], [id, diskId])
})

test('64 terabytes take little memory: the list comes in small pieces', () => {
  const source = emptySource(64 * TiB)
  for (const subformat of ['fixed', 'dynamic']) {
    const file = onlyFile(layoutVhdx(source, { subformat, name: 'large.vhdx', blockSize: 64 * MiB }))
    const { total, longest } = digestOf(file, source)
    assert.equal(total, file.sizeBytes)
    assert.ok(longest <= 128 * KiB)
  }
})

test('what a VHDX cannot be is refused', () => {
  const parent = { format: 'vhd', sizeBytes: MiB, relativePath: '', absolutePath: '/base.vhd' }
  const refused: [number, Partial<LayoutOptions>, string][] = [
    [65 * TiB, {}, 'vhdx-size-invalid'],
    [MiB + 512, { sectorSize: 4096 }, 'vhdx-size-invalid'],
    [MiB, { sectorSize: 1024 }, 'vhdx-sector-size-invalid'],
    [MiB, { blockSize: 3 * MiB }, 'vhdx-block-size-invalid'],
    [MiB, { subformat: 'thin' }, 'vhdx-subformat-invalid'],
    [MiB, { subformat: 'differencing' }, 'vhdx-parent-invalid'],
    [MiB, { parent: { ...parent, format: 'vhdx' } }, 'vhdx-parent-invalid'],
    [MiB, { subformat: 'differencing', parent }, 'vhdx-parent-format'],
    [MiB, { id: 'no id' }, 'vhdx-guid-invalid'],
    [MiB, { details: { fileId: 7 } }, 'vhdx-guid-invalid'],
  ]
  for (const [sizeBytes, options, code] of refused)
    assert.throws(() => laid(emptySource(sizeBytes), options), { code }, code)
})
