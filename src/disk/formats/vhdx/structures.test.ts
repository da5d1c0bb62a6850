import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiBytes } from '../../../base/index.ts'
import { entryCountOf, layoutFor } from './bat.ts'
import { checksumOf, crc32c } from './crc32c.ts'
import { creatorOf } from './file-identifier.ts'
import { parseGuid, randomGuid, readGuid, writeGuid } from './guid.ts'
import { formatHeader, type Header, parseHeader } from './header.ts'
import { changesOf, formatEntry, LOG_SECTOR, parseEntry } from './log-entry.ts'
import { activeSequence } from './log-sequence.ts'
import { formatParentLocator, parseParentLocator } from './parent-locator.ts'
import { equalBits, fillBits, hasBit } from './sector-bitmap.ts'

test('CRC-32C gives the values of RFC 3720 B.4', () => {
  assert.equal(crc32c(asciiBytes('123456789')), 0xe3069283)
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e)
})

test('CRC-32C by slices is CRC-32C by bits, at every alignment and with its own field left out', () => {
  const plain = (bytes: Uint8Array) => {
    let crc = 0xffffffff
    for (const byte of bytes) {
      crc ^= byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    }
    return ~crc >>> 0
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 80 }), fc.nat(3), (bytes, from) => {
      assert.equal(crc32c(bytes.subarray(from)), plain(bytes.subarray(from)))
      assert.equal(checksumOf(bytes, 4), plain(bytes.slice().fill(0, 4, 8)))
    }),
  )
})

test('GUIDs lie little-endian in the first three fields', () => {
  const bytes = new Uint8Array(16)
  writeGuid(bytes, 0, '2dc27766-f623-4200-9d64-115e9bfd4a08')
  assert.deepEqual([...bytes.subarray(0, 9)], [0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d])
  assert.equal(readGuid(bytes, 0), '2dc27766-f623-4200-9d64-115e9bfd4a08')
  assert.equal(parseGuid('{2DC27766-F623-4200-9D64-115E9BFD4A08}'), '2dc27766-f623-4200-9d64-115e9bfd4a08')
  assert.equal(parseGuid('2dc27766'), undefined)
})

test('a header says what was written into it, and nothing once a byte of it changed', () => {
  const header: Header = {
    sequence: 2n ** 63n + 5n,
    fileWriteGuid: randomGuid(),
    dataWriteGuid: randomGuid(),
    logGuid: randomGuid(),
    logVersion: 0,
    version: 1,
    logLength: 1 << 20,
    logOffset: 1 << 20,
  }
  const bytes = formatHeader(header)
  assert.deepEqual(parseHeader(bytes), header)
  for (const at of [0, 5, 9, 70, 4095]) {
    const changed = bytes.slice()
    changed[at]! ^= 1
    assert.equal(parseHeader(changed), undefined)
  }
})

test('the parent locator goes there and back', () => {
  const linkage = randomGuid()
  const bytes = formatParentLocator({
    linkage,
    relativePath: '.\\base.vhdx',
    absolutePath: '/disks/base.vhdx',
  })
  assert.deepEqual(parseParentLocator(bytes), {
    linkages: [linkage],
    names: [
      { kind: 'relative', text: '.\\base.vhdx' },
      { kind: 'absolute', text: '/disks/base.vhdx' },
    ],
  })
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
      const changed = bytes.slice(0, length)
      if (at < length) changed[at] = value
      parseParentLocator(changed)
    }),
  )
})

test('bitmaps count from the lowest bit, and agree with an array', () => {
  const first = new Uint8Array(2)
  fillBits(first, 0, 3, true)
  assert.deepEqual([...first], [0b111, 0])
  const range = fc.tuple(fc.nat(70), fc.nat(30), fc.boolean())
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
      const bits = new Uint8Array(16)
      const model = new Array<boolean>(128).fill(false)
      for (const [start, length, value] of ranges) {
        fillBits(bits, start, start + length, value)
        model.fill(value, start, start + length)
      }
      for (let index = 0; index < 128; index++) {
        assert.equal(hasBit(bits, index), model[index])
        const end = model.findIndex((value, place) => place > index && value !== model[index])
        assert.equal(equalBits(bits, index, 128), (end < 0 ? 128 : end) - index)
      }
    }),
  )
})

test('the table has an entry for a bitmap after each chunk', () => {
  const dimensions = { blockSize: 2 << 20, logicalSector: 512, hasParent: true }
  const small = layoutFor(0, { ...dimensions, sizeBytes: 4 << 20 })
  assert.equal(small.chunkRatio, 2048)
  assert.equal(entryCountOf(small), 2049) // as a real differencing disk of 4 MiB has it
  assert.equal(entryCountOf({ ...small, differencing: false }), 2)
  assert.equal(layoutFor(0, { ...dimensions, logicalSector: 4096, sizeBytes: 4096 }).chunkRatio, 16384)
})

