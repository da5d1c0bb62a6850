import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeEthernet, encodeEthernet } from './ethernet.ts'

const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff })

test('a frame survives, padded to the least length', () => {
  fc.assert(
    fc.property(
      mac,
      mac,
      fc.integer({ min: 0, max: 0xffff }),
      fc.uint8Array({ maxLength: 1500 }),
      (...parts) => {
        const [destination, source, type, payload] = parts
        const bytes = encodeEthernet({ destination, source, type, payload })
        assert.equal(bytes.length, Math.max(60, 14 + payload.length))
        const frame = decodeEthernet(bytes)
        assert.ok(typeof frame !== 'string')
        assert.deepEqual([frame.destination, frame.source, frame.type], [destination, source, type])
        assert.deepEqual(frame.payload.subarray(0, payload.length), payload)
        assert.ok(frame.payload.subarray(payload.length).every((byte) => byte === 0))
      },
    ),
  )
})

test('less than a header is malformed', () => {
  assert.equal(decodeEthernet(new Uint8Array(13)), 'malformed')
})
