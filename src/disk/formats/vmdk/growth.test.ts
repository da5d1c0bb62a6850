import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, asciiOf, GiB, KiB, MiB } from '../../../base/index.ts'
import { cases, randomFrom } from '../../../base/testing.ts'
import type { Disk } from '../../disk.ts'
import { bytesOf } from '../../layout-testing.ts'
import { openDisk, readImage } from '../../open.ts'
import { emptySource } from '../../source.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { writeLayout } from '../../write-layout.ts'
import { journalOf } from '../testing.ts'
import { editDescriptor, nameOfNext } from './descriptor-edit.ts'
import { type MemoryFolder, memoryFolder, splitDisk } from './testing.ts'
import { vmdk } from './vmdk.ts'

/** Grains of 4 KiB, of which 512 have a table: a few MiB take several. */
const GRAIN = 4 * KiB
/** No multiple of a grain. */
const SIZE = MiB + 7 * 512
/** By one sector, within the last grain, by a grain, and by further tables. */
const SIZES = [SIZE + 512, SIZE + KiB, SIZE + GRAIN, 3 * MiB, 9 * MiB + 512]
const TYPES = { sparse: 'twoGbMaxExtentSparse', flat: 'twoGbMaxExtentFlat' } as const
type Kind = keyof typeof TYPES
const LAST = { sparse: 'd-s002.vmdk', flat: 'd-f002.vmdk' } as const

/** Of two extents, the second of which begins at 512 KiB. */
function disk(kind: Kind): MemoryFolder {
  const folder = memoryFolder()
  const sizes = [512 * KiB, SIZE - 512 * KiB]
  splitDisk(folder, 'd', { sizes, flat: kind === 'flat', createType: TYPES[kind] })
  if (kind === 'sparse')
    for (const [name, store] of folder.files)
      if (name !== 'd.vmdk') store.write(20, Uint8Array.of(GRAIN / 512))
  const opened = open(folder, true)
  opened.write(300 * KiB, new Uint8Array(400 * KiB).fill(5))
  opened.write(SIZE - 1024, new Uint8Array(1024).fill(7))
  opened.close()
  return folder
}

function open({ files, surroundings }: MemoryFolder, writable = false): Disk {
  return openDisk(files.get('d.vmdk')!, { writable, surroundings })
}

function growth({ files, surroundings }: MemoryFolder, sizeBytes: number) {
  return vmdk.growth!(files.get('d.vmdk')!, { sizeBytes, name: 'd.vmdk' }, surroundings)!
}

/** As the workshop does: the last file first, what names them last. */
function grow(folder: MemoryFolder, sizeBytes: number): void {
  const { files, growLast } = growth(folder, sizeBytes)
  growLast()
  for (const file of files) {
    folder.files.delete(file.name)
    writeLayout(file, emptySource(sizeBytes), folder.create(file.name))
  }
}

function problemsOf({ files, surroundings }: MemoryFolder): unknown[] {
  const { facts, survey } = readImage(files.get('d.vmdk')!, { surroundings })
  return [...facts.problems, ...survey().problems]
}

