import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex } from '../base/index.ts'
import { writeUint16 } from './addresses.ts'
import { checksum } from './checksum.ts'
import { decodeIpv4, encodeIpv4 } from './ipv4.ts'

const byte = fc.integer({ min: 0, max: 255 })
const ipv4 = fc.integer({ min: 0, max: 0xffff_ffff })
const packet = fc.record(
  {
    source: ipv4,
    destination: ipv4,
    protocol: byte,
    identification: fc.integer({ min: 0, max: 0xffff }),
    timeToLive: byte,
    payload: fc.uint8Array({ maxLength: 1480 }),
  },
  { noNullPrototype: true },
)

test('a header with a known checksum', () => {
  // The much quoted example: 192.168.0.1 to 192.168.0.199, UDP, don't fragment, checksum b861.
  const bytes = new Uint8Array(115)
  bytes.set(fromHex('450000730000400040 11 b861 c0a80001 c0a800c7'.replaceAll(' ', ''))!)
  const decoded = decodeIpv4(bytes)
  assert.ok(typeof decoded !== 'string')
  assert.deepEqual([decoded.source, decoded.destination, decoded.protocol], [0xc0a8_0001, 0xc0a8_00c7, 17])
  assert.equal(decoded.payload.length, 95)
})

test('a packet survives, without the padding of its frame', () => {
  fc.assert(
    fc.property(packet, fc.integer({ min: 0, max: 46 }), (some, padding) => {
      const bytes = encodeIpv4(some)
      const padded = new Uint8Array(bytes.length + padding)
      padded.set(bytes)
      assert.deepEqual(decodeIpv4(padded), some)
    }),
  )
})

test('any one wrong bit in the header is noticed', () => {
  const bytes = encodeIpv4({
    source: 1,
    destination: 2,
    protocol: 17,
    identification: 3,
    timeToLive: 64,
    payload: new Uint8Array(8),
  })
  for (let bit = 0; bit < 160; bit++) {
    const copy = bytes.slice()
    copy[bit >>> 3]! ^= 1 << (bit & 7)
    assert.equal(decodeIpv4(copy), 'malformed', `bit ${bit}`)
  }
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeIpv4(bytes.subarray(0, length)), 'malformed')
})

test('fragments are left alone, options are skipped', () => {
  const fragment = encodeIpv4({
    source: 1,
    destination: 2,
    protocol: 17,
    identification: 3,
    timeToLive: 64,
    payload: new Uint8Array(8),
  })
  writeUint16(fragment, 6, 0x2000)
  writeUint16(fragment, 10, 0)
  writeUint16(fragment, 10, checksum(fragment.subarray(0, 20)))
  assert.equal(decodeIpv4(fragment), 'not-mine')

  const withOption = new Uint8Array(26)
  withOption.set([0x46, 0, 0, 26, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x94, 4, 0, 0, 7, 8])
  writeUint16(withOption, 10, checksum(withOption.subarray(0, 24)))
  const decoded = decodeIpv4(withOption)
  assert.ok(typeof decoded !== 'string')
  assert.deepEqual(decoded.payload, Uint8Array.of(7, 8))
})

test('any bytes get an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const answer = decodeIpv4(bytes)
      assert.ok(typeof answer === 'object' || answer === 'malformed' || answer === 'not-mine')
    }),
  )
})
