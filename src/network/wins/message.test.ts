import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiBytes, fromHex, toHex } from '../../base/index.ts'
import {
  addressData,
  decodeNbns,
  encodeNbns,
  type NbnsMessage,
  OPCODE,
  readAddresses,
  TYPE,
} from './message.ts'
import { netbiosBytes, netbiosFromDomain, netbiosKey, sixteenBytes } from './netbios-name.ts'

const uint16 = fc.integer({ min: 0, max: 0xffff })
const name = fc.record(
  {
    name: fc
      .string({
        unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
        maxLength: 15,
      })
      .filter((text) => !/[ \0]$/.test(text) && text !== '*'),
    suffix: fc.integer({ min: 0, max: 255 }),
  },
  { noNullPrototype: true },
)
const address = fc.record(
  {
    isGroup: fc.boolean(),
    nodeType: fc.integer({ min: 0, max: 3 }),
    address: fc.integer({ min: 0, max: 0xffff_ffff }),
  },
  { noNullPrototype: true },
)
const message = fc
  .record({
    head: fc.record({
      id: uint16,
      isResponse: fc.boolean(),
      opcode: fc.nat(15),
      flags: fc.nat(127),
      rcode: fc.nat(15),
    }),
    name,
    withQuestion: fc.boolean(),
    withRecord: fc.boolean(),
    ttlSeconds: fc.integer({ min: 0, max: 0xffff_ffff }),
    addresses: fc.array(address, { minLength: 1, maxLength: 30 }),
  })
  .map(
    ({ head, name, withQuestion, withRecord, ttlSeconds, addresses }): NbnsMessage => ({
      ...head,
      scope: '',
      ...(withQuestion && { question: { name, type: TYPE.name } }),
      ...(withRecord && { record: { name, type: TYPE.name, ttlSeconds, data: addressData(addresses) } }),
    }),
  )

test('a message survives, and its addresses', () => {
  fc.assert(fc.property(message, (some) => assert.deepEqual(decodeNbns(encodeNbns(some)), some)))
  fc.assert(
    fc.property(fc.array(address, { minLength: 1, maxLength: 30 }), (some) =>
      assert.deepEqual(readAddresses(addressData(some)), some),
    ),
  )
})

test('the example of RFC 1001, 14.1', () => {
  const encoded = 'EGFCEFEECACACACACACACACACACACACA'
  assert.deepEqual(netbiosFromDomain(`${encoded}.SCOPE.ID.COM`), {
    name: { name: 'FRED', suffix: 0x20 },
    scope: 'SCOPE.ID.COM',
  })
  assert.equal(toHex(netbiosBytes({ name: 'FRED', suffix: 0x20 })), `20${toHex(asciiBytes(encoded))}00`)
  assert.equal(netbiosKey({ name: 'fred', suffix: 0x1b }), 'FRED<1B>')
  assert.equal(toHex(sixteenBytes({ name: '*', suffix: 0 })), `2a${'00'.repeat(15)}`)
  for (const text of ['EGFC', `${encoded.slice(1)}Q`, encoded.toLowerCase(), ''])
    assert.equal(netbiosFromDomain(text), undefined)
})

test('a registration as Windows sends it', () => {
  // The multihomed one (Microsoft's opcode 15), recursion desired, H node, for 300,000 seconds.
  const question = `20${toHex(asciiBytes('FIFADBCACACACACACACACACACACACAAA'))}0000200001`
  const bytes = fromHex(`800179000001000000000001${question}c00c00200001000493e000066000c0a80116`)!
  const decoded = decodeNbns(bytes)
  assert.ok(decoded !== 'malformed')
  assert.equal(decoded.opcode, OPCODE.multihomed)
  assert.deepEqual(decoded.question, { name: { name: 'XP1', suffix: 0 }, type: TYPE.name })
  assert.equal(decoded.record?.ttlSeconds, 300_000)
  assert.deepEqual(readAddresses(decoded.record!.data), [
    { isGroup: false, nodeType: 3, address: 0xc0a8_0116 },
  ])
  assert.deepEqual(encodeNbns(decoded), bytes)
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeNbns(bytes.subarray(0, length)), 'malformed')
  assert.equal(decodeNbns(bytes.with(5, 2)), 'malformed')
})

test('addresses of the wrong length are none', () => {
  for (const length of [0, 1, 5, 7, 13]) assert.equal(readAddresses(new Uint8Array(length)), undefined)
})

test('any bytes after a header get an answer', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 0, maxLength: 120 }),
      fc.nat(2),
      fc.nat(3),
      (tail, questions, records) => {
        const bytes = Uint8Array.from([0, 1, 0, 0, 0, questions, 0, records, 0, 0, 0, 0, ...tail])
        const decoded = decodeNbns(bytes)
        assert.ok(typeof decoded === 'object' || decoded === 'malformed')
      },
    ),
  )
})
