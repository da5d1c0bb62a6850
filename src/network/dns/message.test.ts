import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeDns } from './encode.ts'
import { type DnsMessage, decodeDns } from './message.ts'
import { addressRecord, authorityRecord, exchangeData, nameRecord, record, serviceData } from './record.ts'
import { PLAIN } from './testing.ts'
import { TYPE } from './types.ts'

const uint16 = fc.integer({ min: 0, max: 0xffff })
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const name = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/), { maxLength: 6 })
  .map((labels) => labels.join('.'))
const anyRecord = fc.oneof(
  fc.tuple(name, uint32, uint32).map(([owner, ttl, address]) => addressRecord(owner, ttl, address)),
  fc
    .tuple(name, fc.constantFrom(TYPE.NS, TYPE.CNAME, TYPE.PTR), uint32, name)
    .map(([owner, type, ttl, target]) => nameRecord(owner, type, ttl, target)),
  fc
    .tuple(name, uint32, name)
    .map(([owner, ttl, target]) => record(owner, TYPE.MX, ttl, exchangeData(10, target))),
  fc
    .tuple(name, uint32, name)
    .map(([owner, ttl, target]) => record(owner, TYPE.SRV, ttl, serviceData(0, 100, 389, target))),
  fc
    .tuple(name, name, uint32)
    .map(([owner, server, serial]) => authorityRecord(owner, { server, serial, negativeSeconds: 10 })),
  // Types that nobody knows (RFC 3597).
  fc
    .tuple(name, fc.integer({ min: 600, max: 65_000 }), uint32, fc.uint8Array({ maxLength: 40 }))
    .map(([owner, type, ttl, data]) => record(owner, type, ttl, data)),
)
const records = fc.array(anyRecord, { maxLength: 6 })
const message: fc.Arbitrary<DnsMessage> = fc.record(
  {
    id: uint16,
    isResponse: fc.boolean(),
    opcode: fc.integer({ min: 0, max: 15 }),
    authoritative: fc.boolean(),
    truncated: fc.boolean(),
    recursionDesired: fc.boolean(),
    recursionAvailable: fc.boolean(),
    authenticData: fc.boolean(),
    checkingDisabled: fc.boolean(),
    rcode: fc.integer({ min: 0, max: 0xfff }),
    questions: fc.array(fc.record({ name, type: uint16, class: uint16 }, { noNullPrototype: true }), {
      maxLength: 2,
    }),
    answers: records,
    authorities: records,
    additionals: records,
    edns: fc.record(
      { version: fc.integer({ min: 0, max: 255 }), udpBytes: uint16, dnssecOk: fc.boolean() },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
)

test('a message survives, with every name where it was', () => {
  fc.assert(fc.property(message, (some) => assert.deepEqual(decodeDns(encodeDns(some)), some)))
})

test('names are compressed, but not in the data of newer types', () => {
  const bytes = encodeDns({
    ...PLAIN,
    questions: [{ name: 'www.lab.example', type: TYPE.A, class: 1 }],
    answers: [
      nameRecord('www.lab.example', TYPE.CNAME, 60, 'pc.lab.example'),
      addressRecord('pc.lab.example', 60, 1),
    ],
    additionals: [record('x', TYPE.SRV, 60, serviceData(0, 0, 1, 'pc.lab.example'))],
  })
  // 12 + question 21 + alias (2 + 10 + 5) + address (2 + 10 + 4) + server (3 + 10 + 6 + 16)
  assert.equal(bytes.length, 12 + 21 + 17 + 16 + 35)
})

test('what does not fit is left out by whole sets, with TC except of the additional section', () => {
  const set = (owner: string, count: number) =>
    Array.from({ length: count }, (_, i) => addressRecord(owner, 60, i))
  const answers = [...set('a', 10), ...set('b', 40)]
  const edns = { version: 0, udpBytes: 512, dnssecOk: false }
  const cut = encodeDns({ ...PLAIN, isResponse: true, answers, additionals: set('c', 1), edns }, 512)
  assert.ok(cut.length <= 512)
  const decoded = decodeDns(cut)
  assert.ok(decoded !== 'malformed')
  assert.deepEqual([decoded.truncated, decoded.answers.length, decoded.additionals.length], [true, 10, 0])
  assert.deepEqual(decoded.edns, edns)
  const additional = decodeDns(encodeDns({ ...PLAIN, answers: set('a', 10), additionals: set('b', 40) }, 512))
  assert.ok(additional !== 'malformed')
  assert.deepEqual(
    [additional.truncated, additional.answers.length, additional.additionals.length],
    [false, 10, 0],
  )
})

test('cut short anywhere, counts that lie, data that is not its type: malformed', () => {
  const bytes = encodeDns({
    ...PLAIN,
    questions: [{ name: 'www.lab.example', type: TYPE.A, class: 1 }],
    answers: [
      nameRecord('www.lab.example', TYPE.CNAME, 60, 'pc.lab.example'),
      addressRecord('pc.lab.example', 60, 1),
    ],
  })
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeDns(bytes.subarray(0, length)), 'malformed')
  for (const at of [4, 6, 8, 10]) assert.equal(decodeDns(bytes.with(at, 0xff)), 'malformed')
  const unknown = encodeDns({ ...PLAIN, answers: [record('', 0xff00, 0, Uint8Array.of(9))] })
  for (const type of [TYPE.A, TYPE.AAAA, TYPE.NS, TYPE.SOA, TYPE.MX, TYPE.SRV])
    assert.equal(decodeDns(unknown.with(13, 0).with(14, type)), 'malformed')
  const edns = record('', TYPE.OPT, 0, new Uint8Array())
  assert.equal(decodeDns(encodeDns({ ...PLAIN, additionals: [edns, edns] })), 'malformed')
})

test('any bytes after a header get an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), fc.nat(4), (tail, count) => {
      const bytes = Uint8Array.from([0, 1, 0, 0, 0, count, 0, count, 0, 0, 0, 1, ...tail])
      const decoded = decodeDns(bytes)
      assert.ok(decoded === 'malformed' || decodeDns(encodeDns(decoded)) !== 'malformed')
    }),
  )
})
