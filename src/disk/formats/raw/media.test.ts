import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, MiB, viewOf } from '../../../base/index.ts'
import { readContents } from '../../contents/partitions.ts'
import { openDisk, readImage } from '../../open.ts'
import { emptySource } from '../../source.ts'
import { memoryStore } from '../../testing.ts'
import { raw } from './raw.ts'

const asRaw = { format: 'raw' }

function subformatOf(name: string, bytes: Uint8Array): string {
  return readImage(memoryStore(bytes, name), asRaw).facts.subformat
}

function iso(sizeBytes = MiB): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  bytes.set(asciiBytes('\x01CD001\x01'), 32_768)
  bytes.set(asciiBytes('OFFICE_2003                     '), 32_808)
  viewOf(bytes).setUint32(32_848, sizeBytes / 2048, true)
  return bytes
}

test('a floppy is known by its name and its size', () => {
  for (const kib of [360, 720, 1200, 1440, 1680, 2880])
    for (const name of ['a.vfd', 'A.IMG', 'a.ima', 'a.flp'])
      assert.equal(subformatOf(name, new Uint8Array(kib * 1024)), 'floppy', `${name} of ${kib} KiB`)
  for (const name of ['a.raw', 'a.dd', 'a', 'a.iso'])
    assert.equal(subformatOf(name, new Uint8Array(1440 * 1024)), 'flat', name)
  for (const size of [0, 512, 1440 * 1024 - 512, 1440 * 1024 - 1, MiB])
    assert.equal(subformatOf('a.vfd', new Uint8Array(size)), 'flat', `${size} bytes`)
  const { geometry } = readImage(memoryStore(new Uint8Array(1440 * 1024), 'a.vfd'), asRaw).facts
  assert.deepEqual(geometry, { cylinders: 80, heads: 2, sectorsPerTrack: 18 })
})

test('a floppy is made in the sizes that drives have', () => {
  const options = { subformat: 'floppy', name: 'a.vfd' }
  assert.equal(raw.layout!(emptySource(720 * 1024), options).files[0]?.sizeBytes, 720 * 1024)
  assert.throws(() => raw.layout!(emptySource(MiB), options), { code: 'raw-floppy-size' })
})

test('the image of a CD is read, tells its label, and is not written to', () => {
  const store = memoryStore(iso(), 'office.iso')
  const { facts } = readImage(store, asRaw)
  assert.deepEqual([facts.subformat, facts.readOnly], ['iso', true])
  assert.throws(() => openDisk(store, { ...asRaw, writable: true }), { code: 'raw-iso-read-only' })
  const { partitions } = readContents(openDisk(store, asRaw))
  assert.deepEqual([partitions[0]?.fileSystem, partitions[0]?.label], ['ISO 9660', 'OFFICE_2003'])
})

test('a disk whose guest wrote the signature of a CD stays a disk, and a cut CD is one too', () => {
  assert.equal(subformatOf('disk.img', iso()), 'flat')
  openDisk(memoryStore(iso(), 'disk.img'), { ...asRaw, writable: true }).close()
  for (const size of [0, 512, 32_768, 32_770, 32_773])
    assert.equal(subformatOf('a.iso', iso().slice(0, size)), 'flat')
})

test('a CD with partition tables, to be written to a stick, is a CD', () => {
  const bytes = iso()
  bytes.set([0x80, 0, 0, 0, 0x17, 0, 0, 0, 64, 0, 0, 0, 0, 4, 0, 0], 446)
  bytes.set([0x55, 0xaa], 510)
  const { scheme, partitions } = readContents(openDisk(memoryStore(bytes, 'a.iso'), asRaw))
  assert.deepEqual([scheme, partitions.length, partitions[0]?.label], ['none', 1, 'OFFICE_2003'])
  const stick = new Uint8Array(4 * MiB)
  stick.set(bytes)
  assert.equal(readContents(openDisk(memoryStore(stick), asRaw)).scheme, 'mbr', 'what was left of a CD')
})

test('what is packed is called so: refused where its format is looked for, a warning where a raw image is wanted', () => {
  for (const [magic, what] of [
    ['BZh91AY&SY', /bzip2/],
    ['\x1f\x8b\x08', /gzip/],
    ['PK\x03\x04', /ZIP/],
    ['\xfd7zXZ\0', /xz/],
  ] as const) {
    const bytes = new Uint8Array(1024)
    bytes.set(asciiBytes(magic))
    const [problem] = readImage(memoryStore(bytes, 'a.img'), asRaw).facts.problems
    assert.match(problem!.message, what)
    assert.throws(() => readImage(memoryStore(bytes, 'a.img.bz2')), { code: 'disk-packed', message: what })
  }
  assert.deepEqual(readImage(memoryStore(new Uint8Array(1024), 'a.img'), asRaw).facts.problems, [])
  assert.deepEqual(readImage(memoryStore(new Uint8Array(0), 'a.img'), asRaw).facts.problems, [])
})
