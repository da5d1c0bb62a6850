import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4, writeMac, writeUint32 } from '../addresses.ts'
import { encodeArp } from '../arp.ts'
import { encodeEthernet } from '../ethernet.ts'
import type { NetworkEvent } from '../events.ts'
import { encodeIpv4, IP_PROTOCOL } from '../ipv4.ts'
import { EthernetSwitch } from '../switch.ts'
import { scriptedClock, testStation } from '../testing.ts'
import { encodeUdp } from '../udp.ts'
import { guardSchema } from './settings.ts'

const MAC = 0x0003_ff00_0001
const OTHER = 0x0003_ff00_0002
const ALL = 0xffff_ffff_ffff
const address = (text: string) => parseIpv4(text)!

interface Claim {
  readonly mac?: number
  readonly from?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
  readonly payload?: Uint8Array
}

function udp({ mac = MAC, from = '10.0.0.5', sourcePort = 1000, destinationPort = 2000, payload }: Claim) {
  const addresses = { source: address(from), destination: address('10.0.0.9') }
  const datagram = encodeUdp(
    { sourcePort, destinationPort, payload: payload ?? new Uint8Array(4) },
    addresses,
  )
  const packet = {
    ...addresses,
    protocol: IP_PROTOCOL.udp,
    identification: 1,
    timeToLive: 64,
    payload: datagram,
  }
  return encodeEthernet({ destination: ALL, source: mac, type: 0x0800, payload: encodeIpv4(packet) })
}

function arp(mac: number, senderMac: number, from: string) {
  const packet = { operation: 'request', senderMac, senderAddress: address(from) } as const
  const payload = encodeArp({ ...packet, targetMac: 0, targetAddress: address('10.0.0.9') })
  return encodeEthernet({ destination: ALL, source: mac, type: 0x0806, payload })
}

function ipv6(next: number, ...payload: readonly number[]) {
  const packet = new Uint8Array(40 + payload.length)
  packet[0] = 0x60
  packet[6] = next
  packet.set(payload, 40)
  return encodeEthernet({ destination: ALL, source: MAC, type: 0x86dd, payload: packet })
}

/** RFC 2131, 2: an acknowledgement of a lease. */
function acknowledgement(client: number, leased: string, type = 5) {
  const payload = new Uint8Array(250)
  writeUint32(payload, 16, address(leased))
  writeMac(payload, 28, client)
  writeUint32(payload, 236, 0x6382_5363)
  payload.set([1, 1, 0, 53, 1, type, 255], 240)
  return udp({ mac: OTHER, from: '10.0.0.1', sourcePort: 67, destinationPort: 68, payload })
}

function guarded(settings: object = {}, leasedTo: (mac: number) => readonly number[] = () => []) {
  const clock = scriptedClock()
  const events: NetworkEvent[] = []
  const network = new EthernetSwitch(clock, { tell: (event) => events.push(event), leasedTo })
  const station = testStation(network, 'guarded')
  const guard = guardSchema.parse({ mac: '00:03:ff:00:00:01', ...settings })
  station.port.configure({ guard })
  const other = testStation(network, 'other')
  const passes = (frame: Uint8Array) => {
    station.say(frame)
    return other.look().length === 1
  }
  return { clock, network, events, other, passes, guard, station }
}

test('only its own MAC gets in, also inside of ARP; told once', () => {
  const { passes, events, network } = guarded({ ipv4: 'any' })
  assert.equal(passes(udp({})), true)
  assert.equal(passes(udp({ mac: OTHER })), false)
  assert.equal(passes(arp(MAC, OTHER, '10.0.0.5')), false)
  assert.equal(passes(arp(MAC, MAC, '10.0.0.5')), true)
  assert.deepEqual(
    events.map(({ code }) => code),
    ['guard-mac'],
  )
  assert.equal(network.ports()[0]!.counters.framesBlocked, 2)
})

test('an address is its own when DHCP gave it, whoever the server is', () => {
  const { passes, other, events } = guarded()
  assert.equal(passes(udp({ from: '0.0.0.0', sourcePort: 68, destinationPort: 67 })), true)
  assert.equal(passes(arp(MAC, MAC, '0.0.0.0')), true, 'a probe')
  assert.equal(passes(udp({})), false)
  other.say(acknowledgement(OTHER, '10.0.0.5'))
  other.say(acknowledgement(MAC, '10.0.0.5', 2))
  assert.equal(passes(udp({})), false, 'another’s lease, and an offer')
  other.say(acknowledgement(MAC, '10.0.0.5'))
  assert.equal(passes(udp({})), true)
  assert.equal(passes(arp(MAC, MAC, '10.0.0.5')), true)
  assert.equal(passes(arp(MAC, MAC, '10.0.0.1')), false, 'the gateway’s')
  assert.deepEqual(
    events.map(({ code }) => code),
    ['guard-address'],
  )
})

test('a lease of this network’s server counts, and so does an address set by hand', () => {
  let asked = 0
  const { passes, clock } = guarded({ addresses: ['10.0.0.7'] }, (mac) => {
    asked++
    return mac === MAC ? [address('10.0.0.5')] : []
  })
  assert.deepEqual(
    ['10.0.0.7', '10.0.0.5', '10.0.0.6', '10.0.0.8'].map((from) => passes(udp({ from }))),
    [true, true, false, false],
  )
  assert.equal(asked, 1, 'made-up addresses do not make it ask again and again')
  clock.pass(1000)
  assert.equal(passes(udp({ from: '10.0.0.6' })), false)
  assert.equal(asked, 2)
})

test('DHCP and router answers are blocked, behind tags and extension headers too, unless it may be a server', () => {
  const advertisement = [134, 0, 0, 0, 0, 0, 0, 0]
  const frames = [
    udp({ sourcePort: 67, destinationPort: 68 }),
    ipv6(58, ...advertisement),
    ipv6(17, 547 >> 8, 547 & 255, 0, 0, 0, 0, 0, 0),
    ipv6(60, 58, 0, 0, 0, 0, 0, 0, 0, ...advertisement),
    ipv6(60, 58),
    ipv6(44, 58, 0, 0, 0, 0, 0, 0, 1, ...advertisement),
  ]
  const tagged = frames.map((frame) =>
    Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, 0, 5, ...frame.subarray(12)),
  )
  const strict = guarded({ ipv4: 'any', ipv6: 'any' })
  for (const frame of [...frames, ...tagged]) assert.equal(strict.passes(frame), false)
  assert.deepEqual(
    strict.events.map(({ code }) => code),
    ['guard-dhcp-server', 'guard-router'],
  )
  assert.equal(strict.passes(ipv6(58, 135, 0, 0, 0, 0, 0, 0, 0)), true, 'neighbour discovery')
  const server = guarded({ ipv4: 'any', ipv6: 'any', server: true })
  for (const frame of frames) assert.equal(server.passes(frame), true)
})
