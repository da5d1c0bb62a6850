import { readUint16, readUint32, writeUint16, writeUint32 } from '../addresses.ts'
import { readName } from '../dns/name.ts'
import { type NetbiosName, netbiosBytes, netbiosFromDomain } from './netbios-name.ts'

/** Packets of the NetBIOS name service (RFC 1002, 4.2). */
export interface NbnsMessage {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  /** NM_FLAGS (4.2.1.1). */
  readonly flags: number
  readonly rcode: number
  readonly question?: NbnsQuestion
  /** The first of its records, whichever section that is in. */
  readonly record?: NbnsRecord
  /** Of its question or record: there are none on our networks. */
  readonly scope: string
}

export interface NbnsQuestion {
  readonly name: NetbiosName
  readonly type: number
}

export interface NbnsRecord {
  readonly name: NetbiosName
  readonly type: number
  readonly ttlSeconds: number
  readonly data: Uint8Array
}

export interface NbnsAddress {
  readonly isGroup: boolean
  /** ONT: 0 = B, 1 = P, 2 = M, 3 = H (Microsoft). */
  readonly nodeType: number
  readonly address: number
}

/** 4.2.1.1; multihomed registration is Microsoft's, and 9 is how some of its versions write a refresh. */
export const OPCODE = {
  query: 0,
  registration: 5,
  release: 6,
  wait: 7,
  refresh: 8,
  otherRefresh: 9,
  multihomed: 15,
} as const

export const FLAG = {
  authoritative: 0x40,
  truncated: 0x20,
  recursionDesired: 0x10,
  recursionAvailable: 0x08,
  broadcast: 0x01,
} as const

/** 4.2.6, 4.2.11, 4.2.14 */
export const RCODE = {
  none: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  unsupported: 4,
  refused: 5,
  active: 6,
} as const

export const TYPE = { name: 0x20, status: 0x21 } as const

const HEADER_BYTES = 12
const RESPONSE = 0x8000
const IN = 1
const GROUP = 0x8000
const ADDRESS_BYTES = 6

export function decodeNbns(bytes: Uint8Array): NbnsMessage | 'malformed' {
  if (bytes.length < HEADER_BYTES) return 'malformed'
  const flags = readUint16(bytes, 2)
  const questions = readUint16(bytes, 4)
  const records = readUint16(bytes, 6) + readUint16(bytes, 8) + readUint16(bytes, 10)
  if (questions > 1) return 'malformed'
  const asked = questions === 1 ? readHead(bytes, HEADER_BYTES) : undefined
  if (questions === 1 && asked === undefined) return 'malformed'
  const answered = records > 0 ? readRecord(bytes, asked?.end ?? HEADER_BYTES) : undefined
  if (records > 0 && answered === undefined) return 'malformed'
  return {
    id: readUint16(bytes, 0),
    isResponse: (flags & RESPONSE) !== 0,
    opcode: (flags >>> 11) & 0x0f,
    flags: (flags >>> 4) & 0x7f,
    rcode: flags & 0x0f,
    scope: asked?.scope ?? answered?.scope ?? '',
    ...(asked && { question: { name: asked.name, type: asked.type } }),
    ...(answered && { record: answered.record }),
  }
}

/** Name, type and class. */
function readHead(bytes: Uint8Array, at: number) {
  const read = readName(bytes, at)
  const name = read && netbiosFromDomain(read.name)
  if (read === undefined || name === undefined || read.end + 4 > bytes.length) return undefined
  return { ...name, type: readUint16(bytes, read.end), end: read.end + 4 }
}

function readRecord(bytes: Uint8Array, at: number) {
  const head = readHead(bytes, at)
  if (head === undefined || head.end + 6 > bytes.length) return undefined
  const start = head.end + 6
  const length = readUint16(bytes, head.end + 4)
  if (start + length > bytes.length) return undefined
  const record: NbnsRecord = {
    name: head.name,
    type: head.type,
    ttlSeconds: readUint32(bytes, head.end),
    data: bytes.slice(start, start + length),
  }
  return { record, scope: head.scope }
}

/** A record is an answer in a response, and additional in a request (4.2.2, 4.2.5). */
export function encodeNbns(message: NbnsMessage): Uint8Array<ArrayBuffer> {
  const { question, record } = message
  const parts: Uint8Array[] = [new Uint8Array(HEADER_BYTES)]
  if (question !== undefined) parts.push(netbiosBytes(question.name), numbers(question.type, IN))
  if (record !== undefined) {
    // A request's record has the name of its question, and points at it.
    parts.push(question === undefined ? netbiosBytes(record.name) : numbers(0xc000 | HEADER_BYTES))
    const ttl = new Uint8Array(4)
    writeUint32(ttl, 0, record.ttlSeconds)
    parts.push(numbers(record.type, IN), ttl, numbers(record.data.length), record.data)
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  const kind = message.isResponse ? RESPONSE : 0
  writeUint16(bytes, 0, message.id)
  writeUint16(bytes, 2, kind | (message.opcode << 11) | (message.flags << 4) | message.rcode)
  writeUint16(bytes, 4, question === undefined ? 0 : 1)
  if (record !== undefined) writeUint16(bytes, message.isResponse ? 6 : 10, 1)
  return bytes
}

function numbers(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length)
  for (const [index, value] of values.entries()) writeUint16(bytes, 2 * index, value)
  return bytes
}

/** ADDR_ENTRYs of a name (4.2.13); undefined when the data is anything else. */
export function readAddresses(data: Uint8Array): NbnsAddress[] | undefined {
  if (data.length === 0 || data.length % ADDRESS_BYTES !== 0) return undefined
  return Array.from({ length: data.length / ADDRESS_BYTES }, (_, index) => {
    const flags = readUint16(data, ADDRESS_BYTES * index)
    return {
      isGroup: (flags & GROUP) !== 0,
      nodeType: (flags >>> 13) & 3,
      address: readUint32(data, ADDRESS_BYTES * index + 2),
    }
  })
}

export function addressData(addresses: readonly NbnsAddress[]): Uint8Array {
  const data = new Uint8Array(ADDRESS_BYTES * addresses.length)
  for (const [index, { isGroup, nodeType, address }] of addresses.entries()) {
    writeUint16(data, ADDRESS_BYTES * index, (isGroup ? GROUP : 0) | (nodeType << 13))
    writeUint32(data, ADDRESS_BYTES * index + 2, address)
  }
  return data
}
