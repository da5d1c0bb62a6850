import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../addresses.ts'
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import type { NetworkEvent } from '../events.ts'
import { VirtualNetwork } from '../network.ts'
import { networkConfigSchema } from '../network-config.ts'
import { scriptedClock, testStation } from '../testing.ts'
import {
  ALL_NODES,
  ALL_ROUTERS,
  formatIpv6,
  groupMac,
  linkLocalAddress,
  solicitedNodeGroup,
} from './address.ts'
import { ICMPV6_TYPE, neighbourAdvertisement } from './message.ts'
import { decodeIpv6 } from './packet.ts'
import type { Ipv6Settings } from './settings.ts'
import {
  echoRequest,
  frameOf,
  ipv6,
  neighbourSolicitation,
  packetOf,
  routerSolicitation,
  type SaidPacket,
  STATION,
  trial,
} from './testing.ts'

const OWN = ipv6('fd12:3456:789a::1')
const ALL_NODES_MAC = groupMac(ALL_NODES)

function networkTest(settings: Ipv6Settings = {}) {
  const clock = scriptedClock()
  const events: NetworkEvent[] = []
  const config = (ipv6: Ipv6Settings | undefined) =>
    networkConfigSchema.parse({
      ...{ name: 'Lab', key: 'lab', address: '10.244.0.1/24' },
      ...(ipv6 && { ipv6: { prefix: 'fd12:3456:789a::/64', ...ipv6 } }),
    })
  const network = new VirtualNetwork(config(settings), { clock, tell: (event) => events.push(event) })
  const station = testStation(network, 'guest')
  const mac = parseMac(network.status().host!.mac)!
  const nearest = linkLocalAddress(mac)
  const status = () => network.status().services.ipv6!
  const look = () =>
    station.look().map((bytes) => {
      const frame = decodeEthernet(bytes)
      assert.ok(typeof frame !== 'string' && frame.type === ETHERTYPE.ipv6)
      const packet = decodeIpv6(frame.payload)
      assert.ok(typeof packet !== 'string')
      return { frame, packet, type: packet.payload[0], body: packet.payload.subarray(4) }
    })
  const say = (said: SaidPacket, toMac = groupMac(said.destination)) => {
    station.say(frameOf(said, toMac))
    return look()
  }
  const answers = () => network.status().host!.answers
  clock.pass(0)
  const first = look()
  return { first, clock, events, config, network, station, mac, nearest, status, look, say, answers }
}

test('who asks where the host is gets told, at both of its addresses', () => {
  const { say, mac, nearest } = networkTest()
  for (const address of [OWN, nearest]) {
    const [answer, ...more] = say(neighbourSolicitation(address))
    assert.ok(answer && more.length === 0)
    assert.deepEqual([answer.frame.source, answer.frame.destination], [mac, STATION.mac])
    assert.deepEqual([answer.packet.source, answer.packet.destination], [address, STATION.address])
    assert.equal(answer.packet.hopLimit, 255)
    assert.equal(answer.type, ICMPV6_TYPE.neighbourAdvertisement)
    // Solicited, override, and no router.
    assert.deepEqual(answer.body, neighbourAdvertisement(0x60, address, mac))
    // Whether it is still there is asked of it alone.
    assert.equal(say({ ...neighbourSolicitation(address), destination: address }, mac).length, 1)
  }
  assert.deepEqual(say(neighbourSolicitation(ipv6('fd12:3456:789a::2'))), [])
})

test('who tries an address of the host hears that it is taken, with all others', () => {
  const { say, mac } = networkTest()
  const [answer, ...more] = say(trial(OWN))
  assert.ok(answer && more.length === 0)
  assert.equal(answer.frame.destination, ALL_NODES_MAC)
  assert.deepEqual(answer.packet.destination, ALL_NODES)
  assert.deepEqual(answer.body, neighbourAdvertisement(0x20, OWN, mac))
  assert.deepEqual(say(trial(ipv6('fd12:3456:789a::77'))), [])
})

test('ping is answered with the same data, also to all nodes', () => {
  const { say, mac, nearest } = networkTest()
  const [answer] = say(echoRequest(OWN), mac)
  assert.ok(answer)
  assert.equal(answer.type, ICMPV6_TYPE.echoReply)
  assert.deepEqual(answer.body, echoRequest(OWN).rest)
  assert.deepEqual([answer.packet.source, answer.packet.destination], [OWN, STATION.address])
  assert.deepEqual(say(echoRequest(ALL_NODES))[0]?.packet.source, nearest)
  const far = say({ ...echoRequest(ALL_NODES), source: ipv6('fd12:3456:789a::9') })
  assert.deepEqual(far[0]?.packet.source, OWN)
})

