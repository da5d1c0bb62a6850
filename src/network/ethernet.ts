import { readMac, readUint16, writeMac, writeUint16 } from './addresses.ts'
import type { Refusal } from './answer.ts'

/**
 * Ethernet II frames without the frame check sequence (IEEE 802.3, 3.1.1).
 *
 *     0           6        12     14
 *     | destination | source | type | payload ... |
 */
export interface EthernetFrame {
  readonly destination: number
  readonly source: number
  /** EtherType; below 0x600 it is a length and the frame is 802.2 (IPX, NetBEUI, spanning tree). */
  readonly type: number
  readonly payload: Uint8Array
}

export const ETHERNET_HEADER_BYTES = 14
/** The longest payload that every station takes (802.3, 3.2.7; RFC 894), in bytes. */
export const ETHERNET_MTU = 1500
/** Shorter frames are padded with zeroes (802.3, 4.2.3.3: 64 with the check sequence). */
const MINIMUM_FRAME_BYTES = 60

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const

export function decodeEthernet(frame: Uint8Array): EthernetFrame | Refusal {
  if (frame.length < ETHERNET_HEADER_BYTES) return 'malformed'
  return {
    destination: readMac(frame, 0),
    source: readMac(frame, 6),
    type: readUint16(frame, 12),
    payload: frame.subarray(ETHERNET_HEADER_BYTES),
  }
}

export function encodeEthernet(frame: EthernetFrame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(MINIMUM_FRAME_BYTES, ETHERNET_HEADER_BYTES + frame.payload.length))
  writeMac(bytes, 0, frame.destination)
  writeMac(bytes, 6, frame.source)
  writeUint16(bytes, 12, frame.type)
  bytes.set(frame.payload, ETHERNET_HEADER_BYTES)
  return bytes
}
