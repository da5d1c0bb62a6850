import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { GiB, KiB, MiB, TiB } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import type { Disk } from '../disk.ts'
import type { DiskFormat } from '../format.ts'
import type { DiskSource, ImageLayout, LayoutOptions, UnitMap } from '../layout.ts'
import { parentOf, writeChecked } from '../layout-testing.ts'
import { openDisk, openDiskChain, readImage } from '../open.ts'
import { emptySource, sourceOf } from '../source.ts'
import { type MemoryStore, memoryStore } from '../testing.ts'
import { UnitKinds } from '../unit-map.ts'
import { qcow2 } from './qcow2/qcow2.ts'
import { contentOf } from './testing.ts'
import { vdi } from './vdi/vdi.ts'
import { memoryFolder } from './vmdk/testing.ts'
import { vmdk } from './vmdk/vmdk.ts'

/** What every layout promises: a list that is what it says, and an image that shows what its source shows. */
const SIZE = 3 * MiB + 96 * KiB + 512

interface Case {
  readonly format: DiskFormat
  readonly options: Pick<LayoutOptions, 'subformat' | 'blockSize' | 'details' | 'deflate'>
}

const deflate = (bytes: Uint8Array) => deflateSync(bytes)
const whole: readonly Case[] = [
  { format: qcow2, options: { subformat: 'dynamic' } },
  { format: qcow2, options: { subformat: 'dynamic', blockSize: 512 } },
  { format: qcow2, options: { subformat: 'dynamic', blockSize: 2048, details: { compat: '0.10' } } },
  { format: vdi, options: { subformat: 'dynamic' } },
  { format: vdi, options: { subformat: 'static' } },
  { format: vmdk, options: { subformat: 'monolithicSparse', details: { adapterType: 'lsilogic' } } },
  { format: vmdk, options: { subformat: 'monolithicFlat', details: { hardwareVersion: 21 } } },
  { format: vmdk, options: { subformat: 'twoGbMaxExtentSparse' } },
  { format: vmdk, options: { subformat: 'twoGbMaxExtentFlat' } },
  { format: vmdk, options: { subformat: 'streamOptimized' } },
  { format: vmdk, options: { subformat: 'streamOptimized', deflate } },
]
const children: readonly Case[] = [
  { format: qcow2, options: { subformat: 'differencing', blockSize: 4096 } },
  { format: qcow2, options: { subformat: 'differencing', details: { compat: '0.10' } } },
  { format: vdi, options: { subformat: 'differencing' } },
  { format: vmdk, options: { subformat: 'differencing' } },
]

const pieces = fc.array(
  fc.record({
    at: fc.oneof(
      fc.nat(SIZE / 512 - 1).map((sector) => sector * 512),
      fc.nat(Math.floor(SIZE / 65_536)).map((grain) => grain * 65_536),
    ),
    length: fc.oneof(
      fc.constantFrom(512, 4096, 65_536, MiB),
      fc.nat(3000).map((sectors) => sectors * 512),
    ),
    value: fc.nat(255),
  }),
  { maxLength: 6 },
)

/** A value of 0 writes zeroes, stored ones and others. */
function scribble(disk: Disk, list: readonly { at: number; length: number; value: number }[]): void {
  for (const { at, length, value } of list) {
    const count = Math.min(length, SIZE - at)
    if (value === 0) disk.writeZeroes(at, count)
    else disk.write(at, new Uint8Array(count).fill(value & 0xfe))
  }
}

/** Writes all files of the image into a folder of its own, and checks the list on the way. */
function written(layout: ImageLayout, source: DiskSource, name: string) {
  const folder = memoryFolder()
  for (const file of layout.files) writeChecked(file, source, folder.create(file.name))
  assert.equal(layout.files.at(-1)!.name, name)
  return { store: folder.files.get(name)!, surroundings: folder.surroundings }
}

for (const { format, options } of whole) {
  const title = `${options.subformat} ${format.name} ${options.blockSize ?? ''} ${options.deflate ? 'packed' : ''}`
  test(`a ${title} image shows what its source shows`, () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const disk = openDisk(memoryStore(new Uint8Array(SIZE)), { format: 'raw', writable: true })
        scribble(disk, list)
        const source = sourceOf(disk)
        const layout = format.layout!(source, { name: 'new', ...options })
        const { store, surroundings } = written(layout, source, 'new')
        const image = readImage(store, { surroundings })
        assert.deepEqual(
          [image.facts.format, image.facts.subformat, image.facts.sizeBytes],
          [format.name, options.subformat, SIZE],
        )
        assert.deepEqual([image.facts.problems, image.survey().problems], [[], []])
        const found = contentOf(openDisk(store, { surroundings }))
        assert.ok(Buffer.from(found).equals(contentOf(disk)))
      }),
      { numRuns: cases(2, 10) },
    )
  })
}