test('what is not for the host, or is malformed, is counted and not answered', () => {
  const { say, mac, station, answers, look } = networkTest()
  const before = answers()
  const other = ipv6('fd12:3456:789a::2')
  assert.deepEqual(say(echoRequest(other), mac), [])
  // Flooded by the switch to all.
  assert.deepEqual(say(echoRequest(OWN), 0x0003_ff00_0099), [])
  assert.deepEqual(say(echoRequest(ALL_NODES), groupMac(ALL_ROUTERS)), [])
  assert.deepEqual(say(echoRequest(solicitedNodeGroup(other))), [])
  assert.equal(answers()['not-mine'], before['not-mine'] + 4)
  assert.deepEqual(say({ ...neighbourSolicitation(OWN), hopLimit: 64 }), [])
  const cut = packetOf(echoRequest(OWN)).subarray(0, 39)
  const frame = encodeEthernet({
    destination: mac,
    source: STATION.mac,
    type: ETHERTYPE.ipv6,
    payload: new Uint8Array(46),
  })
  station.say(frame, frame.slice(0, 14 + cut.length))
  assert.deepEqual(look(), [])
  assert.equal(answers().malformed, before.malformed + 3)
  assert.equal(answers().handled, before.handled)
})

test('the prefix is advertised at once, to who asks, and again and again', () => {
  const { first, clock, look, say, status, nearest, mac } = networkTest({ intervalSeconds: 60 })
  assert.deepEqual(
    first.map(({ type }) => type),
    [ICMPV6_TYPE.routerAdvertisement],
  )
  clock.pass(10_000)
  look()
  assert.deepEqual(say(routerSolicitation()), [])
  clock.pass(3500)
  const [answer] = look()
  assert.ok(answer)
  assert.deepEqual([answer.frame.source, answer.frame.destination], [mac, ALL_NODES_MAC])
  assert.deepEqual([answer.packet.source, answer.packet.destination], [nearest, ALL_NODES])
  assert.equal(answer.packet.hopLimit, 255)
  assert.equal(answer.type, ICMPV6_TYPE.routerAdvertisement)
  // No router: its lifetime is 0.
  assert.deepEqual([...answer.body.subarray(0, 4)], [64, 0, 0, 0])
  clock.pass(600_000)
  const count = look().length
  assert.ok(count >= 10 && count <= 31, `${count}`)
  assert.deepEqual(status().counts.routerSolicitations, 1)
  assert.deepEqual(status().addresses, [formatIpv6(nearest), 'fd12:3456:789a::1'])
  assert.equal(status().prefix, 'fd12:3456:789a::/64')
  assert.ok(status().counts.advertisementsSent > count)
})

test('a router says so, and says when it ends', () => {
  const { clock, look, say, network, config } = networkTest({ router: true, intervalSeconds: 600 })
  assert.equal(say(neighbourSolicitation(OWN))[0]?.body[0], 0xe0)
  say(routerSolicitation())
  clock.pass(3500)
  const lifetimes = () => look().map(({ body }) => (body[2]! << 8) | body[3]!)
  assert.deepEqual(lifetimes(), [1800])
  network.configure(config({ router: true, intervalSeconds: 300 }))
  clock.pass(0)
  assert.deepEqual(lifetimes(), [0, 900], 'the last word is that of the new settings')
  network.configure(config(undefined))
  clock.pass(600_000)
  assert.deepEqual(lifetimes(), [0])
  assert.equal(network.status().services.ipv6, undefined)
  assert.deepEqual(say(neighbourSolicitation(OWN)), [])
})

test('another station with the address of the host is told of, once', () => {
  const { say, events } = networkTest()
  const rest = neighbourAdvertisement(0x20, OWN, STATION.mac)
  const claim = { type: ICMPV6_TYPE.neighbourAdvertisement, rest, destination: ALL_NODES }
  for (let time = 0; time < 3; time++) assert.deepEqual(say(claim), [])
  assert.deepEqual(
    events.map(({ code }) => code),
    ['host-address-in-use'],
  )
  assert.match(events[0]!.message, /00:03:ff:00:00:01 uses fd12:3456:789a::1/)
})