test('creators are read as people would', () => {
  assert.deepEqual(creatorOf('Microsoft Windows 10.0.19041.0'), {
    application: 'Microsoft Windows',
    version: '10.0.19041.0',
    hostOs: 'Windows',
    product: 'Microsoft Windows 10.0.19041.0',
  })
  assert.deepEqual(creatorOf('QEMU v5.2.0').version, '5.2.0')
  assert.deepEqual(creatorOf(''), { application: '', version: '', hostOs: '', product: 'unknown' })
})

const guid = randomGuid()
const page = (offset: number, value: number) => ({ offset, bytes: new Uint8Array(4096).fill(value) })

/** A log of 16 sectors with entries of one page each. */
function logWith(...entries: { at: number; tail: number; sequence: bigint; value: number }[]): Uint8Array {
  const log = new Uint8Array(16 * LOG_SECTOR)
  for (const { at, tail, sequence, value } of entries) {
    const bytes = formatEntry({ guid, tail, sequence, fileSize: 1 << 22, pages: [page(value * 4096, value)] })
    for (let done = 0; done < bytes.length; done += LOG_SECTOR)
      log.set(bytes.subarray(done, done + LOG_SECTOR), (at + done) % log.length)
  }
  return log
}

const S = LOG_SECTOR

test('a log entry gives back its pages, also around the end of the log', () => {
  for (const at of [0, 15 * S]) {
    const log = logWith({ at, tail: at, sequence: 2n ** 40n + 7n, value: 9 })
    const entry = parseEntry(log, at, guid)!
    assert.equal(entry.sequence, 2n ** 40n + 7n)
    assert.deepEqual([...changesOf(log, entry)], [{ length: 4096, ...page(9 * 4096, 9) }])
    assert.equal(parseEntry(log, at, randomGuid()), undefined)
    for (const place of [at + 3, at + 8, at + 70, at + S, at + S + 100, at + 2 * S - 1]) {
      const torn = log.slice()
      torn[place % log.length]! ^= 4
      assert.equal(parseEntry(torn, at, guid), undefined)
    }
  }
})

const numbers = (log: Uint8Array) => activeSequence(log, guid)?.map(({ sequence }) => Number(sequence))

test('of several sequences the one with the highest number is replayed, from its tail', () => {
  assert.equal(numbers(logWith()), undefined)
  const two = { at: 2 * S, tail: 0, sequence: 2n, value: 2 }
  assert.deepEqual(numbers(logWith({ at: 0, tail: 0, sequence: 1n, value: 1 }, two)), [1, 2])
  assert.equal(numbers(logWith(two)), undefined, 'its tail is not there')
  const three = { at: 4 * S, tail: 2 * S, sequence: 3n, value: 3 }
  assert.deepEqual(numbers(logWith({ at: 0, tail: 0, sequence: 1n, value: 1 }, two, three)), [2, 3])
  const old = { at: 8 * S, tail: 8 * S, sequence: 1n, value: 4 }
  assert.deepEqual(numbers(logWith({ at: 0, tail: 0, sequence: 5n, value: 1 }, old)), [5])
  const jump = { at: 2 * S, tail: 0, sequence: 9n, value: 2 }
  assert.deepEqual(numbers(logWith({ at: 0, tail: 0, sequence: 1n, value: 1 }, jump)), [1])
})

test('a sequence may go around the end of the log', () => {
  const first = { at: 13 * S, tail: 13 * S, sequence: 4n, value: 1 }
  const second = { at: 15 * S, tail: 13 * S, sequence: 5n, value: 2 }
  const third = { at: S, tail: 13 * S, sequence: 6n, value: 3 }
  assert.deepEqual(numbers(logWith(first, second, third)), [4, 5, 6])
})

test('any change of a log gives a sequence or none, and ends', () => {
  const log = logWith(
    { at: 0, tail: 0, sequence: 1n, value: 1 },
    { at: 2 * S, tail: 0, sequence: 2n, value: 2 },
    { at: 4 * S, tail: 0, sequence: 3n, value: 3 },
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(6 * S - 1), fc.nat(255)), { maxLength: 4 }), (changes) => {
      const changed = log.slice()
      for (const [at, value] of changes) changed[at] = value
      for (const entry of activeSequence(changed, guid) ?? []) [...changesOf(changed, entry)]
    }),
  )
})
