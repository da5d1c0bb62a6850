import { parseIpv4, parseMac, readMac, readUint16, readUint32 } from '../addresses.ts'
import { ETHERNET_HEADER_BYTES, ETHERTYPE } from '../ethernet.ts'
import { payloadOffset } from '../vlan.ts'
import type { CaptureFilter } from './settings.ts'

/** Whether a frame at a place of a run is wanted. */
export type FramePredicate = (bytes: Uint8Array, frame: number, length: number) => boolean

const ETHERTYPE_IPV6 = 0x86dd
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** Everything of a filter but its port. */
export function framePredicate(filter: CaptureFilter): FramePredicate {
  const mac = filter.mac === undefined ? undefined : parseMac(filter.mac)
  const address = filter.address === undefined ? undefined : parseIpv4(filter.address)
  const { protocol, portNumber } = filter
  const looksInside = address !== undefined || protocol !== undefined || portNumber !== undefined
  if (mac === undefined && !looksInside) return () => true
  return (bytes, frame, length) => {
    if (length < ETHERNET_HEADER_BYTES) return false
    if (mac !== undefined && readMac(bytes, frame) !== mac && readMac(bytes, frame + 6) !== mac) return false
    if (!looksInside) return true
    const packet = packetOf(bytes, frame, length)
    if (protocol !== undefined && !isProtocol(packet, protocol)) return false
    if (address !== undefined && packet.source !== address && packet.destination !== address) return false
    return (
      portNumber === undefined || packet.sourcePort === portNumber || packet.destinationPort === portNumber
    )
  }
}

interface Packet {
  readonly type: number
  readonly protocol?: number
  readonly source?: number
  readonly destination?: number
  readonly sourcePort?: number
  readonly destinationPort?: number
}

function packetOf(bytes: Uint8Array, frame: number, length: number): Packet {
  const at = payloadOffset(bytes, frame, length)
  const end = frame + length
  const type = readUint16(bytes, at - 2)
  if (type === ETHERTYPE.arp && at + 28 <= end)
    return { type, source: readUint32(bytes, at + 14), destination: readUint32(bytes, at + 24) }
  if (type === ETHERTYPE.ipv4 && at + 20 <= end) {
    const addresses = { source: readUint32(bytes, at + 12), destination: readUint32(bytes, at + 16) }
    const isFirst = (readUint16(bytes, at + 6) & 0x1fff) === 0
    const ports = isFirst ? portsOf(bytes, bytes[at + 9]!, at + (bytes[at]! & 0x0f) * 4, end) : {}
    return { type, protocol: bytes[at + 9]!, ...addresses, ...ports }
  }
  if (type === ETHERTYPE_IPV6 && at + 40 <= end)
    return { type, protocol: bytes[at + 6]!, ...portsOf(bytes, bytes[at + 6]!, at + 40, end) }
  return { type }
}

function portsOf(bytes: Uint8Array, protocol: number, at: number, end: number) {
  if ((protocol !== PROTOCOL.tcp && protocol !== PROTOCOL.udp) || at + 4 > end) return {}
  return { sourcePort: readUint16(bytes, at), destinationPort: readUint16(bytes, at + 2) }
}

function isProtocol(packet: Packet, wanted: NonNullable<CaptureFilter['protocol']>): boolean {
  switch (wanted) {
    case 'arp':
      return packet.type === ETHERTYPE.arp
    case 'ipv4':
      return packet.type === ETHERTYPE.ipv4
    case 'ipv6':
      return packet.type === ETHERTYPE_IPV6
    case 'icmp':
      return packet.protocol === PROTOCOL.icmp || packet.protocol === PROTOCOL.icmpv6
    default:
      return packet.protocol === PROTOCOL[wanted]
  }
}
