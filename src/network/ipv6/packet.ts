import { readUint16, writeUint16 } from '../addresses.ts'
import type { Refusal } from '../answer.ts'
import { sumWords } from '../checksum.ts'
import { isMulticast } from './address.ts'

/**
 * IPv6 packets without extension headers (RFC 8200, 3).
 *
 *     0                                4        6      7       8        24            40
 *     | version, class, flow label (4) | length | next | hops  | source | destination | payload ... |
 */
export interface Ipv6Packet {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** What the payload is; where extension headers follow, the first of them. */
  readonly nextHeader: number
  readonly hopLimit: number
  readonly payload: Uint8Array
}

const HEADER_BYTES = 40
const VERSION = 6

export function decodeIpv6(bytes: Uint8Array): Ipv6Packet | Refusal {
  if (bytes.length < HEADER_BYTES || bytes[0]! >>> 4 !== VERSION) return 'malformed'
  const end = HEADER_BYTES + readUint16(bytes, 4)
  const source = bytes.subarray(8, 24)
  // Nobody speaks as a group (RFC 4291, 2.7). Behind the end there may be the padding of a short frame.
  if (end > bytes.length || isMulticast(source)) return 'malformed'
  return {
    source,
    destination: bytes.subarray(24, 40),
    nextHeader: bytes[6]!,
    hopLimit: bytes[7]!,
    payload: bytes.subarray(HEADER_BYTES, end),
  }
}

export function encodeIpv6(packet: Ipv6Packet): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + packet.payload.length)
  bytes[0] = VERSION << 4
  writeUint16(bytes, 4, packet.payload.length)
  bytes[6] = packet.nextHeader
  bytes[7] = packet.hopLimit
  bytes.set(packet.source, 8)
  bytes.set(packet.destination, 24)
  bytes.set(packet.payload, HEADER_BYTES)
  return bytes
}

/** The pseudo-header that a checksum begins with (RFC 8200, 8.1). */
export function pseudoHeaderSum({ source, destination, nextHeader, payload }: Ipv6Packet): number {
  return sumWords(destination, sumWords(source)) + payload.length + nextHeader
}
