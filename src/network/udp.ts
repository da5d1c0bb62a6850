import { readUint16, writeUint16, writeUint32 } from './addresses.ts'
import type { Refusal } from './answer.ts'
import { checksum, sumWords } from './checksum.ts'
import { IP_PROTOCOL } from './ipv4.ts'

/** UDP datagrams (RFC 768). */
export interface UdpDatagram {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** The addresses around a datagram: its checksum covers them. */
export interface UdpAddresses {
  readonly source: number
  readonly destination: number
}

const HEADER_BYTES = 8

export function decodeUdp(bytes: Uint8Array, addresses: UdpAddresses): UdpDatagram | Refusal {
  if (bytes.length < HEADER_BYTES) return 'malformed'
  const length = readUint16(bytes, 4)
  if (length < HEADER_BYTES || length > bytes.length) return 'malformed'
  const datagram = bytes.subarray(0, length)
  // A checksum of zero means that the sender made none.
  if (readUint16(bytes, 6) !== 0 && checksum(datagram, pseudoHeaderSum(addresses, length)) !== 0)
    return 'malformed'
  return {
    sourcePort: readUint16(bytes, 0),
    destinationPort: readUint16(bytes, 2),
    payload: datagram.subarray(HEADER_BYTES),
  }
}

export function encodeUdp(datagram: UdpDatagram, addresses: UdpAddresses): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + datagram.payload.length)
  writeUint16(bytes, 0, datagram.sourcePort)
  writeUint16(bytes, 2, datagram.destinationPort)
  writeUint16(bytes, 4, bytes.length)
  bytes.set(datagram.payload, HEADER_BYTES)
  // A computed zero is sent as all ones, for zero says "none".
  writeUint16(bytes, 6, checksum(bytes, pseudoHeaderSum(addresses, bytes.length)) || 0xffff)
  return bytes
}

function pseudoHeaderSum(addresses: UdpAddresses, length: number): number {
  const pseudo = new Uint8Array(12)
  writeUint32(pseudo, 0, addresses.source)
  writeUint32(pseudo, 4, addresses.destination)
  pseudo[9] = IP_PROTOCOL.udp
  writeUint16(pseudo, 10, length)
  return sumWords(pseudo)
}
