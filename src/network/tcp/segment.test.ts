import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeTcp, encodeTcp, FLAG } from './segment.ts'

const ADDRESSES = { source: 0x0af4_0010, destination: 0x0af4_0001 }
const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const segments = fc.record(
  {
    sourcePort: uint16,
    destinationPort: uint16,
    sequence: uint32,
    acknowledgment: uint32,
    flags: fc.integer({ min: 0, max: 0xff }).map((flags) => flags | FLAG.syn),
    window: uint16,
    maximumSegment: uint16,
    windowScale: fc.integer({ min: 0, max: 14 }),
    payload: fc.uint8Array({ maxLength: 64 }),
  },
  {
    requiredKeys: [
      'sourcePort',
      'destinationPort',
      'sequence',
      'acknowledgment',
      'flags',
      'window',
      'payload',
    ],
  },
)

test('what is written is read', () => {
  fc.assert(
    fc.property(segments, (segment) => {
      assert.deepEqual(decodeTcp(encodeTcp(segment, ADDRESSES), ADDRESSES), { ...segment })
    }),
  )
})

test('any byte changed, or cut off, is malformed', () => {
  fc.assert(
    fc.property(segments, fc.nat(), fc.integer({ min: 1, max: 255 }), (segment, at, change) => {
      const bytes = encodeTcp(segment, ADDRESSES)
      bytes[at % bytes.length]! ^= change
      assert.equal(decodeTcp(bytes, ADDRESSES), 'malformed')
    }),
  )
  for (let length = 0; length < 20; length++)
    assert.equal(decodeTcp(new Uint8Array(length), ADDRESSES), 'malformed')
})

test('a segment of a capture: SYN of Linux', () => {
  // 10.244.0.16:45678 to 10.244.0.1:80 with MSS 1460, SACK permitted, timestamps, NOP, window scale 7.
  const bytes = Uint8Array.from([
    0xb2, 0x6e, 0x00, 0x50, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0, 0xa0, 0x02, 0xfa, 0xf0, 0, 0, 0, 0, 2, 4, 5,
    0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
  ])
  assert.equal(decodeTcp(bytes, ADDRESSES), 'malformed')
  const sum = wordSum([0x0af4, 0x0010, 0x0af4, 0x0001, 6, bytes.length, ...words(bytes)])
  bytes.set([(~sum >>> 8) & 0xff, ~sum & 0xff], 16)
  const segment = decodeTcp(bytes, ADDRESSES)
  assert.ok(typeof segment !== 'string')
  assert.deepEqual([segment.maximumSegment, segment.windowScale, segment.window], [1460, 7, 64240])
})

function words(bytes: Uint8Array): number[] {
  return Array.from(
    { length: bytes.length / 2 },
    (_, index) => bytes[2 * index]! * 256 + bytes[2 * index + 1]!,
  )
}

function wordSum(values: readonly number[]): number {
  let sum = values.reduce((left, right) => left + right, 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return sum
}
