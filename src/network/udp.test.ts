import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeUint16 } from './addresses.ts'
import { decodeUdp, encodeUdp } from './udp.ts'

const port = fc.integer({ min: 0, max: 0xffff })
const address = fc.integer({ min: 0, max: 0xffff_ffff })
const around = { source: 0x0af4_0010, destination: 0x0af4_0001 }

test('a datagram survives between its addresses', () => {
  fc.assert(
    fc.property(port, port, fc.uint8Array({ maxLength: 1472 }), address, address, (...parts) => {
      const [sourcePort, destinationPort, payload, source, destination] = parts
      const datagram = { sourcePort, destinationPort, payload }
      assert.deepEqual(
        decodeUdp(encodeUdp(datagram, { source, destination }), { source, destination }),
        datagram,
      )
    }),
  )
})

test('any one wrong bit, a cut and another address are noticed', () => {
  const bytes = encodeUdp({ sourcePort: 68, destinationPort: 67, payload: Uint8Array.of(1, 2, 3) }, around)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = bytes.slice()
    copy[bit >>> 3]! ^= 1 << (bit & 7)
    assert.equal(decodeUdp(copy, around), 'malformed', `bit ${bit}`)
  }
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeUdp(bytes.subarray(0, length), around), 'malformed')
  assert.equal(decodeUdp(bytes, { ...around, source: around.source + 1 }), 'malformed')
})

test('a checksum of zero means that there is none, and is never computed', () => {
  const bytes = encodeUdp({ sourcePort: 68, destinationPort: 67, payload: Uint8Array.of(1, 2, 3) }, around)
  writeUint16(bytes, 6, 0)
  assert.notEqual(decodeUdp(bytes, around), 'malformed')
  // Two bytes of payload that bring the sum to zero.
  const crafted = encodeUdp(
    { sourcePort: 0, destinationPort: 0, payload: Uint8Array.of(0xff, 0xda) },
    { source: 0, destination: 0 },
  )
  assert.deepEqual([crafted[6], crafted[7]], [0xff, 0xff])
})
