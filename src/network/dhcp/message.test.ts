import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeUint32 } from '../addresses.ts'
import { type DhcpMessage, decodeDhcp, encodeDhcp } from './message.ts'
import { OPTION, readTextOption } from './options.ts'

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const byte = fc.integer({ min: 0, max: 255 })
const text = (maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)), maxLength })
const options = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 300 })), {
    selector: ([code]) => code,
    maxLength: 4,
  })
  // An overload option says how to read the rest; it has its own test.
  .map((list) => new Map(list.filter(([code]) => code !== OPTION.overload)))
const message = fc.record(
  {
    op: fc.constantFrom('request' as const, 'reply' as const),
    hardwareType: byte,
    hops: byte,
    transactionId: uint32,
    seconds: fc.integer({ min: 0, max: 0xffff }),
    broadcast: fc.boolean(),
    clientAddress: uint32,
    yourAddress: uint32,
    nextServer: uint32,
    relay: uint32,
    clientHardware: fc.uint8Array({ maxLength: 16 }),
    serverName: text(63),
    bootFile: text(127),
    options,
  },
  { noNullPrototype: true },
)

const plain: DhcpMessage = {
  op: 'request',
  hardwareType: 1,
  hops: 0,
  transactionId: 7,
  seconds: 0,
  broadcast: true,
  clientAddress: 0,
  yourAddress: 0,
  nextServer: 0,
  relay: 0,
  clientHardware: Uint8Array.of(0, 3, 0xff, 0, 0, 1),
  serverName: '',
  bootFile: '',
  options: new Map([[OPTION.messageType, Uint8Array.of(1)]]),
}

test('a message survives, long options in pieces too', () => {
  fc.assert(fc.property(message, (some) => assert.deepEqual(decodeDhcp(encodeDhcp(some, 2000)), some)))
})

test('a discover has the fields of figure 1 in their places', () => {
  const bytes = encodeDhcp(plain)
  assert.equal(bytes.length, 300)
  assert.deepEqual([...bytes.subarray(0, 12)], [1, 1, 6, 0, 0, 0, 0, 7, 0, 0, 0x80, 0])
  assert.deepEqual([...bytes.subarray(28, 35)], [0, 3, 0xff, 0, 0, 1, 0])
  assert.deepEqual([...bytes.subarray(236, 245)], [0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255, 0])
})

test('options beyond the client’s limit are left out from the end', () => {
  const many = new Map([
    [OPTION.messageType as number, Uint8Array.of(5)],
    [OPTION.dns, new Uint8Array(200)],
    [OPTION.wins, new Uint8Array(200)],
  ])
  const bytes = encodeDhcp({ ...plain, options: many }, 548)
  assert.ok(bytes.length <= 548)
  const decoded = decodeDhcp(bytes)
  assert.ok(typeof decoded !== 'string')
  assert.deepEqual([...decoded.options.keys()], [OPTION.messageType, OPTION.dns])
})

test('options in the file and server name fields are read, in that order', () => {
  const bytes = encodeDhcp({
    ...plain,
    options: new Map([
      [OPTION.overload, Uint8Array.of(3)],
      [OPTION.hostName, Uint8Array.of(0x61)],
    ]),
  })
  bytes.set([OPTION.hostName, 1, 0x62, OPTION.end], 108)
  bytes.set([OPTION.pad, OPTION.hostName, 1, 0x63, OPTION.end], 44)
  const decoded = decodeDhcp(bytes)
  assert.ok(typeof decoded !== 'string')
  assert.equal(readTextOption(decoded.options, OPTION.hostName), 'abc')
  assert.equal(decoded.bootFile, '')
})

test('BOOTP without the cookie is not ours; a missing end mark does not matter', () => {
  const bytes = encodeDhcp(plain)
  assert.deepEqual(decodeDhcp(bytes.subarray(0, 243)), plain)
  writeUint32(bytes, 236, 0)
  assert.equal(decodeDhcp(bytes), 'not-mine')
})

test('cut short, a hardware address too long, an option that runs out: malformed', () => {
  const bytes = encodeDhcp(plain)
  for (let length = 0; length < 240; length++)
    assert.equal(decodeDhcp(bytes.subarray(0, length)), 'malformed')
  for (const length of [241, 242]) assert.equal(decodeDhcp(bytes.subarray(0, length)), 'malformed')
  assert.equal(decodeDhcp(bytes.with(2, 17)), 'malformed')
  assert.equal(decodeDhcp(bytes.with(0, 3)), 'malformed')
})

test('any bytes after a good header get an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ maxLength: 192 }), (tail, fields) => {
      const bytes = new Uint8Array(240 + tail.length)
      bytes.set(encodeDhcp(plain).subarray(0, 240))
      bytes.set(fields, 44)
      bytes.set(tail, 240)
      const answer = decodeDhcp(bytes)
      assert.ok(typeof answer === 'object' || answer === 'malformed' || answer === 'not-mine')
    }),
  )
})
