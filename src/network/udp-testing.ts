import { BROADCAST_MAC } from './addresses.ts'
import { decodeEthernet, ETHERTYPE, encodeEthernet } from './ethernet.ts'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from './ipv4.ts'
import type { Connectable } from './switch.ts'
import { testStation } from './testing.ts'
import { decodeUdp, encodeUdp } from './udp.ts'

/** A station that speaks UDP. */
export interface UdpStation {
  readonly mac: number
  readonly address: number
  say(message: UdpMessage): void
  /** What came to this station since the last look. */
  look(): HeardMessage[]
}

export interface UdpMessage {
  readonly to: number
  readonly port: number
  readonly fromPort: number
  readonly payload: Uint8Array
  /** Default: its own. */
  readonly from?: number
  /** Default: to all. */
  readonly toMac?: number
}

export interface HeardMessage {
  readonly from: number
  readonly fromPort: number
  readonly port: number
  readonly payload: Uint8Array
}

export function udpStation(network: Connectable, mac: number, address: number): UdpStation {
  const station = testStation(network, `station ${mac}`)
  return {
    mac,
    address,
    say({ to, port, fromPort, payload, from = address, toMac = BROADCAST_MAC }) {
      const addresses = { source: from, destination: to }
      const udp = encodeUdp({ sourcePort: fromPort, destinationPort: port, payload }, addresses)
      const head = { ...addresses, protocol: IP_PROTOCOL.udp, identification: 0, timeToLive: 64 }
      const packet = encodeIpv4({ ...head, payload: udp })
      station.say(encodeEthernet({ destination: toMac, source: mac, type: ETHERTYPE.ipv4, payload: packet }))
    },
    look: () => station.look().flatMap((frame) => heardBy(mac, frame)),
  }
}

function heardBy(mac: number, bytes: Uint8Array): HeardMessage[] {
  const frame = decodeEthernet(bytes)
  if (typeof frame === 'string' || frame.destination !== mac || frame.type !== ETHERTYPE.ipv4) return []
  const packet = decodeIpv4(frame.payload)
  if (typeof packet === 'string' || packet.protocol !== IP_PROTOCOL.udp) return []
  const datagram = decodeUdp(packet.payload, packet)
  if (typeof datagram === 'string') return []
  const { sourcePort: fromPort, destinationPort: port, payload } = datagram
  return [{ from: packet.source, fromPort, port, payload: payload.slice() }]
}
