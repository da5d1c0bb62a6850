import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import { checksum } from '../checksum.ts'
import { decodeEthernet, encodeEthernet } from '../ethernet.ts'
import { framesOf, runOf } from '../framing.ts'
import { encodeIcmpEcho } from '../icmp.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from '../ipv4.ts'
import { scriptedClock } from '../testing.ts'
import { decodeUdp, encodeUdp } from '../udp.ts'
import type { UplinkSettings } from '../uplink/settings.ts'
import { uplinkSchema } from '../uplink/settings.ts'
import { fragmentsOf, readNatPacket, rewriteDestination, rewriteSource } from './packet.ts'
import { planNat } from './plan.ts'
import { NatRouter, PASST_MAC } from './router.ts'

const address = (text: string) => parseIpv4(text)!
const INNER = { mac: 0x0256_0000_0001, address: address('10.244.0.1'), mask: 0xffff_ff00 }
const [XP, NT] = [0x0003_ff00_0001, 0x0003_ff00_0002]

function udp(
  from: string,
  sourcePort: number,
  to: string,
  destinationPort: number,
  bytes = 4,
  timeToLive = 64,
) {
  const addresses = { source: address(from), destination: address(to) }
  const payload = encodeUdp({ sourcePort, destinationPort, payload: new Uint8Array(bytes) }, addresses)
  return encodeIpv4({ ...addresses, protocol: IP_PROTOCOL.udp, identification: 7, timeToLive, payload })
}

/** RFC 9293, 3.1, with a right checksum. */
function tcp(from: string, sourcePort: number, to: string, destinationPort: number, flags: number) {
  const segment = new Uint8Array(20)
  new DataView(segment.buffer).setUint32(0, sourcePort * 65_536 + destinationPort)
  segment.set([0x50, flags], 12)
  const addresses = { source: address(from), destination: address(to) }
  const pseudo = new Uint8Array(12 + 20)
  new DataView(pseudo.buffer).setUint32(0, addresses.source)
  new DataView(pseudo.buffer).setUint32(4, addresses.destination)
  pseudo.set([0, IP_PROTOCOL.tcp, 0, 20], 8)
  pseudo.set(segment, 12)
  new DataView(segment.buffer).setUint16(16, checksum(pseudo))
  return encodeIpv4({
    ...addresses,
    protocol: IP_PROTOCOL.tcp,
    identification: 7,
    timeToLive: 64,
    payload: segment,
  })
}

/** Addresses and ports of a UDP packet whose checksums are right. */
function shown(packet: Uint8Array): string {
  const ip = decodeIpv4(packet)
  assert.ok(typeof ip !== 'string', String(ip))
  const datagram = decodeUdp(ip.payload, ip)
  assert.ok(typeof datagram !== 'string', String(datagram))
  return `${formatIpv4(ip.source)}:${datagram.sourcePort} > ${formatIpv4(ip.destination)}:${datagram.destinationPort}`
}

function router(settings: object = {}) {
  const clock = scriptedClock()
  const uplink = uplinkSchema.parse({ kind: 'nat', ...settings })
  const nat = new NatRouter(planNat(uplink, INNER)!, clock)
  const out: Uint8Array[] = []
  const inside: [mac: number, packet: Uint8Array][] = []
  const asked: string[] = []
  const known = new Map<number, number>()
  nat.attach({
    neighbour: (wanted) => known.get(wanted),
    ask: (wanted) => asked.push(formatIpv4(wanted)),
    sendIpv4: (mac, packet) => inside.push([mac, packet]),
  })
  const wire = nat.connect('passt', {
    send(run) {
      for (const frame of framesOf(run)) {
        const decoded = decodeEthernet(frame)
        if (typeof decoded !== 'string') out.push(decoded.payload)
      }
      return true
    },
  })
  const enter = (packet: Uint8Array) =>
    wire.receive(runOf(encodeEthernet({ destination: 1, source: PASST_MAC, type: 0x0800, payload: packet })))
  return { clock, nat, out, inside, asked, known, enter }
}

