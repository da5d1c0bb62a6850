import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import type { NetworkEvent } from '../events.ts'
import { ALL_NODES, linkLocalAddress, parseIpv6, solicitedNodeGroup } from '../ipv6/address.ts'
import {
  encodeIcmpv6,
  ICMPV6_TYPE,
  linkLayerOption,
  NEIGHBOUR_FLAG,
  neighbourAdvertisement,
  OPTION,
} from '../ipv6/message.ts'
import { encodeIpv6 } from '../ipv6/packet.ts'
import { VirtualNetwork } from '../network.ts'
import { networkConfigSchema } from '../network-config.ts'
import { EthernetSwitch } from '../switch.ts'
import { scriptedClock, type TestStation, testStation } from '../testing.ts'
import { guardSchema } from './settings.ts'

/** Stations of a switch that claim each other's IPv6 addresses. */

const A = 0x0003_ff00_0001
const B = 0x0003_ff00_0002
const ROUTER = 0x0003_ff00_0099
const ALL = 0x3333_0000_0001
const macs = { [A]: '00:03:ff:00:00:01', [B]: '00:03:ff:00:00:02' } as const
const ip = (text: string) => parseIpv6(text)!

const frameOf = (mac: number, payload: Uint8Array) =>
  encodeEthernet({ destination: ALL, source: mac, type: ETHERTYPE.ipv6, payload })

/** A datagram of some kind. */
const data = (mac: number, from: string) => {
  const route = { source: ip(from), destination: ALL_NODES, hopLimit: 64 }
  return frameOf(mac, encodeIpv6({ ...route, nextHeader: 17, payload: new Uint8Array(16) }))
}

function advertisement(mac: number, target: string, more: { from?: string; says?: number } = {}) {
  const { from = target, says = mac } = more
  const rest = neighbourAdvertisement(NEIGHBOUR_FLAG.override, ip(target), says)
  const route = { source: ip(from), destination: ALL_NODES, hopLimit: 255 }
  return frameOf(mac, encodeIcmpv6(ICMPV6_TYPE.neighbourAdvertisement, rest, route))
}

/** "Who has it?"; from no address: "may I have it?" (RFC 4862, 5.4.2). */
function solicitation(mac: number, target: string, from = '::', says: number = mac) {
  const isTrial = from === '::'
  const rest = new Uint8Array(isTrial ? 20 : 28)
  rest.set(ip(target), 4)
  if (!isTrial) rest.set(linkLayerOption(OPTION.sourceLinkLayer, says), 20)
  const route = { source: ip(from), destination: solicitedNodeGroup(ip(target)), hopLimit: 255 }
  return frameOf(mac, encodeIcmpv6(ICMPV6_TYPE.neighbourSolicitation, rest, route))
}

function lab() {
  const clock = scriptedClock()
  const events: NetworkEvent[] = []
  const network = new EthernetSwitch(clock, { tell: (event) => events.push(event) })
  const guarded = (mac: keyof typeof macs, settings: object = {}) => {
    const station = testStation(network, macs[mac])
    station.port.configure({ guard: guardSchema.parse({ mac: macs[mac], ...settings }) })
    return station
  }
  const witness = testStation(network, 'witness')
  const passes = (station: TestStation, frame: Uint8Array) => {
    witness.look()
    station.say(frame)
    return witness.look().length === 1
  }
  return { clock, network, guarded, passes, plain: (name: string) => testStation(network, name), events }
}

test('an address is whose was heard with it first: as source, in a trial, or in an advertisement', () => {
  const { guarded, passes, events } = lab()
  const [a, b] = [guarded(A), guarded(B)]
  assert.equal(passes(a, solicitation(A, 'fd00::a')), true)
  assert.equal(passes(a, data(A, 'fd00::aa')), true)
  assert.equal(passes(a, advertisement(A, 'fd00::aaa')), true)
  for (const stolen of ['fd00::a', 'fd00::aa', 'fd00::aaa']) {
    assert.equal(passes(b, data(B, stolen)), false, stolen)
    assert.equal(passes(b, solicitation(B, stolen)), false, stolen)
    assert.equal(passes(b, advertisement(B, stolen)), false, stolen)
    assert.equal(passes(b, solicitation(B, 'fd00::5', stolen)), false, stolen)
    assert.equal(passes(b, advertisement(B, stolen, { from: 'fd00::b' })), false, stolen)
    // Whoever asks where it is claims nothing.
    assert.equal(passes(b, solicitation(B, stolen, 'fd00::b')), true, stolen)
    assert.equal(passes(a, data(A, stolen)), true, stolen)
  }
  assert.deepEqual(
    events.map(({ code, message }) => [code, /another station/.test(message)]),
    [['guard-ipv6-address', true]],
  )
})

test('neighbour discovery names no other’s MAC, is not cut, and comes in no fragments', () => {
  const { guarded, passes } = lab()
  const a = guarded(A)
  assert.equal(passes(a, advertisement(A, 'fd00::a')), true)
  assert.equal(passes(a, advertisement(A, 'fd00::a', { says: B })), false)
  assert.equal(passes(a, solicitation(A, 'fd00::b', 'fd00::a', B)), false)
  const whole = advertisement(A, 'fd00::a')
  for (const end of [54, 58, 62, 70, 77]) assert.equal(passes(a, whole.subarray(0, end)), false, `${end}`)
  const packet = whole.subarray(14)
  const fragment = Uint8Array.of(58, 0, 0, 1, 0, 0, 0, 7)
  const pieces = Uint8Array.of(
    ...packet.subarray(0, 6),
    44,
    ...packet.subarray(7, 40),
    ...fragment,
    ...packet.subarray(40),
  )
  assert.equal(passes(a, frameOf(A, pieces)), false)
})