for (const kind of ['sparse', 'flat'] as const) {
  test(`a disk of several ${kind} extents becomes larger, with zeroes, and goes on to be written`, () => {
    for (const sizeBytes of SIZES) {
      const folder = disk(kind)
      const expected = new Uint8Array(sizeBytes)
      expected.set(bytesOf(open(folder)))
      const { id } = readImage(folder.files.get('d.vmdk')!).facts
      grow(folder, sizeBytes)
      const { facts } = readImage(folder.files.get('d.vmdk')!)
      assert.deepEqual([facts.id, facts.subformat, facts.geometry?.heads], [id, TYPES[kind], 16])
      assert.deepEqual(problemsOf(folder), [])
      assert.ok(Buffer.from(bytesOf(open(folder))).equals(expected))
      const larger = open(folder, true)
      larger.write(sizeBytes - 512, new Uint8Array(512).fill(8))
      larger.write(SIZE - 512, new Uint8Array(512).fill(9))
      larger.close()
      expected.fill(8, sizeBytes - 512)
      expected.fill(9, SIZE - 512, SIZE)
      assert.ok(Buffer.from(bytesOf(open(folder))).equals(expected))
      assert.deepEqual(problemsOf(folder), [])
    }
  })

  test(`its last ${kind} extent holds what it did after every prefix of its growth`, () => {
    for (const lossy of [false, true])
      for (const [index, sizeBytes] of SIZES.entries()) {
        const folder = disk(kind)
        const before = bytesOf(open(folder))
        const expected = new Uint8Array(sizeBytes)
        expected.set(before)
        const journal = journalOf(folder.files.get(LAST[kind])!.bytes(), LAST[kind])
        growth(withLast(folder, kind, journal.store as MemoryStore), sizeBytes).growLast()
        for (let length = 0; length <= journal.length; length++)
          for (let seed = 0; seed < (lossy ? cases(6, 24) : 1); seed++) {
            const crashed = withLast(
              folder,
              kind,
              journal.rebuild(length, lossy, randomFrom(seed * 31 + index)),
            )
            const where = `${lossy}, ${sizeBytes}, ${length} of ${journal.length}`
            assert.ok(Buffer.from(bytesOf(open(crashed))).equals(before), where)
            assert.deepEqual(problemsOf(crashed), [], where)
            // It can be done again.
            grow(crashed, sizeBytes)
            assert.ok(Buffer.from(bytesOf(open(crashed))).equals(expected), where)
            assert.deepEqual(problemsOf(crashed), [], where)
          }
      }
  })

  test(`beyond 2047 MiB a ${kind} disk goes on in further extents`, () => {
    const folder = memoryFolder()
    const flat = kind === 'flat'
    splitDisk(folder, 'd', { sizes: [MiB], flat, createType: TYPES[kind] })
    const { files } = growth(folder, 5 * GiB)
    const letter = flat ? 'f' : 's'
    const further = [`d-${letter}002.vmdk`, `d-${letter}003.vmdk`]
    assert.deepEqual(
      files.map(({ name }) => name),
      [...further, 'd.vmdk'],
    )
    const store = memoryStore(undefined, 'd.vmdk')
    writeLayout(files.at(-1)!, emptySource(5 * GiB), store)
    const lines = asciiOf(store.bytes()).match(/^RW .*$/gm)
    const [type, at] = flat ? ['FLAT', ' 0'] : ['SPARSE', '']
    assert.deepEqual(lines, [
      `RW 4192256 ${type} "d-${letter}001.vmdk"${at}`,
      `RW 4192256 ${type} "${further[0]}"${at}`,
      `RW 2101248 ${type} "${further[1]}"${at}`,
    ])
    if (flat) return
    grow(folder, 5 * GiB)
    const larger = open(folder, true)
    larger.write(5 * GiB - 512, new Uint8Array(512).fill(3))
    larger.write(2047 * MiB - 512, new Uint8Array(1024).fill(4))
    larger.close()
    const around = new Uint8Array(1024)
    open(folder).read(2047 * MiB - 512, around)
    assert.ok(around.every((value) => value === 4))
    open(folder).read(5 * GiB - 1024, around)
    assert.deepEqual([around[511], around[512]], [0, 3])
    assert.deepEqual(problemsOf(folder), [])
  })
}

function withLast(folder: MemoryFolder, kind: Kind, last: MemoryStore): MemoryFolder {
  const copy = memoryFolder()
  for (const [name, store] of folder.files) copy.files.set(name, memoryStore(store.bytes(), name))
  copy.files.set(LAST[kind], last)
  return copy
}

test('a monolithic flat disk goes on in its one file', () => {
  const folder = memoryFolder()
  splitDisk(folder, 'd', { sizes: [MiB], flat: true, createType: 'monolithicFlat' })
  grow(folder, 2 * MiB)
  assert.deepEqual([folder.files.size, open(folder).sizeBytes], [2, 2 * MiB])
  assert.equal(growth(folder, 100 * GiB).files.length, 1)
})

test('old bytes behind the end of the last grain do not come to light', () => {
  const folder = disk('sparse')
  const last = folder.files.get(LAST.sparse)!
  const bytes = last.bytes()
  const end = bytes.lastIndexOf(7) + 1
  last.write(end, new Uint8Array(GRAIN - (end % GRAIN)).fill(0xee))
  grow(folder, 3 * MiB)
  assert.ok(
    bytesOf(open(folder))
      .subarray(SIZE)
      .every((value) => value === 0),
  )
})

