import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { BROADCAST_ADDRESS, BROADCAST_MAC, formatIpv4, parseIpv4 } from './addresses.ts'
import { type DhcpMessage, decodeDhcp, encodeDhcp, MESSAGE_TYPE, messageType } from './dhcp/message.ts'
import { OPTION, uint32Option } from './dhcp/options.ts'
import type { DhcpSettings } from './dhcp/settings.ts'
import { decodeEthernet, ETHERTYPE, encodeEthernet } from './ethernet.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from './ipv4.ts'
import { VirtualNetwork } from './network.ts'
import { networkConfigSchema } from './network-config.ts'
import { scriptedClock, type TestStation, testStation, textFrame, textOf } from './testing.ts'
import { decodeUdp, encodeUdp } from './udp.ts'

const MAC = 0x0003_ff00_0001
const config = (dhcp?: DhcpSettings) =>
  networkConfigSchema.parse({
    name: 'Lab',
    key: 'lab',
    dhcp: dhcp && ({ otherServers: 'ignore', ...dhcp } satisfies DhcpSettings),
  })
const clock = scriptedClock()
const open = (dhcp?: DhcpSettings) => new VirtualNetwork(config(dhcp), { clock })

/**
 * Sends a DHCP message the way a client without an address does; gives back what it heard, with its addressing, when
 * there was time to look for the address on the network.
 */
function ask(
  guest: TestStation,
  message: Partial<DhcpMessage>,
  options: readonly (readonly [number, Uint8Array])[],
) {
  const payload = encodeDhcp({
    ...{ op: 'request', hardwareType: 1, hops: 0, transactionId: 9, seconds: 0, broadcast: false },
    ...{ clientAddress: 0, yourAddress: 0, nextServer: 0, relay: 0, serverName: '', bootFile: '' },
    clientHardware: Uint8Array.of(0, 3, 0xff, 0, 0, 1),
    ...message,
    options: new Map(options),
  })
  const around = { source: message.clientAddress ?? 0, destination: BROADCAST_ADDRESS }
  const packet = { ...around, protocol: IP_PROTOCOL.udp, identification: 1, timeToLive: 64 }
  const udp = encodeUdp({ sourcePort: 68, destinationPort: 67, payload }, around)
  const frame = { destination: BROADCAST_MAC, source: MAC, type: ETHERTYPE.ipv4 }
  guest.say(encodeEthernet({ ...frame, payload: encodeIpv4({ ...packet, payload: udp }) }))
  clock.pass(500)
  return guest.look().filter(isIpv4).map(openReply)
}

function isIpv4(bytes: Uint8Array): boolean {
  const frame = decodeEthernet(bytes)
  return typeof frame !== 'string' && frame.type === ETHERTYPE.ipv4
}

function openReply(bytes: Uint8Array) {
  const frame = decodeEthernet(bytes)
  assert.ok(typeof frame !== 'string')
  const packet = decodeIpv4(frame.payload)
  assert.ok(typeof packet !== 'string')
  const datagram = decodeUdp(packet.payload, packet)
  assert.ok(typeof datagram !== 'string')
  assert.deepEqual([datagram.sourcePort, datagram.destinationPort], [67, 68])
  const message = decodeDhcp(datagram.payload)
  assert.ok(typeof message !== 'string')
  return {
    to: frame.destination === BROADCAST_MAC ? 'all' : 'the client',
    address: formatIpv4(packet.destination),
    type: messageType(message),
    given: formatIpv4(message.yourAddress),
  }
}

const type = (name: keyof typeof MESSAGE_TYPE) =>
  [OPTION.messageType, Uint8Array.of(MESSAGE_TYPE[name])] as const
const address = (code: number, text: string) => [code, uint32Option(parseIpv4(text)!)] as const

test('without services there is nothing of ours on the wire', () => {
  const network = open()
  const [a, b] = [testStation(network, 'a'), testStation(network, 'b')]
  a.say(textFrame(BROADCAST_MAC, MAC, 'anybody?'))
  assert.deepEqual([a.look().length, b.look().map(textOf)], [0, ['anybody?']])
  const status = network.status()
  assert.deepEqual(
    [status.host, status.services, status.ports.map(({ name }) => name)],
    [undefined, {}, ['a', 'b']],
  )
})

test('DHCP on the wire: unicast to who can take it, broadcast to who cannot (RFC 2131, 4.1)', () => {
  const network = open({})
  const guest = testStation(network, 'guest')
  const offer = { type: MESSAGE_TYPE.offer, given: '10.244.0.16' }
  assert.deepEqual(ask(guest, {}, [type('discover')]), [
    { to: 'the client', address: '10.244.0.16', ...offer },
  ])
  assert.deepEqual(ask(guest, { broadcast: true }, [type('discover')]), [
    { to: 'all', address: '255.255.255.255', ...offer },
  ])
  const take = [
    type('request'),
    address(OPTION.server, '10.244.0.1'),
    address(OPTION.requestedAddress, '10.244.0.16'),
  ]
  const ack = { to: 'the client', address: '10.244.0.16', type: MESSAGE_TYPE.ack, given: '10.244.0.16' }
  assert.deepEqual(ask(guest, {}, take), [ack])
  assert.deepEqual(ask(guest, { clientAddress: parseIpv4('10.244.0.16')! }, [type('request')]), [ack])
  assert.deepEqual(ask(guest, {}, [type('request'), address(OPTION.requestedAddress, '10.9.9.9')]), [
    { to: 'all', address: '255.255.255.255', type: MESSAGE_TYPE.nak, given: '0.0.0.0' },
  ])
  const { dhcp } = network.status().services
  assert.deepEqual(dhcp?.messages, {
    discover: 2,
    offer: 2,
    request: 3,
    decline: 0,
    ack: 2,
    nak: 1,
    release: 0,
    inform: 0,
  })
  assert.deepEqual(
    [dhcp?.start, dhcp?.end, dhcp?.leases[0]?.address],
    ['10.244.0.16', '10.244.0.254', '10.244.0.16'],
  )
})

test('new settings take effect with the cables plugged in; leases stay', () => {
  const network = open({})
  const guest = testStation(network, 'guest')
  ask(guest, {}, [type('discover')])
  const take = [
    type('request'),
    address(OPTION.server, '10.244.0.1'),
    address(OPTION.requestedAddress, '10.244.0.16'),
  ]
  ask(guest, {}, take)
  const before = network.status().host?.mac
  network.configure(config({ server: '10.244.0.2' }))
  assert.deepEqual([network.status().host?.address, network.status().host?.mac], ['10.244.0.2', before])
  assert.equal(
    ask(guest, {}, [type('request'), address(OPTION.requestedAddress, '10.244.0.16')])[0]?.given,
    '10.244.0.16',
  )
  network.configure(config({ enabled: false }))
  assert.deepEqual(ask(guest, {}, [type('discover')]), [])
  assert.equal(network.status().ports.length, 1)
})

test('settings that cannot work are refused and change nothing', () => {
  const network = open({})
  assert.throws(() => network.configure(config({ start: '10.244.0.1' })), VivariumError)
  assert.equal(network.status().host?.address, '10.244.0.1')
  assert.equal(network.status().services.dhcp?.start, '10.244.0.16')
})

test('two networks have hosts with different addresses on the wire, each the same every time', () => {
  const mac = (key: string) => new VirtualNetwork({ ...config({}), key }).status().host?.mac
  assert.notEqual(mac('lab'), mac('office'))
  assert.equal(mac('lab'), mac('lab'))
  assert.match(mac('lab')!, /^02:56:/)
})