test('stations without a guard have their addresses too, as long as something is heard of them', () => {
  const { guarded, passes, plain, clock } = lab()
  const router = plain('router')
  router.say(advertisement(ROUTER, 'fe80::1'), solicitation(ROUTER, 'fd00::7'))
  const a = guarded(A)
  assert.equal(passes(a, data(A, 'fe80::1')), false)
  assert.equal(passes(a, data(A, 'fd00::7')), false)
  clock.pass(3_000_000)
  router.say(solicitation(ROUTER, 'fd00::8', 'fe80::1'))
  clock.pass(3_000_000)
  assert.equal(passes(a, data(A, 'fe80::1')), false)
  assert.equal(passes(a, data(A, 'fd00::7')), true)
  router.port.disconnect()
  assert.equal(passes(a, data(A, 'fe80::1')), true)
})

test('an address is free when its guarded port is unplugged, and not by silence', () => {
  const { guarded, passes, clock } = lab()
  const [a, b] = [guarded(A), guarded(B)]
  assert.equal(passes(a, data(A, 'fd00::a')), true)
  clock.pass(10_000_000)
  assert.equal(passes(b, data(B, 'fd00::a')), false)
  a.port.disconnect()
  assert.equal(passes(b, data(B, 'fd00::a')), true)
})

test('what the settings give, and what follows from a MAC, is a station’s by right', () => {
  const { guarded, passes } = lab()
  const b = guarded(B)
  const ofA = `fe80::203:ffff:fe00:1`
  assert.deepEqual(ip(ofA), linkLocalAddress(A))
  for (const early of [ofA, 'fd00::53']) assert.equal(passes(b, data(B, early)), true, early)
  const a = guarded(A, { addresses: ['fd00::53'] })
  assert.equal(passes(b, data(B, 'fd00::53')), false)
  assert.equal(passes(a, data(A, ofA)), true)
  assert.equal(passes(b, data(B, ofA)), false)
  assert.equal(passes(a, data(A, 'fd00::53')), true)
})

test('addresses of one VLAN do not count in another, a priority tag is none', () => {
  const { guarded, passes } = lab()
  const [a, b] = [guarded(A), guarded(B)]
  const tagged = (frame: Uint8Array, ...vlans: number[]) =>
    Uint8Array.of(
      ...frame.subarray(0, 12),
      ...vlans.flatMap((vlan) => [0x81, 0, 0, vlan]),
      ...frame.subarray(12),
    )
  assert.equal(passes(a, tagged(data(A, 'fd00::a'), 5)), true)
  assert.equal(passes(b, data(B, 'fd00::a')), true)
  assert.equal(passes(b, tagged(data(B, 'fd00::a'), 5)), false)
  assert.equal(passes(b, tagged(data(B, 'fd00::a'), 0, 5)), false)
  assert.equal(passes(a, tagged(data(A, 'fd00::a'), 0)), false)
})

test('a station has 64 addresses, and takes none of another’s by having many', () => {
  const { guarded, passes } = lab()
  const [a, b] = [guarded(A), guarded(B)]
  assert.equal(passes(a, data(A, 'fd00::a')), true)
  for (let number = 0; number < 500; number++) b.say(data(B, `fd00::1:${number.toString(16)}`))
  assert.equal(passes(b, data(B, 'fd00::a')), false)
  // What it had first is free again.
  assert.equal(passes(a, data(A, 'fd00::1:0')), true)
  assert.equal(passes(a, data(A, 'fd00::1:1f3')), false)
})

test('"any" looks at no address, and is heard all the same', () => {
  const { guarded, passes } = lab()
  const [a, b] = [guarded(A, { ipv6: 'any' }), guarded(B)]
  assert.equal(passes(b, data(B, 'fd00::b')), true)
  assert.equal(passes(a, data(A, 'fd00::b')), true)
  assert.equal(passes(a, solicitation(A, 'fd00::a')), true)
  assert.equal(passes(b, data(B, 'fd00::a')), false)
})

test('the addresses of the network’s own host are nobody’s', () => {
  const clock = scriptedClock()
  const config = {
    name: 'Lab',
    key: 'lab',
    address: '10.244.0.1/24',
    ipv6: { prefix: 'fd12:3456:789a::/64' },
  }
  const network = new VirtualNetwork(networkConfigSchema.parse(config), { clock })
  const station = testStation(network, 'guarded')
  station.port.configure({ guard: guardSchema.parse({ mac: macs[A] }) })
  const witness = testStation(network, 'witness')
  const { addresses } = network.status().services.ipv6!
  assert.equal(addresses.length, 2)
  for (const own of addresses) {
    witness.look()
    station.say(advertisement(A, own), data(A, own))
    assert.deepEqual(witness.look(), [], own)
  }
  station.say(data(A, 'fd12:3456:789a::2'))
  assert.equal(witness.look().length, 1)
})

test('whatever a guarded station sends, it speaks from no address that another has', () => {
  const claims = ['fd00::a', 'fd00::b', 'fd00::c']
  const step = fc.record({
    who: fc.constantFrom('a', 'b'),
    address: fc.constantFrom(...claims),
    kind: fc.constantFrom('data', 'trial', 'advertisement'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { guarded, passes } = lab()
      const stations = { a: guarded(A), b: guarded(B) }
      const owners = new Map<string, string>()
      for (const { who, address, kind } of steps) {
        const mac = who === 'a' ? A : B
        const make = { data, trial: solicitation, advertisement }[kind]!
        const expected = (owners.get(address) ?? who) === who
        assert.equal(passes(stations[who as 'a' | 'b'], make(mac, address)), expected)
        if (expected) owners.set(address, who)
      }
    }),
  )
})
