import { readUint16, readUint32, writeUint16, writeUint32 } from '../addresses.ts'
import { checksum } from '../checksum.ts'
import { IP_PROTOCOL } from '../ipv4.ts'

/** IPv4 packets whose addresses and ports are changed in place, with their checksums (RFC 1624, equation 3). */

export interface NatPacket {
  /** A copy of the packet alone, without padding. */
  readonly bytes: Uint8Array
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  readonly source: number
  readonly destination: number
  /** Ports; of an ICMP echo its identifier, both times. */
  readonly sourcePort: number
  readonly destinationPort: number
  readonly timeToLive: number
  /** TCP flags (RFC 9293, 3.1); 0 of the others. */
  readonly flags: number
}

export const TCP_FLAG = { fin: 1, syn: 2, reset: 4, acknowledge: 16 } as const

const HEADER_BYTES = 20
const FRAGMENT_MASK = 0x3fff
const ECHO = { reply: 0, request: 8 } as const

const PROTOCOL_NAME: Readonly<Record<number, NatPacket['protocol']>> = {
  [IP_PROTOCOL.tcp]: 'tcp',
  [IP_PROTOCOL.udp]: 'udp',
  [IP_PROTOCOL.icmp]: 'icmp',
}
/** Where a protocol's checksum lies in its header, and how long that is at least. */
const LAYOUT = {
  tcp: { checksumAt: 16, bytes: 20 },
  udp: { checksumAt: 6, bytes: 8 },
  icmp: { checksumAt: 2, bytes: 8 },
} as const

/** `fragment`: only the first piece has ports, so none is translated. */
export function readNatPacket(bytes: Uint8Array): NatPacket | 'malformed' | 'fragment' | 'other' {
  if (bytes.length < HEADER_BYTES || bytes[0]! >>> 4 !== 4) return 'malformed'
  const header = (bytes[0]! & 0x0f) * 4
  const total = readUint16(bytes, 2)
  if (header < HEADER_BYTES || total < header || total > bytes.length) return 'malformed'
  if (checksum(bytes.subarray(0, header)) !== 0) return 'malformed'
  if ((readUint16(bytes, 6) & FRAGMENT_MASK) !== 0) return 'fragment'
  const protocol = PROTOCOL_NAME[bytes[9]!]
  if (protocol === undefined) return 'other'
  if (total < header + LAYOUT[protocol].bytes) return 'malformed'
  const isEcho = bytes[header] === ECHO.request || bytes[header] === ECHO.reply
  if (protocol === 'icmp' && !isEcho) return 'other'
  const firstPort = readUint16(bytes, header + (protocol === 'icmp' ? 4 : 0))
  return {
    bytes: bytes.slice(0, total),
    protocol,
    source: readUint32(bytes, 12),
    destination: readUint32(bytes, 16),
    sourcePort: firstPort,
    destinationPort: protocol === 'icmp' ? firstPort : readUint16(bytes, header + 2),
    timeToLive: bytes[8]!,
    flags: protocol === 'tcp' ? bytes[header + 13]! : 0,
  }
}

/** Puts other addresses into the packet's bytes and takes a hop from its life. */
export function rewriteSource(packet: NatPacket, address: number, port: number): void {
  rewrite(packet, 12, address, 0, port)
}

export function rewriteDestination(packet: NatPacket, address: number, port: number): void {
  rewrite(packet, 16, address, 2, port)
}

function rewrite(
  { bytes, protocol }: NatPacket,
  addressAt: number,
  address: number,
  portAt: number,
  port: number,
) {
  const header = (bytes[0]! & 0x0f) * 4
  const checksumAt = header + LAYOUT[protocol].checksumAt
  const hasChecksum = protocol !== 'udp' || readUint16(bytes, checksumAt) !== 0
  // The addresses are part of the pseudo header that TCP and UDP sum up; ICMP's sum knows none.
  const places = protocol === 'icmp' ? [10] : hasChecksum ? [10, checksumAt] : [10]
  replace16(bytes, addressAt, address >>> 16, places)
  replace16(bytes, addressAt + 2, address & 0xffff, places)
  const ownPlaces = hasChecksum ? [checksumAt] : []
  replace16(bytes, header + (protocol === 'icmp' ? 4 : portAt), port, ownPlaces)
  replace16(bytes, 8, readUint16(bytes, 8) - 0x100, [10])
  // RFC 768: a computed zero is sent as all ones, for zero says "none".
  if (protocol === 'udp' && hasChecksum && readUint16(bytes, checksumAt) === 0)
    writeUint16(bytes, checksumAt, 0xffff)
}

function replace16(bytes: Uint8Array, at: number, value: number, checksums: readonly number[]): void {
  const old = readUint16(bytes, at)
  writeUint16(bytes, at, value)
  for (const place of checksums) {
    let sum = (~readUint16(bytes, place) & 0xffff) + (~old & 0xffff) + (value & 0xffff)
    sum = (sum & 0xffff) + (sum >>> 16)
    sum = (sum & 0xffff) + (sum >>> 16)
    writeUint16(bytes, place, ~sum & 0xffff)
  }
}

/** Cuts a packet that is too long for the network (RFC 791, 3.2). One without options, as passt makes them. */
export function fragmentsOf(packet: Uint8Array, mtu: number): Uint8Array[] {
  if (packet.length <= mtu) return [packet]
  const header = (packet[0]! & 0x0f) * 4
  const step = (mtu - header) & ~7
  const fragments: Uint8Array[] = []
  for (let at = header; at < packet.length; at += step) {
    const piece = packet.subarray(at, at + step)
    const fragment = new Uint8Array(header + piece.length)
    fragment.set(packet.subarray(0, header))
    fragment.set(piece, header)
    const more = at + step < packet.length ? 0x2000 : 0
    writeUint16(fragment, 2, fragment.length)
    writeUint16(fragment, 6, more | ((at - header) / 8))
    writeUint16(fragment, 10, 0)
    writeUint16(fragment, 10, checksum(fragment.subarray(0, header)))
    fragments.push(fragment)
  }
  return fragments
}

/** "Time exceeded in transit" (RFC 792, page 6): what traceroute lives on. */
export function timeExceeded(packet: Uint8Array, from: number): Uint8Array {
  const quoted = packet.subarray(0, Math.min(packet.length, (packet[0]! & 0x0f) * 4 + 8))
  const bytes = new Uint8Array(HEADER_BYTES + 8 + quoted.length)
  bytes[0] = 0x45
  writeUint16(bytes, 2, bytes.length)
  bytes[8] = 64
  bytes[9] = IP_PROTOCOL.icmp
  writeUint32(bytes, 12, from)
  writeUint32(bytes, 16, readUint32(packet, 12))
  writeUint16(bytes, 10, checksum(bytes.subarray(0, HEADER_BYTES)))
  bytes[HEADER_BYTES] = 11
  bytes.set(quoted, HEADER_BYTES + 8)
  writeUint16(bytes, HEADER_BYTES + 2, checksum(bytes.subarray(HEADER_BYTES)))
  return bytes
}
