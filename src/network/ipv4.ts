import { readUint16, readUint32, writeUint16, writeUint32 } from './addresses.ts'
import type { Refusal } from './answer.ts'
import { checksum } from './checksum.ts'

/** IPv4 packets (RFC 791, 3.1). Options are skipped on reading and never written. */
export interface Ipv4Packet {
  readonly source: number
  readonly destination: number
  readonly protocol: number
  readonly identification: number
  /** Hops it may still make. */
  readonly timeToLive: number
  readonly payload: Uint8Array
}

export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const

const HEADER_BYTES = 20
/** More-fragments flag and fragment offset; the don't-fragment flag (0x4000) does not matter here. */
const FRAGMENT_MASK = 0x3fff

/**
 * Verifies version, lengths and header checksum (RFC 1122, 3.2.1.2: a wrong one is dropped). Fragments are
 * `not-mine`: no service here needs a datagram that does not fit one frame.
 */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet | Refusal {
  if (bytes.length < HEADER_BYTES) return 'malformed'
  const headerBytes = (bytes[0]! & 0x0f) * 4
  const totalBytes = readUint16(bytes, 2)
  if (bytes[0]! >>> 4 !== 4 || headerBytes < HEADER_BYTES) return 'malformed'
  if (totalBytes < headerBytes || totalBytes > bytes.length) return 'malformed'
  if (checksum(bytes.subarray(0, headerBytes)) !== 0) return 'malformed'
  if ((readUint16(bytes, 6) & FRAGMENT_MASK) !== 0) return 'not-mine'
  return {
    source: readUint32(bytes, 12),
    destination: readUint32(bytes, 16),
    protocol: bytes[9]!,
    identification: readUint16(bytes, 4),
    timeToLive: bytes[8]!,
    // The frame may be padded: the packet's own length counts.
    payload: bytes.subarray(headerBytes, totalBytes),
  }
}

export function encodeIpv4(packet: Ipv4Packet): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + packet.payload.length)
  bytes[0] = 0x45
  writeUint16(bytes, 2, bytes.length)
  writeUint16(bytes, 4, packet.identification)
  bytes[8] = packet.timeToLive
  bytes[9] = packet.protocol
  writeUint32(bytes, 12, packet.source)
  writeUint32(bytes, 16, packet.destination)
  writeUint16(bytes, 10, checksum(bytes.subarray(0, HEADER_BYTES)))
  bytes.set(packet.payload, HEADER_BYTES)
  return bytes
}
