import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromHex } from '../base/index.ts'
import { decodeArp, encodeArp } from './arp.ts'

const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff })
const ipv4 = fc.integer({ min: 0, max: 0xffff_ffff })
const packet = fc.record(
  {
    operation: fc.constantFrom('request' as const, 'reply' as const),
    senderMac: mac,
    senderAddress: ipv4,
    targetMac: mac,
    targetAddress: ipv4,
  },
  { noNullPrototype: true },
)

test('a request as every computer sends it', () => {
  const bytes = fromHex('0001080006040001' + '0003ff000001' + '0af40010' + '000000000000' + '0af40001')!
  const expected = {
    operation: 'request',
    senderMac: 0x0003_ff00_0001,
    senderAddress: 0x0af4_0010,
    targetMac: 0,
    targetAddress: 0x0af4_0001,
  } as const
  assert.deepEqual(decodeArp(bytes), expected)
  assert.deepEqual(encodeArp(expected), bytes)
})

test('a packet survives, and padding behind it does not matter', () => {
  fc.assert(
    fc.property(packet, fc.integer({ min: 0, max: 18 }), (some, padding) => {
      const padded = new Uint8Array(28 + padding)
      padded.set(encodeArp(some))
      assert.deepEqual(decodeArp(padded), some)
    }),
  )
})

test('other hardware, other protocols and other operations are not ours', () => {
  const bytes = encodeArp({
    operation: 'request',
    senderMac: 1,
    senderAddress: 1,
    targetMac: 0,
    targetAddress: 2,
  })
  const changed = (at: number, value: number) => {
    const copy = bytes.slice()
    copy[at] = value
    return decodeArp(copy)
  }
  assert.equal(changed(1, 6), 'not-mine')
  assert.equal(changed(2, 0x86), 'not-mine')
  assert.equal(changed(7, 3), 'not-mine')
  assert.equal(changed(4, 8), 'malformed')
  assert.equal(changed(5, 16), 'malformed')
})

test('a packet cut anywhere is malformed', () => {
  const bytes = encodeArp({
    operation: 'reply',
    senderMac: 1,
    senderAddress: 1,
    targetMac: 0,
    targetAddress: 2,
  })
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeArp(bytes.subarray(0, length)), 'malformed', `${length} bytes`)
})
