import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BROADCAST_ADDRESS, BROADCAST_MAC } from './addresses.ts'
import { decodeArp, encodeArp } from './arp.ts'
import { decodeEthernet, ETHERTYPE, encodeEthernet } from './ethernet.ts'
import { NetworkHost } from './host.ts'
import type { Datagram } from './host-address.ts'
import { decodeIcmpEcho, encodeIcmpEcho } from './icmp.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from './ipv4.ts'
import { EthernetSwitch } from './switch.ts'
import { scriptedClock, testStation } from './testing.ts'
import { decodeUdp, encodeUdp } from './udp.ts'

const HOST = { mac: 0x0256_0000_0001, address: 0x0af4_0001, mask: 0xffff_ff00 }
const GUEST = { mac: 0x0003_ff00_0001, address: 0x0af4_0010 }

function hostAndGuest() {
  const clock = scriptedClock()
  const network = new EthernetSwitch(clock)
  const guest = testStation(network, 'guest')
  const host = new NetworkHost(network, 'services', HOST, clock)
  const send = (type: number, payload: Uint8Array, destination = HOST.mac) =>
    guest.say(encodeEthernet({ destination, source: GUEST.mac, type, payload }))
  const sendPacket = (protocol: number, payload: Uint8Array, destination = HOST.address) => {
    const packet = {
      source: GUEST.address,
      destination,
      protocol,
      identification: 1,
      timeToLive: 64,
      payload,
    }
    send(ETHERTYPE.ipv4, encodeIpv4(packet), destination === HOST.address ? HOST.mac : BROADCAST_MAC)
  }
  return { clock, guest, host, send, sendPacket }
}

const arpFor = (targetAddress: number, senderAddress = GUEST.address) =>
  encodeArp({ operation: 'request', senderMac: GUEST.mac, senderAddress, targetMac: 0, targetAddress })

test('ARP for its address is answered, for another not', () => {
  const { guest, host, send } = hostAndGuest()
  send(ETHERTYPE.arp, arpFor(HOST.address), BROADCAST_MAC)
  const frame = decodeEthernet(guest.look()[0]!)
  assert.ok(typeof frame !== 'string')
  assert.deepEqual([frame.destination, frame.source], [GUEST.mac, HOST.mac])
  assert.deepEqual(decodeArp(frame.payload), {
    operation: 'reply',
    senderMac: HOST.mac,
    senderAddress: HOST.address,
    targetMac: GUEST.mac,
    targetAddress: GUEST.address,
  })
  send(ETHERTYPE.arp, arpFor(HOST.address + 1), BROADCAST_MAC)
  assert.deepEqual(guest.look(), [])
  assert.deepEqual(host.status().answers, { handled: 1, 'not-mine': 1, malformed: 0 })
})

test('it remembers who speaks by ARP for ten minutes, and no probes', () => {
  const { clock, host, send } = hostAndGuest()
  send(ETHERTYPE.arp, arpFor(0x0af4_0099, 0), BROADCAST_MAC)
  assert.equal(host.neighbour(0), undefined)
  send(ETHERTYPE.arp, arpFor(0x0af4_0099), BROADCAST_MAC)
  assert.equal(host.neighbour(GUEST.address), GUEST.mac)
  clock.pass(600_001)
  assert.equal(host.neighbour(GUEST.address), undefined)
})

test('ping is answered with the same data', () => {
  const { guest, sendPacket } = hostAndGuest()
  const data = Uint8Array.from({ length: 56 }, (_, index) => index)
  sendPacket(IP_PROTOCOL.icmp, encodeIcmpEcho({ kind: 'request', identifier: 7, sequence: 8, data }))
  const frame = decodeEthernet(guest.look()[0]!)
  assert.ok(typeof frame !== 'string')
  const packet = decodeIpv4(frame.payload)
  assert.ok(typeof packet !== 'string')
  assert.deepEqual([packet.source, packet.destination], [HOST.address, GUEST.address])
  assert.deepEqual(decodeIcmpEcho(packet.payload), { kind: 'reply', identifier: 7, sequence: 8, data })
})

test('a broadcast ping, an echo reply and a wrong checksum are left without an answer', () => {
  const { guest, host, sendPacket } = hostAndGuest()
  const echo = { identifier: 7, sequence: 8, data: new Uint8Array(4) }
  sendPacket(IP_PROTOCOL.icmp, encodeIcmpEcho({ kind: 'request', ...echo }), BROADCAST_ADDRESS)
  sendPacket(IP_PROTOCOL.icmp, encodeIcmpEcho({ kind: 'reply', ...echo }))
  sendPacket(IP_PROTOCOL.icmp, encodeIcmpEcho({ kind: 'request', ...echo }).with(8, 1))
  assert.deepEqual(guest.look(), [])
  assert.deepEqual(host.status().answers, { handled: 0, 'not-mine': 2, malformed: 1 })
})

test('datagrams reach the listener of their port, to the address or by either broadcast', () => {
  const { host, sendPacket } = hostAndGuest()
  const heard: Datagram[] = []
  host.listen(67, (datagram) => {
    heard.push(datagram)
    return 'handled'
  })
  const udp = (destinationPort: number, destination: number) =>
    encodeUdp(
      { sourcePort: 68, destinationPort, payload: Uint8Array.of(1) },
      { source: GUEST.address, destination },
    )
  for (const destination of [HOST.address, BROADCAST_ADDRESS, 0x0af4_00ff, 0x0af4_0002])
    sendPacket(IP_PROTOCOL.udp, udp(67, destination), destination)
  sendPacket(IP_PROTOCOL.udp, udp(69, HOST.address))
  assert.deepEqual(
    heard.map(({ destination }) => destination),
    [HOST.address, BROADCAST_ADDRESS, 0x0af4_00ff],
  )
  assert.deepEqual([heard[0]!.sourceMac, heard[0]!.sourcePort, [...heard[0]!.payload]], [GUEST.mac, 68, [1]])
  assert.deepEqual(host.status().answers, { handled: 3, 'not-mine': 2, malformed: 0 })
})

test('a datagram goes out whole, with checksums that hold', () => {
  const { guest, host } = hostAndGuest()
  const payload = Uint8Array.of(1, 2, 3)
  host.sendDatagram({
    mac: GUEST.mac,
    destination: GUEST.address,
    sourcePort: 67,
    destinationPort: 68,
    payload,
  })
  const frame = decodeEthernet(guest.look()[0]!)
  assert.ok(typeof frame !== 'string')
  const packet = decodeIpv4(frame.payload)
  assert.ok(typeof packet !== 'string')
  assert.deepEqual(decodeUdp(packet.payload, packet), { sourcePort: 67, destinationPort: 68, payload })
})

test('any frame gets exactly one answer, also behind a good Ethernet, IP or ARP header', () => {
  const type = fc.constantFrom<number>(ETHERTYPE.arp, ETHERTYPE.ipv4, 0x86dd, 20)
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 100 }), fc.constantFrom(1, 17, 6), (...parts) => {
      const [someType, payload, protocol] = parts
      const { host, send, sendPacket } = hostAndGuest()
      send(someType, payload)
      sendPacket(protocol, payload)
      const { handled, malformed, 'not-mine': notMine } = host.status().answers
      assert.equal(handled + malformed + notMine, 2)
    }),
  )
})