test('what cannot grow is refused, and stays as it is', () => {
  const refused = (code: string, kind: Kind, change: (folder: MemoryFolder) => void, sizeBytes = 3 * MiB) => {
    const folder = disk(kind)
    change(folder)
    const before = [...folder.files.values()].map((store) => asciiOf(store.bytes()))
    assert.throws(() => growth(folder, sizeBytes), { code }, code)
    assert.deepEqual(
      [...folder.files.values()].map((store) => asciiOf(store.bytes())),
      before,
    )
  }
  const descriptor = (from: string | RegExp, to: string) => (folder: MemoryFolder) => {
    const text = asciiOf(folder.files.get('d.vmdk')!.bytes()).replace(from, to)
    folder.files.set('d.vmdk', memoryStore(asciiBytes(text), 'd.vmdk'))
  }
  const nothing = () => undefined
  refused('disk-expand-smaller', 'sparse', nothing, MiB)
  refused('disk-size-invalid', 'sparse', nothing, 3 * MiB + 1)
  refused('vmdk-size-invalid', 'sparse', nothing, 2 ** 46)
  refused('vmdk-extent-cannot-grow', 'sparse', descriptor(/RW (\d+ SPARSE "d-s002)/, 'RDONLY $1'))
  refused('vmdk-extent-cannot-grow', 'flat', descriptor('d-f001', 'd-f002'))
  const swapped = /(RW .*\n)(RW .*\n)/
  refused('vmdk-extent-cannot-grow', 'flat', descriptor(swapped, '$2$1'), 5 * GiB)
  refused('vmdk-extent-twice', 'sparse', descriptor('d-s001', 'd-s002'))
  // It has grains that the descriptor leaves out.
  refused('vmdk-extent-cannot-grow', 'sparse', descriptor(/RW \d+ (SPARSE "d-s002)/, 'RW 8 $1'))
  refused('vmdk-extent-cannot-grow', 'flat', descriptor(/RW \d+ (FLAT "d-f002)/, 'RW 8 $1'))
  refused('vmdk-extent-cut-short', 'flat', ({ files }) => files.get(LAST.flat)!.truncate(GRAIN))
  refused('vmdk-grain-outside-file', 'sparse', ({ files }) => {
    const last = files.get(LAST.sparse)!
    last.truncate(last.size() - GRAIN)
  })
  refused('disk-extent-missing', 'sparse', ({ files }) => files.delete(LAST.sparse))
  refused(
    'vmdk-extent-cannot-grow',
    'sparse',
    (folder) => {
      folder.files.set('other.vmdk', folder.files.get(LAST.sparse)!)
      descriptor('d-s002', 'other')(folder)
    },
    5 * GiB,
  )
  // Directories of one sector have no room for 4 GiB in grains of 4 KiB.
  refused('vmdk-extent-cannot-grow', 'sparse', nothing, GiB)
})

test('all that is not changed in a descriptor stays byte for byte', () => {
  const before = [
    '# Disk DescriptorFile',
    'encoding="GBK"',
    'CID=0000000a',
    'RW 2048 SPARSE "C:\\vm\\\xc5\xcc-s009.vmdk"',
    'RW 1000  SPARSE "C:\\vm\\\xc5\xcc-S010.VMDK"',
    'ddb.geometry.cylinders = "2"',
    'ddb.geometry.heads= "16"',
    'ddb.geometry.sectors = 63',
    'ddb.uuid = "60 00 C2 9b"',
    '',
  ].join('\r\n')
  const geometry = { cylinders: 300, heads: 255, sectorsPerTrack: 62 }
  const after = editDescriptor(asciiBytes(`${before}\0\0`), { sectors: 2000, added: [70, 80], geometry })
  assert.equal(
    asciiOf(after),
    before
      .replace(
        'RW 1000  SPARSE "C:\\vm\\\xc5\xcc-S010.VMDK"',
        [
          'RW 2000  SPARSE "C:\\vm\\\xc5\xcc-S010.VMDK"',
          'RW 70  SPARSE "C:\\vm\\\xc5\xcc-S011.VMDK"',
          'RW 80  SPARSE "C:\\vm\\\xc5\xcc-S012.VMDK"',
        ].join('\r\n'),
      )
      .replace('"2"', '"300"')
      .replace('heads= "16"', 'heads= "255"')
      .replace('sectors = 63', 'sectors = 62'),
  )
  assert.deepEqual([nameOfNext('a-s999.vmdk', 1), nameOfNext('a.vmdk', 1)], ['a-s1000.vmdk', undefined])
})