test('two machines with the same port are told apart, and each gets its own answers', () => {
  const { nat, out, inside, enter } = router()
  assert.equal(nat.fromInside(udp('10.244.0.20', 40_000, '192.0.2.9', 53), XP), 'handled')
  nat.fromInside(udp('10.244.0.21', 40_000, '192.0.2.9', 53), NT)
  nat.fromInside(udp('10.244.0.20', 40_000, '192.0.2.8', 53), XP)
  assert.deepEqual(out.map(shown), [
    '198.18.0.2:40000 > 192.0.2.9:53',
    '198.18.0.2:32768 > 192.0.2.9:53',
    '198.18.0.2:40000 > 192.0.2.8:53',
  ])
  enter(udp('192.0.2.9', 53, '198.18.0.2', 32_768))
  enter(udp('192.0.2.9', 53, '198.18.0.2', 40_000))
  enter(udp('192.0.2.9', 53, '198.18.0.2', 50_000))
  assert.deepEqual(
    inside.map(([mac, packet]) => [mac, shown(packet)]),
    [
      [NT, '192.0.2.9:53 > 10.244.0.21:40000'],
      [XP, '192.0.2.9:53 > 10.244.0.20:40000'],
    ],
  )
  assert.equal(nat.status().packetsDropped, 1)
})

test('a ping keeps its own identifier at both ends', () => {
  const { nat, out, inside, enter } = router()
  const ping = (kind: 'request' | 'reply', source: string, destination: string, identifier: number) => {
    const payload = encodeIcmpEcho({ kind, identifier, sequence: 1, data: new Uint8Array(8) })
    const addresses = { source: address(source), destination: address(destination) }
    return encodeIpv4({ ...addresses, protocol: 1, identification: 1, timeToLive: 64, payload })
  }
  nat.fromInside(ping('request', '10.244.0.20', '192.0.2.9', 1), XP)
  const sent = readNatPacket(out[0]!)
  assert.ok(typeof sent !== 'string')
  enter(ping('reply', '192.0.2.9', '198.18.0.2', sent.sourcePort))
  const back = decodeIpv4(inside[0]![1])
  assert.ok(typeof back !== 'string')
  assert.equal(checksum(back.payload), 0)
  assert.deepEqual([...back.payload.subarray(4, 6)], [0, 1])
})

test('mappings end: of UDP after five minutes, of a closed connection after four', () => {
  const { clock, nat } = router()
  nat.fromInside(udp('10.244.0.20', 1025, '192.0.2.9', 53), XP)
  nat.fromInside(tcp('10.244.0.20', 1025, '192.0.2.9', 80, 0x10), XP)
  nat.fromInside(tcp('10.244.0.20', 1026, '192.0.2.9', 80, 0x11), XP)
  assert.equal(nat.status().mappings, 3)
  clock.pass(280_000)
  assert.equal(nat.status().mappings, 2)
  clock.pass(60_000)
  assert.equal(nat.status().mappings, 1)
  clock.pass(7_440_000)
  assert.equal(nat.status().mappings, 0)
})

test('one machine that opens ports without end runs out alone', () => {
  const { nat } = router()
  for (let port = 1; port <= 5000; port++) nat.fromInside(udp('10.244.0.20', port, '192.0.2.9', 53), XP)
  assert.equal(nat.status().mappings, 4096)
  assert.equal(nat.fromInside(udp('10.244.0.21', 5, '192.0.2.9', 53), NT), 'handled')
})

test('only from this network, and only to somewhere', () => {
  const { nat, out } = router()
  for (const packet of [
    udp('10.0.0.1', 1, '192.0.2.9', 53),
    ...['10.244.0.30', '127.0.0.1', '0.0.0.1', '224.0.0.1', '255.255.255.255', '198.18.0.2'].map((to) =>
      udp('10.244.0.20', 1, to, 53),
    ),
  ])
    assert.equal(nat.fromInside(packet, XP), 'not-mine')
  assert.equal(nat.fromInside(new Uint8Array(30), XP), 'malformed')
  assert.deepEqual(out, [])
})

test('a packet at the end of its life is answered as traceroute expects', () => {
  const { nat, inside, out } = router()
  nat.fromInside(udp('10.244.0.20', 33_434, '192.0.2.9', 33_434, 4, 1), XP)
  const answer = decodeIpv4(inside[0]![1])
  assert.ok(typeof answer !== 'string')
  assert.deepEqual(
    [formatIpv4(answer.source), answer.payload[0], checksum(answer.payload)],
    ['10.244.0.1', 11, 0],
  )
  assert.deepEqual(out, [])
})

const FORWARD = { protocol: 'udp', hostPort: 8053, guestAddress: '10.244.0.20', guestPort: 53 }

