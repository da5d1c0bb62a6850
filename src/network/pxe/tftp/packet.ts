import { asciiBytes, asciiOf } from '../../../base/index.ts'
import { readUint16, writeUint16 } from '../../addresses.ts'
import type { Refusal } from '../../answer.ts'

/** TFTP packets (RFC 1350, section 5; options RFC 2347). */
export type TftpPacket =
  | { readonly kind: 'read' | 'write'; readonly request: TftpRequest }
  | { readonly kind: 'data'; readonly block: number; readonly bytes: Uint8Array }
  | { readonly kind: 'acknowledgment'; readonly block: number }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }
  | { readonly kind: 'options'; readonly options: ReadonlyMap<string, string> }

export interface TftpRequest {
  readonly file: string
  /** In lower case: `octet`, `netascii`, `mail`. */
  readonly mode: string
  /** By names in lower case. */
  readonly options: ReadonlyMap<string, string>
}

export const TFTP_ERROR = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransfer: 5,
  optionsRefused: 8,
} as const

const OPCODE = { read: 1, write: 2, data: 3, acknowledgment: 4, error: 5, options: 6 } as const
/** RFC 2347, section 2: a request is at most 512 octets. */
const MAXIMUM_REQUEST_BYTES = 512

export function decodeTftp(bytes: Uint8Array): TftpPacket | Refusal {
  if (bytes.length < 4) return 'malformed'
  const opcode = readUint16(bytes, 0)
  const block = readUint16(bytes, 2)
  switch (opcode) {
    case OPCODE.read:
    case OPCODE.write: {
      const request = decodeRequest(bytes)
      return request === undefined
        ? 'malformed'
        : { kind: opcode === OPCODE.read ? 'read' : 'write', request }
    }
    case OPCODE.data:
      return { kind: 'data', block, bytes: bytes.subarray(4) }
    case OPCODE.acknowledgment:
      return { kind: 'acknowledgment', block }
    case OPCODE.error:
      return { kind: 'error', code: block, message: asciiOf(bytes.subarray(4)).split('\0', 1)[0]! }
    case OPCODE.options: {
      const texts = textsOf(bytes.subarray(2))
      return texts === undefined ? 'malformed' : { kind: 'options', options: pairsOf(texts) }
    }
    default:
      return 'malformed'
  }
}

export function encodeTftp(packet: TftpPacket): Uint8Array<ArrayBuffer> {
  switch (packet.kind) {
    case 'read':
    case 'write': {
      const { file, mode, options } = packet.request
      return withOpcode(OPCODE[packet.kind], textsBytes([file, mode, ...[...options].flat()]))
    }
    case 'data':
      return withOpcode(OPCODE.data, packet.bytes, packet.block)
    case 'acknowledgment':
      return withOpcode(OPCODE.acknowledgment, new Uint8Array(0), packet.block)
    case 'error':
      return withOpcode(OPCODE.error, textsBytes([packet.message]), packet.code)
    case 'options':
      return withOpcode(OPCODE.options, textsBytes([...packet.options].flat()))
  }
}

function decodeRequest(bytes: Uint8Array): TftpRequest | undefined {
  const texts = bytes.length > MAXIMUM_REQUEST_BYTES ? undefined : textsOf(bytes.subarray(2))
  const [file, mode, ...options] = texts ?? []
  if (file === undefined || file === '' || mode === undefined) return undefined
  return { file, mode: mode.toLowerCase(), options: pairsOf(options) }
}

/** Texts that each end with a zero byte. What follows the last of them is padding: some clients send it. */
function textsOf(bytes: Uint8Array): string[] | undefined {
  const parts = asciiOf(bytes).split('\0')
  return parts.length < 2 ? undefined : parts.slice(0, -1)
}

function pairsOf(texts: readonly string[]): Map<string, string> {
  const pairs = new Map<string, string>()
  for (let at = 0; at + 1 < texts.length; at += 2) pairs.set(texts[at]!.toLowerCase(), texts[at + 1]!)
  return pairs
}

function textsBytes(texts: readonly string[]): Uint8Array {
  return asciiBytes(texts.map((text) => `${text}\0`).join(''))
}

function withOpcode(opcode: number, rest: Uint8Array, number?: number): Uint8Array<ArrayBuffer> {
  const start = number === undefined ? 2 : 4
  const bytes = new Uint8Array(start + rest.length)
  writeUint16(bytes, 0, opcode)
  if (number !== undefined) writeUint16(bytes, 2, number)
  bytes.set(rest, start)
  return bytes
}
