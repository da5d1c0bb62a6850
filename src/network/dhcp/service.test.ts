import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiBytes } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { BROADCAST_ADDRESS, BROADCAST_MAC, formatIpv4 } from '../addresses.ts'
import { decodeArp, encodeArp } from '../arp.ts'
import { decodeEthernet, ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from '../ipv4.ts'
import { VirtualNetwork } from '../network.ts'
import { networkConfigSchema } from '../network-config.ts'
import { scriptedClock, testStation } from '../testing.ts'
import { decodeUdp, encodeUdp } from '../udp.ts'
import { memoryLeases } from './lease-records.ts'
import { type DhcpMessage, decodeDhcp, encodeDhcp, messageType } from './message.ts'
import { OPTION } from './options.ts'
import type { DhcpSettings } from './settings.ts'
import { ip, SERVER, say } from './testing.ts'

/** The server on a network's wire, with time: probes, other servers, names, events. */

const MAC = 0x0003_ff00_0001
const RIVAL = { mac: 0x0003_ff00_0099, address: '10.244.0.9' }
const hex = (mac: number) => mac.toString(16).padStart(12, '0')

function open(settings: DhcpSettings = {}) {
  const clock = scriptedClock()
  const told: string[] = []
  const leases = memoryLeases()
  const config = (dhcp: DhcpSettings) => networkConfigSchema.parse({ name: 'Lab', key: 'lab', dhcp })
  const network = new VirtualNetwork(config(settings), {
    clock,
    journals: { leases },
    tell: ({ code }) => told.push(code),
  })
  const station = (mac: number) => wireStation(network, mac)
  const dhcp = () => network.status().services.dhcp!
  return {
    clock,
    told,
    network,
    station,
    dhcp,
    configure: (dhcp: DhcpSettings) => network.configure(config(dhcp)),
  }
}

function wireStation(network: VirtualNetwork, mac: number) {
  const station = testStation(network, hex(mac))
  const frame = (destination: number, type: number, payload: Uint8Array) =>
    station.say(encodeEthernet({ destination, source: mac, type, payload }))
  return {
    say(message: DhcpMessage, [fromPort, toPort] = [68, 67], source = message.clientAddress) {
      const around = { source, destination: BROADCAST_ADDRESS }
      const udp = encodeUdp(
        { sourcePort: fromPort, destinationPort: toPort, payload: encodeDhcp(message) },
        around,
      )
      const packet = { ...around, protocol: IP_PROTOCOL.udp, identification: 1, timeToLive: 64, payload: udp }
      frame(BROADCAST_MAC, ETHERTYPE.ipv4, encodeIpv4(packet))
    },
    use(address: string, operation: 'request' | 'reply' = 'reply') {
      const sender = { senderMac: mac, senderAddress: ip(address) }
      const target = { targetMac: 0, targetAddress: ip(address) }
      frame(BROADCAST_MAC, ETHERTYPE.arp, encodeArp({ operation, ...sender, ...target }))
    },
    /** DHCP messages and ARP questions heard since the last look. */
    look: () => station.look().flatMap((bytes) => inWords(bytes)),
  }
}

function inWords(bytes: Uint8Array): string[] {
  const frame = decodeEthernet(bytes)
  if (typeof frame === 'string') return []
  const arp = frame.type === ETHERTYPE.arp ? decodeArp(frame.payload) : 'not-mine'
  if (typeof arp !== 'string') return [`who has ${formatIpv4(arp.targetAddress)}`]
  const packet = decodeIpv4(frame.payload)
  const datagram = typeof packet === 'string' ? packet : decodeUdp(packet.payload, packet)
  const message = typeof datagram === 'string' ? datagram : decodeDhcp(datagram.payload)
  if (typeof message === 'string') return []
  const name = ['', 'discover', 'offer', 'request', 'decline', 'ack', 'nak'][messageType(message) ?? 0]
  return [`${name} ${formatIpv4(message.yourAddress)}`]
}

const client = (mac = MAC) => ({ mac: hex(mac) })
const take = (address: string, mac = MAC, name?: string) =>
  say('request', {
    ...client(mac),
    server: SERVER,
    wish: address,
    options: name === undefined ? [] : [[OPTION.hostName, asciiBytes(name)]],
  })
const rivalReply = (
  yiaddr: string,
  kind: 'offer' | 'ack' = 'offer',
  server = RIVAL.address,
): DhcpMessage => ({
  ...say(kind, { server }),
  op: 'reply',
  yourAddress: ip(yiaddr),
  broadcast: true,
})

test('an address is offered when nobody answered for it in half a second; what is in use is passed over', () => {
  const { clock, told, station, dhcp } = open({ otherServers: 'ignore' })
  const [guest, stray] = [station(MAC), station(0x99)]
  guest.say(say('discover'))
  assert.deepEqual(guest.look(), ['who has 10.244.0.16'])
  stray.use('10.244.0.16')
  clock.pass(500)
  assert.deepEqual(guest.look(), ['who has 10.244.0.16', 'who has 10.244.0.17'])
  guest.say(say('discover'))
  clock.pass(500)
  assert.deepEqual(guest.look(), ['offer 10.244.0.17'])
  guest.say(say('discover'))
  assert.deepEqual(guest.look(), ['offer 10.244.0.17'])
  assert.deepEqual(told, ['dhcp-address-in-use'])
  assert.deepEqual(
    dhcp().leases.map(({ address, mac, state }) => [address, mac, state]),
    [
      ['10.244.0.16', '00:00:00:00:00:99', 'declined'],
      ['10.244.0.17', '00:03:ff:00:00:01', 'offered'],
    ],
  )
})

test('its own client may answer for an address that it still uses', () => {
  const { clock, station } = open({ otherServers: 'ignore' })
  const guest = station(MAC)
  guest.say(say('discover', { wish: '10.244.0.30' }))
  guest.use('10.244.0.30')
  clock.pass(500)
  assert.deepEqual(guest.look(), ['who has 10.244.0.30', 'offer 10.244.0.30'])
})

test('it stands down while another server answers, tells so, and comes back when that is gone', () => {
  const { clock, told, station, dhcp } = open({ probe: false })
  const [guest, rival] = [station(MAC), station(RIVAL.mac)]
  guest.say(say('discover'))
  assert.deepEqual(guest.look(), ['offer 10.244.0.16'])
  rival.look()
  clock.pass(2000)
  assert.deepEqual(rival.look(), ['discover 0.0.0.0'])
  rival.say(rivalReply('10.244.0.200'), [67, 68], ip(RIVAL.address))
  assert.deepEqual(
    dhcp().otherServers.map(({ address, mac }) => [address, mac]),
    [['10.244.0.9', '00:03:ff:00:00:99']],
  )
  guest.look()
  guest.say(say('discover'))
  guest.say(take('10.244.0.16'))
  assert.deepEqual([guest.look(), dhcp().isStandingDown, told], [[], true, ['dhcp-other-server']])
  rival.look()
  // As long as it answers our probes nothing changes.
  for (let minute = 0; minute < 5; minute++) {
    clock.pass(50_000)
    assert.deepEqual(rival.look(), ['discover 0.0.0.0'])
    rival.say(rivalReply('10.244.0.200'), [67, 68], ip(RIVAL.address))
  }
  clock.pass(240_000)
  assert.deepEqual(told, ['dhcp-other-server', 'dhcp-other-server-gone'])
  guest.look()
  guest.say(say('discover'))
  assert.deepEqual([guest.look(), dhcp().isStandingDown], [['offer 10.244.0.16'], false])
})

test('a client that chose another server gives it away; a proxy that gives no address is no rival', () => {
  const { station, dhcp, told } = open({ probe: false })
  const [guest, rival] = [station(MAC), station(RIVAL.mac)]
  rival.say(rivalReply('0.0.0.0'), [67, 68], ip(RIVAL.address))
  rival.say(rivalReply('10.244.0.200', 'offer', SERVER), [67, 68], ip(RIVAL.address))
  assert.deepEqual(dhcp().otherServers, [])
  guest.say(say('request', { server: RIVAL.address, wish: '10.244.0.200' }))
  assert.deepEqual([dhcp().isStandingDown, told], [true, ['dhcp-other-server']])
})

test('settings choose: go on beside another server, or do not even look', () => {
  for (const [otherServers, seen] of [
    ['answer', ['dhcp-other-server']],
    ['ignore', []],
  ] as const) {
    const { clock, told, station } = open({ probe: false, otherServers })
    const [guest, rival] = [station(MAC), station(RIVAL.mac)]
    clock.pass(600_000)
    assert.equal(rival.look().length > 0, otherServers === 'answer')
    rival.say(rivalReply('10.244.0.200', 'ack'), [67, 68], ip(RIVAL.address))
    guest.look()
    guest.say(say('discover'))
    assert.deepEqual([guest.look(), told], [['offer 10.244.0.16'], seen])
  }
})

test('of two networks of ours that were joined by a cable one goes on', () => {
  const clock = scriptedClock()
  const networks = ['one', 'two'].map((key, index) => {
    const dhcp: DhcpSettings = { probe: false, server: `10.244.0.${index + 1}` }
    return new VirtualNetwork(networkConfigSchema.parse({ name: key, key, dhcp }), { clock })
  })
  const [one, two] = networks as [VirtualNetwork, VirtualNetwork]
  const left = one.connect('cable', { send: (run) => right.receive(run) ?? true })
  const right = two.connect('cable', { send: (run) => left.receive(run) ?? true })
  clock.pass(600_000)
  const standing = networks.filter((network) => network.status().services.dhcp?.isStandingDown)
  assert.equal(standing.length, 1)
  const mac = (network: VirtualNetwork) => network.status().host!.mac
  assert.equal(mac(standing[0]!), [mac(one), mac(two)].sort()[1])
})

test('names of leases are in the network’s book as long as the leases', () => {
  const { clock, network, station, configure } = open({
    probe: false,
    leaseSeconds: 60,
    otherServers: 'ignore',
  })
  const [guest, other] = [station(MAC), station(MAC + 1)]
  const names = () => network.names.entries().map(({ name, address }) => `${name} ${formatIpv4(address)}`)
  guest.say(say('discover'))
  guest.say(take('10.244.0.16', MAC, 'XP'))
  other.say(say('discover', client(MAC + 1)))
  other.say(take('10.244.0.17', MAC + 1, 'no name!'))
  assert.deepEqual(names(), ['XP 10.244.0.16'])
  configure({ probe: false, leaseSeconds: 120, otherServers: 'ignore' })
  assert.deepEqual(names(), ['XP 10.244.0.16'])
  clock.pass(50_000)
  guest.say(say('request', { ciaddr: '10.244.0.16', options: [[OPTION.hostName, asciiBytes('xp2.lab')]] }))
  clock.pass(100_000)
  assert.deepEqual(names(), ['xp2 10.244.0.16'])
  clock.pass(21_000)
  assert.deepEqual([names(), network.status().services.dhcp?.leases[0]?.state], [[], 'expired'])
  guest.say(say('request', { wish: '10.244.0.16', options: [[OPTION.hostName, asciiBytes('xp')]] }))
  assert.deepEqual(names(), ['xp 10.244.0.16'])
  guest.say(say('release', { server: SERVER, ciaddr: '10.244.0.16' }))
  assert.deepEqual(names(), [])
})

test('a pool that is used up is told of once, until it eases; an owner can take a lease away', () => {
  const { clock, told, network, station, dhcp } = open({
    ...{ probe: false, end: '10.244.0.16', otherServers: 'ignore' },
  })
  const [guest, other] = [station(MAC), station(MAC + 1)]
  guest.say(say('discover'))
  guest.say(take('10.244.0.16'))
  guest.look()
  other.look()
  for (let turn = 0; turn < 3; turn++) other.say(say('discover', client(MAC + 1)))
  assert.deepEqual([told, other.look(), dhcp().isExhausted], [['dhcp-exhausted'], [], true])
  assert.deepEqual([network.dropLease('10.244.0.17'), network.dropLease('10.244.0.16')], [false, true])
  other.say(say('discover', client(MAC + 1)))
  assert.deepEqual([other.look(), dhcp().isExhausted], [['offer 10.244.0.16'], false])
  guest.look()
  guest.say(say('request', { ciaddr: '10.244.0.16' }))
  assert.deepEqual(guest.look(), ['nak 0.0.0.0'])
  clock.pass(700_000)
  other.say(say('discover', client(MAC + 1)))
  other.say(take('10.244.0.16', MAC + 1))
  guest.say(say('discover'))
  assert.deepEqual(told, ['dhcp-exhausted', 'dhcp-exhausted'])
})

test('a station that takes the services’ own address is told of', () => {
  const { told, station } = open({ otherServers: 'ignore' })
  const stray = station(0x99)
  for (let turn = 0; turn < 3; turn++) stray.use(SERVER, 'request')
  assert.deepEqual(told, ['host-address-in-use'])
})

test('whatever a guest sends, at most one frame comes back for each, and the server lives on', () => {
  const { clock, network, station } = open({
    rapidCommit: true,
    subnets: [{ network: '192.168.7.0', mask: '255.255.255.0' }],
    classes: [{ name: 'any', userClass: { prefix: 'i' }, boot: { file: 'x' } }],
  })
  const raw = testStation(network, 'raw')
  const seed = encodeDhcp({ ...say('discover'), relay: 0 })
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 12 }).map((changes) => {
      const copy = seed.slice()
      for (const [at, value] of changes) copy[at] = value
      return copy
    }),
    fc
      .tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 3, 4, 7, 8))
      .map(([rest, type]) => Uint8Array.of(...seed.subarray(0, 240), 53, 1, type, ...rest)),
  )
  const port = fc.constantFrom(67, 68)
  fc.assert(
    fc.property(bytes, port, (payload, destinationPort) => {
      raw.look()
      const around = { source: 0, destination: BROADCAST_ADDRESS }
      const udp = encodeUdp({ sourcePort: 68, destinationPort, payload }, around)
      const packet = { ...around, protocol: IP_PROTOCOL.udp, identification: 1, timeToLive: 64, payload: udp }
      const head = { destination: BROADCAST_MAC, source: MAC, type: ETHERTYPE.ipv4 }
      raw.say(encodeEthernet({ ...head, payload: encodeIpv4(packet) }))
      assert.ok(raw.look().length <= 1)
    }),
    { numRuns: cases(600, 3000) },
  )
  clock.pass(600_000)
  const guest = station(MAC)
  guest.say(say('discover', { mac: '0003ff0000aa' }))
  clock.pass(500)
  assert.ok(network.status().services.dhcp!.messages.discover > 0)
})
