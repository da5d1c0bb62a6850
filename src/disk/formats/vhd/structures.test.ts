import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GiB, MiB } from '../../../base/index.ts'
import { memoryStore } from '../../testing.ts'
import { allSet, bitmapBytesOf, countSet, equalBits, hasBit, setBits } from './bitmap.ts'
import { createVhd } from './create.ts'
import {
  DISK_TYPES,
  FOOTER_BYTES,
  type Footer,
  formatFooter,
  isSoundFooter,
  parseFooter,
  withFooterChecksum,
} from './footer.ts'
import { geometryBytes, geometryOf } from './geometry.ts'
import { formatHeader, HEADER_BYTES, parseHeader } from './header.ts'
import { stampOf, stampToIso } from './stamps.ts'

const plain = { noNullPrototype: true }
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
const footers: fc.Arbitrary<Footer> = fc
  .record(
    {
      type: fc.constantFrom(...(Object.keys(DISK_TYPES) as (keyof typeof DISK_TYPES)[])),
      stamp: uint32,
      creatorApplication: fc.constantFrom('vpc ', 'win ', 'd2v\0', 'tap\0'),
      creatorVersion: uint32,
      creatorOs: fc.constantFrom('Wi2k', 'Mac ', '\0\0\0\0'),
      originalSize: fc.maxSafeNat(),
      currentSize: fc.maxSafeNat(),
      geometry: fc.record(
        { cylinders: fc.nat(65535), heads: fc.nat(255), sectorsPerTrack: fc.nat(255) },
        plain,
      ),
      id,
      inSavedState: fc.boolean(),
    },
    plain,
  )
  .map((footer) => ({ ...footer, headerOffset: footer.type === 'fixed' ? undefined : 512 }))

test('a footer is 512 bytes and reads back as it was written', () => {
  fc.assert(
    fc.property(footers, (footer) => {
      const bytes = formatFooter(footer)
      assert.equal(bytes.length, FOOTER_BYTES)
      assert.ok(isSoundFooter(bytes))
      assert.deepEqual(parseFooter(bytes, {}), footer)
      assert.deepEqual(withFooterChecksum(bytes), bytes)
      assert.ok(isSoundFooter(bytes.subarray(0, 511)), 'the first 511 bytes are sound too')
    }),
  )
})

test('a dynamic header is 1024 bytes and reads back as it was written', () => {
  const locator = fc.record(
    {
      code: fc.constantFrom('W2ru', 'W2ku', 'MacX'),
      space: uint32,
      length: uint32,
      offset: fc.maxSafeNat(),
    },
    plain,
  )
  const headers = fc.record(
    {
      batOffset: fc.maxSafeNat(),
      batEntries: uint32,
      blockSize: uint32,
      parentId: id,
      parentStamp: uint32,
      parentName: fc.constantFrom('', 'parent.vhd', 'C:\\Virtuelle Maschinen\\Größe.vhd', '/日本/a.vhd'),
      locators: fc.array(locator, { maxLength: 8 }),
    },
    plain,
  )
  fc.assert(
    fc.property(headers, (header) => {
      const bytes = formatHeader(header)
      assert.equal(bytes.length, HEADER_BYTES)
      const { checksumStored, checksumComputed, ...read } = parseHeader(bytes, {})
      assert.equal(checksumStored, checksumComputed)
      assert.deepEqual(read, header)
    }),
  )
})

test('an empty 256 MB dynamic disk is as long as Virtual PC’s plus no spare sector', () => {
  const store = memoryStore()
  createVhd(store, { type: 'dynamic', sizeBytes: 256 * MiB })
  // Footer copy, header, one sector of BAT, footer. Virtual PC leaves one more sector before the footer.
  assert.equal(store.size(), 512 + 1024 + 512 + 512)
})

test('the geometry is that of six real files', () => {
  const chs = (bytes: number) => Object.values(geometryOf(bytes)).join('/')
  assert.equal(chs(256 * MiB), '520/16/63')
  assert.equal(chs(127 * GiB), '65278/16/255')
  assert.equal(chs(4 * MiB), '120/4/17')
  assert.equal(chs(4_212_736), '121/4/17')
  assert.equal(chs(2000 * GiB), '65535/16/255')
})

test('the geometry never covers more than the disk, and hardly less', () => {
  fc.assert(
    fc.property(fc.integer({ min: 6 * 1024, max: 65535 * 16 * 255 }), (sectors) => {
      const geometry = geometryOf(sectors * 512)
      const left = sectors * 512 - geometryBytes(geometry)
      assert.ok(left >= 0 && left < geometry.heads * geometry.sectorsPerTrack * 512)
      assert.ok(geometry.cylinders <= 65535 && geometry.heads <= 16)
    }),
  )
})

test('bitmaps: runs, counts and changes agree with a plain list of bits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 100 }),
      fc.nat(99),
      fc.nat(99),
      (bits, a, b) => {
        const bitmap = new Uint8Array(bitmapBytesOf(bits.length * 512))
        for (const [index, bit] of bits.entries()) if (bit) assert.ok(setBits(bitmap, index, index + 1))
        assert.equal(countSet(bitmap, bits.length), bits.filter(Boolean).length)
        assert.equal(allSet(bitmap, bits.length), bits.every(Boolean))
        const first = Math.min(a, b, bits.length - 1)
        const end = Math.min(Math.max(a, b) + 1, bits.length)
        const differs = bits.slice(first, end).findIndex((bit) => bit !== bits[first])
        assert.equal(equalBits(bitmap, first, end), differs === -1 ? end - first : differs)
        assert.equal(setBits(bitmap, first, end), !bits.slice(first, end).every(Boolean))
        for (const [index, bit] of bits.entries())
          assert.equal(hasBit(bitmap, index), bit || (index >= first && index < end))
      },
    ),
  )
})

test('time stamps count from 2000 in seconds', () => {
  assert.equal(stampToIso(0x0f3db9e4), '2008-02-07T12:45:24Z')
  assert.equal(stampOf(new Date('2008-02-07T12:45:24Z')), 0x0f3db9e4)
  assert.equal(stampOf(new Date('1999-01-01T00:00:00Z')), 0)
})

test('with id and time given a new disk is the same every time', () => {
  const make = () => {
    const store = memoryStore()
    createVhd(store, { type: 'dynamic', sizeBytes: MiB, id: new Uint8Array(16).fill(7), time: new Date(0) })
    return store.bytes()
  }
  assert.deepEqual(make(), make())
})

test('impossible disks are refused with the limit', () => {
  for (const sizeBytes of [0, 100, -512, 2041 * GiB, Number.NaN])
    assert.throws(() => createVhd(memoryStore(), { type: 'dynamic', sizeBytes }), {
      code: 'vhd-size-invalid',
    })
  assert.throws(() => createVhd(memoryStore(), { type: 'dynamic', sizeBytes: MiB, blockSize: 3000 }), {
    code: 'vhd-block-size-invalid',
  })
})