test('a forwarded port finds its machine by ARP, and its answers leave by the same port', () => {
  const { nat, out, inside, asked, enter, known } = router({ forwards: [FORWARD] })
  enter(udp('192.0.2.9', 1000, '198.18.0.2', 8053))
  assert.deepEqual([asked, inside], [['10.244.0.20'], []])
  nat.heard(address('10.244.0.21'), NT)
  nat.heard(address('10.244.0.20'), XP)
  known.set(address('10.244.0.20'), XP)
  enter(udp('192.0.2.9', 1001, '198.18.0.2', 8053))
  assert.deepEqual(
    inside.map(([mac, packet]) => [mac, shown(packet)]),
    [
      [XP, '192.0.2.9:1000 > 10.244.0.20:53'],
      [XP, '192.0.2.9:1001 > 10.244.0.20:53'],
    ],
  )
  nat.fromInside(udp('10.244.0.20', 53, '192.0.2.9', 1000), XP)
  assert.deepEqual(out.map(shown), ['198.18.0.2:8053 > 192.0.2.9:1000'])
})

test('the host’s loopback hears answers only, unless it is opened', () => {
  const { nat, out, enter, known } = router({ forwards: [FORWARD] })
  known.set(address('10.244.0.20'), XP)
  nat.fromInside(udp('10.244.0.20', 53, '198.18.0.1', 4000), XP)
  nat.fromInside(tcp('10.244.0.20', 53, '198.18.0.1', 4000, 2), XP)
  assert.deepEqual(out, [])
  enter(udp('198.18.0.1', 4000, '198.18.0.2', 8053))
  nat.fromInside(udp('10.244.0.20', 53, '198.18.0.1', 4001), XP)
  nat.fromInside(udp('10.244.0.20', 53, '198.18.0.1', 4000), XP)
  assert.deepEqual(out.map(shown), ['198.18.0.2:8053 > 198.18.0.1:4000'])
  const open = router({ hostLoopback: true })
  open.nat.fromInside(udp('10.244.0.20', 53, '198.18.0.1', 4000), XP)
  assert.equal(open.out.length, 1)
})

test('what is too long for the network arrives in pieces that fit together', () => {
  const packet = udp('192.0.2.9', 53, '10.244.0.20', 1000, 4000)
  const pieces = fragmentsOf(packet, 1500)
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [1500, 1500, 1068],
  )
  for (const piece of pieces) assert.equal(checksum(piece.subarray(0, 20)), 0)
  assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.subarray(20))), Buffer.from(packet.subarray(20)))
  assert.equal(fragmentsOf(packet, 9000)[0], packet)
})

test('whatever is rewritten, the checksums stay right', () => {
  const word = fc.integer({ min: 0, max: 0xffff })
  const ip = fc.integer({ min: 0, max: 0xffff_ffff })
  fc.assert(
    fc.property(word, word, ip, ip, word, (from, to, first, second, port) => {
      const packet = readNatPacket(udp(formatIpv4(first), from, formatIpv4(second), to))
      assert.ok(typeof packet !== 'string')
      rewriteSource(packet, second, port)
      assert.match(shown(packet.bytes), new RegExp(`^${formatIpv4(second)}:${port} >`))
      rewriteDestination(packet, first, port)
      assert.match(shown(packet.bytes), new RegExp(`> ${formatIpv4(first)}:${port}$`))
    }),
  )
})

test('whatever comes in from either side, nothing throws', () => {
  const { nat, enter } = router({ forwards: [FORWARD] })
  const junk = fc.uint8Array({ maxLength: 80 }).map((bytes) => {
    const packet = bytes
    if (packet.length > 12) packet[0] = 0x45
    return packet
  })
  fc.assert(
    fc.property(junk, (bytes) => {
      nat.fromInside(bytes, XP)
      enter(bytes)
    }),
  )
})

test('settings that cannot work are refused; an inner network on our wire moves the wire', () => {
  const nat: UplinkSettings = { kind: 'nat', forwards: [], hostLoopback: false }
  assert.throws(() => planNat(nat, undefined), /gateway/)
  assert.equal(planNat({ kind: 'none' }, INNER), undefined)
  const odd = planNat(nat, { ...INNER, address: address('198.18.0.1') })
  assert.equal(formatIpv4(odd!.outer), '198.19.255.2')
})
