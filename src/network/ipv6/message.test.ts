import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ALL_NODES, ALL_ROUTERS, UNSPECIFIED } from './address.ts'
import { decodeIcmpv6, ICMPV6_TYPE, neighbourAdvertisement } from './message.ts'
import { decodeIpv6, encodeIpv6, type Ipv6Packet } from './packet.ts'
import {
  echoRequest,
  ipv6,
  neighbourSolicitation,
  packetOf,
  routerSolicitation,
  type SaidPacket,
  STATION,
  trial,
} from './testing.ts'

const TARGET = ipv6('fd00::1')
const OTHER = ipv6('fd00::2')

function packet(said: SaidPacket): Ipv6Packet {
  const decoded = decodeIpv6(packetOf(said))
  assert.ok(typeof decoded !== 'string')
  return decoded
}

const answerTo = (said: SaidPacket) => decodeIcmpv6(packet(said))
const withRest = (said: SaidPacket, ...rest: readonly number[]) => ({ ...said, rest: Uint8Array.from(rest) })

test('a packet survives, with the padding of its frame cut off', () => {
  const address = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter(([first]) => first !== 0xff)
  const byte = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(address, address, byte, byte, fc.uint8Array(), (...parts) => {
      const [source, destination, nextHeader, hopLimit, payload] = parts
      const sent = { source, destination, nextHeader, hopLimit, payload }
      assert.deepEqual(decodeIpv6(Uint8Array.from([...encodeIpv6(sent), 0, 0, 0])), sent)
    }),
  )
})

test('a packet that is cut, of another version or from a group is malformed', () => {
  const bytes = packetOf(echoRequest(TARGET))
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeIpv6(bytes.subarray(0, length)), 'malformed')
  assert.equal(decodeIpv6(Uint8Array.from(bytes, (byte, at) => (at === 0 ? 0x40 : byte))), 'malformed')
  assert.equal(decodeIpv6(packetOf({ ...echoRequest(TARGET), source: ALL_NODES })), 'malformed')
})

test('the checksum of a ping, as worked out by hand', () => {
  // ping from fe80::1 to fe80::2, by hand: 8000, sum of both addresses, length 8, next header 58.
  const bytes = packetOf({
    ...{ type: ICMPV6_TYPE.echoRequest, rest: Uint8Array.of(0, 0, 0, 0) },
    ...{ source: ipv6('fe80::1'), destination: ipv6('fe80::2') },
  })
  // fe80 + 1 + fe80 + 2 + 8 + 3a + 8000 = 27d45, folded 7d47, inverted.
  assert.deepEqual([...bytes.subarray(40, 44)], [128, 0, 0x82, 0xb8])
})

test('what is asked is read', () => {
  assert.deepEqual(answerTo(routerSolicitation()), { kind: 'router-solicitation' })
  assert.deepEqual(answerTo(neighbourSolicitation(TARGET)), {
    kind: 'neighbour-solicitation',
    target: TARGET,
  })
  assert.deepEqual(answerTo(trial(TARGET)), { kind: 'neighbour-solicitation', target: TARGET })
  const echo = answerTo(echoRequest(TARGET))
  assert.deepEqual(echo, { kind: 'echo-request', echo: Uint8Array.of(0, 7, 0, 1, 1, 2, 3) })
  assert.equal(answerTo({ ...echoRequest(TARGET), type: ICMPV6_TYPE.echoReply }), 'not-mine')
})

test('any single damaged byte of a message is found by its checksum', () => {
  const bytes = packetOf(neighbourSolicitation(TARGET))
  for (let at = 40; at < bytes.length; at++) {
    const damaged = decodeIpv6(Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 0x10 : byte)))
    assert.ok(typeof damaged !== 'string')
    assert.equal(decodeIcmpv6(damaged), 'malformed')
  }
})

test('neighbour discovery that came from elsewhere, or breaks a rule of RFC 4861, is malformed', () => {
  const question = neighbourSolicitation(TARGET)
  const advertisement: SaidPacket = {
    type: ICMPV6_TYPE.neighbourAdvertisement,
    rest: neighbourAdvertisement(0x60, TARGET, STATION.mac),
    destination: OTHER,
  }
  assert.deepEqual(answerTo(advertisement), { kind: 'neighbour-advertisement', target: TARGET })
  const cases: readonly [string, SaidPacket][] = [
    ['a router has passed it on', { ...question, hopLimit: 254 }],
    ['so has the question for routers', { ...routerSolicitation(), hopLimit: 64 }],
    ['so has the answer', { ...advertisement, hopLimit: 254 }],
    ['the target is a group', neighbourSolicitation(ALL_NODES)],
    ['it is cut', { ...question, rest: question.rest.subarray(0, 12) }],
    ['the option has no length', withRest(routerSolicitation(), 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)],
    ['the option is cut', withRest(routerSolicitation(), 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0)],
    ['an option of one byte', withRest(routerSolicitation(), 0, 0, 0, 0, 1)],
    ['nobody, with a link-layer address', { ...routerSolicitation(), source: UNSPECIFIED }],
    ['the same for a trial', { ...question, source: UNSPECIFIED }],
    ['a trial that is not to its group', { ...trial(TARGET), destination: TARGET }],
    ['all are told what was asked for', { ...advertisement, destination: ALL_NODES }],
    ['nobody wants an echo', { ...echoRequest(TARGET), source: UNSPECIFIED }],
  ]
  for (const [why, said] of cases) assert.equal(answerTo(said), 'malformed', why)
  // The code is not 0.
  const bytes = packetOf({ ...echoRequest(ALL_ROUTERS), rest: Uint8Array.of(0, 0, 0, 0) })
  const sum = (bytes[42]! << 8) | bytes[43]!
  bytes.set([1, (sum - 1) >>> 8, sum - 1], 41)
  const coded = decodeIpv6(bytes)
  assert.ok(typeof coded !== 'string')
  assert.equal(decodeIcmpv6(coded), 'malformed')
})
