import { readUint16, readUint32, writeUint16, writeUint32 } from '../addresses.ts'
import type { Refusal } from '../answer.ts'
import { checksum, sumWords } from '../checksum.ts'
import { IP_PROTOCOL } from '../ipv4.ts'

/**
 * TCP segments (RFC 9293, 3.1).
 *
 *     0             2                  4          8                12       13      14       16         18
 *     | source port | destination port | sequence | acknowledgment | offset | flags | window | checksum | urgent |
 */
export interface TcpSegment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  /** As in the header, not scaled. */
  readonly window: number
  /** Largest segment that the sender takes (3.2); only beside SYN. */
  readonly maximumSegment?: number
  /** Shift of the sender's windows (RFC 7323, 2.2); only beside SYN. */
  readonly windowScale?: number
  readonly payload: Uint8Array
}

export const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const

const HEADER_BYTES = 20
const OPTION = { end: 0, noOperation: 1, maximumSegment: 2, windowScale: 3 } as const
/** RFC 7323, 2.3: a larger shift is taken as this. */
const MAXIMUM_SHIFT = 14

/** How much of the sequence space a segment takes: SYN and FIN count one each (RFC 9293, 3.4). */
export function sequenceLength({ flags, payload }: Pick<TcpSegment, 'flags' | 'payload'>): number {
  return payload.length + (flags & FLAG.syn ? 1 : 0) + (flags & FLAG.fin ? 1 : 0)
}

export function decodeTcp(
  bytes: Uint8Array,
  addresses: { readonly source: number; readonly destination: number },
): TcpSegment | Refusal {
  if (bytes.length < HEADER_BYTES) return 'malformed'
  const headerBytes = (bytes[12]! >>> 4) * 4
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length) return 'malformed'
  if (checksum(bytes, pseudoHeaderSum(addresses, bytes.length)) !== 0) return 'malformed'
  const options = readOptions(bytes.subarray(HEADER_BYTES, headerBytes))
  if (options === undefined) return 'malformed'
  const flags = bytes[13]!
  return {
    sourcePort: readUint16(bytes, 0),
    destinationPort: readUint16(bytes, 2),
    sequence: readUint32(bytes, 4),
    acknowledgment: readUint32(bytes, 8),
    flags,
    window: readUint16(bytes, 14),
    ...(flags & FLAG.syn ? options : undefined),
    payload: bytes.subarray(headerBytes),
  }
}

export function encodeTcp(
  segment: TcpSegment,
  addresses: { readonly source: number; readonly destination: number },
): Uint8Array<ArrayBuffer> {
  const { maximumSegment, windowScale, payload } = segment
  const optionBytes = (maximumSegment === undefined ? 0 : 4) + (windowScale === undefined ? 0 : 4)
  const headerBytes = HEADER_BYTES + optionBytes
  const bytes = new Uint8Array(headerBytes + payload.length)
  writeUint16(bytes, 0, segment.sourcePort)
  writeUint16(bytes, 2, segment.destinationPort)
  writeUint32(bytes, 4, segment.sequence)
  writeUint32(bytes, 8, segment.acknowledgment)
  bytes[12] = (headerBytes / 4) << 4
  bytes[13] = segment.flags
  writeUint16(bytes, 14, segment.window)
  let at = HEADER_BYTES
  if (maximumSegment !== undefined) {
    bytes.set([OPTION.maximumSegment, 4, maximumSegment >>> 8, maximumSegment & 0xff], at)
    at += 4
  }
  if (windowScale !== undefined) bytes.set([OPTION.noOperation, OPTION.windowScale, 3, windowScale], at)
  bytes.set(payload, headerBytes)
  writeUint16(bytes, 16, checksum(bytes, pseudoHeaderSum(addresses, bytes.length)))
  return bytes
}

/** Options of no interest are skipped; undefined when one runs out of the header (3.1, MUST-7). */
function readOptions(bytes: Uint8Array): { maximumSegment?: number; windowScale?: number } | undefined {
  const options: { maximumSegment?: number; windowScale?: number } = {}
  let at = 0
  while (at < bytes.length && bytes[at] !== OPTION.end) {
    if (bytes[at] === OPTION.noOperation) {
      at++
      continue
    }
    const length = bytes[at + 1] ?? 0
    if (length < 2 || at + length > bytes.length) return undefined
    if (bytes[at] === OPTION.maximumSegment && length === 4)
      options.maximumSegment = readUint16(bytes, at + 2)
    if (bytes[at] === OPTION.windowScale && length === 3)
      options.windowScale = Math.min(bytes[at + 2]!, MAXIMUM_SHIFT)
    at += length
  }
  return options
}

function pseudoHeaderSum(
  { source, destination }: { readonly source: number; readonly destination: number },
  length: number,
): number {
  const pseudo = new Uint8Array(12)
  writeUint32(pseudo, 0, source)
  writeUint32(pseudo, 4, destination)
  pseudo[9] = IP_PROTOCOL.tcp
  writeUint16(pseudo, 10, length)
  return sumWords(pseudo)
}
