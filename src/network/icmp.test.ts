import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeIcmpEcho, encodeIcmpEcho } from './icmp.ts'

const word = fc.integer({ min: 0, max: 0xffff })

test('an echo survives', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('request' as const, 'reply' as const),
      word,
      word,
      fc.uint8Array(),
      (...parts) => {
        const [kind, identifier, sequence, data] = parts
        const echo = { kind, identifier, sequence, data }
        assert.deepEqual(decodeIcmpEcho(encodeIcmpEcho(echo)), echo)
      },
    ),
  )
})

test('a wrong checksum or a cut is malformed, another message is not ours', () => {
  const bytes = encodeIcmpEcho({ kind: 'request', identifier: 1, sequence: 2, data: new Uint8Array(32) })
  bytes[20] = 1
  assert.equal(decodeIcmpEcho(bytes), 'malformed')
  for (let length = 0; length < 8; length++)
    assert.equal(decodeIcmpEcho(bytes.subarray(0, length)), 'malformed')
  // Destination unreachable, with its right checksum.
  assert.equal(decodeIcmpEcho(Uint8Array.of(3, 1, 0xfc, 0xfe, 0, 0, 0, 0)), 'not-mine')
})
