import { readUint16, writeUint16 } from './addresses.ts'
import type { Refusal } from './answer.ts'
import { checksum } from './checksum.ts'

/** ICMP echo (RFC 792, page 14), the only messages that a service's host takes part in. */
export interface IcmpEcho {
  readonly kind: 'request' | 'reply'
  readonly identifier: number
  readonly sequence: number
  readonly data: Uint8Array
}

const HEADER_BYTES = 8
const TYPES = { request: 8, reply: 0 } as const

export function decodeIcmpEcho(bytes: Uint8Array): IcmpEcho | Refusal {
  if (bytes.length < HEADER_BYTES || checksum(bytes) !== 0) return 'malformed'
  if ((bytes[0] !== TYPES.request && bytes[0] !== TYPES.reply) || bytes[1] !== 0) return 'not-mine'
  return {
    kind: bytes[0] === TYPES.request ? 'request' : 'reply',
    identifier: readUint16(bytes, 4),
    sequence: readUint16(bytes, 6),
    data: bytes.subarray(HEADER_BYTES),
  }
}

export function encodeIcmpEcho(echo: IcmpEcho): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + echo.data.length)
  bytes[0] = TYPES[echo.kind]
  writeUint16(bytes, 4, echo.identifier)
  writeUint16(bytes, 6, echo.sequence)
  bytes.set(echo.data, HEADER_BYTES)
  writeUint16(bytes, 2, checksum(bytes))
  return bytes
}