/** A parent of the same format with content, and a child on it, as QCOW2: that can say everything. */
for (const { format, options } of children) {
  test(`a ${format.name} child ${options.details?.compat ?? ''} shows what another child showed`, () => {
    fc.assert(
      fc.property(pieces, pieces, (below, above) => {
        const parent = childOf(emptySource(SIZE), format, 'dynamic')
        const base = openDisk(parent, { writable: true })
        scribble(base, below)
        base.close()
        const other = childOf(emptySource(SIZE, 'below'), qcow2, 'differencing', parent)
        const child = openDiskChain([other, parent], [], { writable: true })
        scribble(child, above)
        const source = sourceOf(child, { layers: 1 })
        const layout = format.layout!(source, { name: 'new', ...options, parent: parentOf(parent) })
        const { store } = written(layout, source, 'new')
        assert.deepEqual(readImage(store).survey().problems, [])
        const found = contentOf(openDiskChain([store, parent], []))
        assert.ok(Buffer.from(found).equals(contentOf(child)))
      }),
      { numRuns: cases(2, 10) },
    )
  })
}

function childOf(source: DiskSource, format: DiskFormat, kind: string, parent?: MemoryStore): MemoryStore {
  const subformat = format.subformats!.some(({ name }) => name === kind) ? kind : format.subformats![0]!.name
  const layout = format.layout!(source, {
    subformat,
    name: 'base',
    ...(parent && { parent: parentOf(parent) }),
  })
  return written(layout, source, 'base').store
}

test('the identity of an older file is kept', () => {
  for (const format of [vdi, vmdk]) {
    const old = readImage(childOf(emptySource(SIZE), format, 'dynamic')).facts
    const source = emptySource(SIZE)
    const { id, stamp } = old
    const subformat = format.subformats![0]!.name
    const layout = format.layout!(source, {
      subformat,
      name: 'new',
      ...{ id, stamp: stamp ?? 0 },
    } as LayoutOptions)
    const { facts } = readImage(written(layout, source, 'new').store)
    assert.deepEqual([facts.id, facts.stamp], [id, stamp])
  }
})

test('what cannot be is refused before anything is written', () => {
  const source = emptySource(SIZE)
  const parent = { format: 'raw', sizeBytes: SIZE, relativePath: '.\\a', absolutePath: '/a' }
  const refused: readonly [DiskFormat, Partial<LayoutOptions>, string][] = [
    [qcow2, { details: { compat: '2' } }, 'qcow2-compat-invalid'],
    [qcow2, { blockSize: 1000 }, 'qcow2-cluster-size-invalid'],
    [vdi, { blockSize: 65_536 }, 'vdi-block-size'],
    [vdi, { subformat: 'fixed' }, 'vdi-subformat'],
    [vdi, { subformat: 'differencing', parent }, 'vdi-parent'],
    [vmdk, { subformat: 'fixed' }, 'vmdk-subformat-invalid'],
    [vmdk, { subformat: 'differencing', parent }, 'vmdk-parent'],
    [vmdk, { subformat: 'differencing' }, 'vmdk-parent-invalid'],
    [vmdk, { details: { adapterType: 'sata' } }, 'vmdk-adapterType-invalid'],
    [vmdk, { details: { hardwareVersion: 99 } }, 'vmdk-hardwareVersion-invalid'],
    [vmdk, { id: 'x' }, 'vmdk-id-invalid'],
  ]
  for (const [format, options, code] of refused) {
    const subformat = format.subformats![0]!.name
    assert.throws(() => format.layout!(source, { subformat, name: 'x', ...options }), { code })
  }
})

/** Two units of data, at the ends of a disk of nearly 2 TiB. */
function hugeSource(): DiskSource {
  const sizeBytes = 2 * TiB - 4 * GiB
  let known: UnitMap | undefined
  return {
    ...emptySource(sizeBytes),
    units(unitBytes) {
      if (known?.unitBytes === unitBytes) return known
      const map = new UnitKinds(unitBytes, Math.ceil(sizeBytes / unitBytes))
      map.set(0, 1, 'data')
      map.set(map.count - 1, map.count, 'data')
      known = map
      return map
    },
    read: (_offset, into) => void into.fill(7),
  }
}

test('a sparse disk of 2 TiB takes little memory and few segments', () => {
  for (const { format, options } of whole.filter(({ options: { blockSize } }) => blockSize === undefined)) {
    const source = hugeSource()
    const before = process.memoryUsage().arrayBuffers
    const { files } = format.layout!(source, { name: 'new', ...options })
    let segments = 0
    let largest = 0
    for (const file of files)
      for (const segment of file.segments()) {
        segments++
        if (segment.kind === 'bytes') largest = Math.max(largest, segment.bytes.length)
      }
    assert.ok(segments < 10_000, `${segments} segments of ${options.subformat}`)
    assert.ok(largest <= MiB, `a segment of ${largest} bytes`)
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * MiB)
  }
})

test('the backing file is named as QEMU takes it', () => {
  for (const [relativePath, expected] of [
    ['.\\base.vhd', 'base.vhd'],
    ['..\\a\\base.vhd', '../a/base.vhd'],
    ['.\\nbd:x', './nbd:x'],
    ['', '/disks/base.vhd'],
  ] as const) {
    const source = emptySource(SIZE, 'below')
    const parent = { format: 'vhd', sizeBytes: SIZE, relativePath, absolutePath: '/disks/base.vhd' }
    const layout = qcow2.layout!(source, { subformat: 'differencing', name: 'new', parent })
    const { facts } = readImage(written(layout, source, 'new').store)
    assert.deepEqual([facts.parent?.names[0]?.text, facts.parent?.format], [expected, 'vhd'])
  }
})
