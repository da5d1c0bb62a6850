import { readMac, readUint16, readUint32, writeMac, writeUint16, writeUint32 } from './addresses.ts'
import type { Refusal } from './answer.ts'

/**
 * Address resolution for IPv4 over Ethernet (RFC 826).
 *
 *     0        2          4    5    6           8              14        18             24       28
 *     | hardware | protocol | hlen | plen | operation | sender MAC | sender IP | target MAC | target IP |
 */
export interface ArpPacket {
  readonly operation: 'request' | 'reply'
  readonly senderMac: number
  readonly senderAddress: number
  readonly targetMac: number
  readonly targetAddress: number
}

const ARP_BYTES = 28
const HARDWARE_ETHERNET = 1
const PROTOCOL_IPV4 = 0x0800
const OPERATIONS = { request: 1, reply: 2 } as const

export function decodeArp(bytes: Uint8Array): ArpPacket | Refusal {
  if (bytes.length < 8) return 'malformed'
  if (readUint16(bytes, 0) !== HARDWARE_ETHERNET || readUint16(bytes, 2) !== PROTOCOL_IPV4) return 'not-mine'
  if (bytes[4] !== 6 || bytes[5] !== 4 || bytes.length < ARP_BYTES) return 'malformed'
  const operation = readUint16(bytes, 6)
  // 3 and 4 are reverse ARP (RFC 903), 8 and 9 inverse ARP (RFC 2390).
  if (operation !== OPERATIONS.request && operation !== OPERATIONS.reply) return 'not-mine'
  return {
    operation: operation === OPERATIONS.request ? 'request' : 'reply',
    senderMac: readMac(bytes, 8),
    senderAddress: readUint32(bytes, 14),
    targetMac: readMac(bytes, 18),
    targetAddress: readUint32(bytes, 24),
  }
}

export function encodeArp(packet: ArpPacket): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ARP_BYTES)
  writeUint16(bytes, 0, HARDWARE_ETHERNET)
  writeUint16(bytes, 2, PROTOCOL_IPV4)
  bytes[4] = 6
  bytes[5] = 4
  writeUint16(bytes, 6, OPERATIONS[packet.operation])
  writeMac(bytes, 8, packet.senderMac)
  writeUint32(bytes, 14, packet.senderAddress)
  writeMac(bytes, 18, packet.targetMac)
  writeUint32(bytes, 24, packet.targetAddress)
  return bytes
}
