import { readUint16, readUint32 } from '../addresses.ts'
import { readName } from './name.ts'
import { type DnsRecord, readData } from './record.ts'
import { TYPE } from './types.ts'

/** DNS messages (RFC 1035, 4.1) with EDNS (RFC 6891). */
export interface DnsMessage {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  /** AD and CD (RFC 4035, 3.2). */
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** 12 bits where EDNS is used, else 4. */
  readonly rcode: number
  readonly questions: readonly DnsQuestion[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  /** Without the OPT record, which is `edns`. */
  readonly additionals: readonly DnsRecord[]
  readonly edns?: Edns
}

export interface DnsQuestion {
  readonly name: string
  readonly type: number
  readonly class: number
}

export interface Edns {
  readonly version: number
  /** Largest UDP payload that the sender takes. */
  readonly udpBytes: number
  /** DO (RFC 3225). */
  readonly dnssecOk: boolean
}

export const HEADER_BYTES = 12
export const FLAG = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const
/** In the TTL of the OPT record (RFC 6891, 6.1.3). */
export const DNSSEC_OK = 0x8000
/** Owner, type, class, TTL and length of a record with the shortest owner. */
const MINIMUM_RECORD_BYTES = 11
const MINIMUM_QUESTION_BYTES = 5

/** What a broken message still says: enough to refuse it. */
export interface DnsHeader {
  readonly id: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly recursionDesired: boolean
}

export function decodeDnsHeader(bytes: Uint8Array): DnsHeader | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const flags = readUint16(bytes, 2)
  return {
    id: readUint16(bytes, 0),
    isResponse: (flags & FLAG.response) !== 0,
    opcode: (flags >>> 11) & 0x0f,
    recursionDesired: (flags & FLAG.recursionDesired) !== 0,
  }
}

/** The whole message must make sense; bytes after it are not looked at. */
export function decodeDns(bytes: Uint8Array): DnsMessage | 'malformed' {
  const header = decodeDnsHeader(bytes)
  if (header === undefined) return 'malformed'
  const flags = readUint16(bytes, 2)
  const reader = new Reader(bytes)
  const questions = reader.questions(readUint16(bytes, 4))
  const answers = reader.records(readUint16(bytes, 6))
  const authorities = reader.records(readUint16(bytes, 8))
  const extra = reader.records(readUint16(bytes, 10))
  const options = extra.filter(({ type }) => type === TYPE.OPT)
  if (reader.failed || options.length > 1) return 'malformed'
  const edns = options[0] && readEdns(options[0])
  return {
    ...header,
    authoritative: (flags & FLAG.authoritative) !== 0,
    truncated: (flags & FLAG.truncated) !== 0,
    recursionAvailable: (flags & FLAG.recursionAvailable) !== 0,
    authenticData: (flags & FLAG.authenticData) !== 0,
    checkingDisabled: (flags & FLAG.checkingDisabled) !== 0,
    rcode: (flags & 0x0f) | ((edns?.rcodeHigh ?? 0) << 4),
    questions,
    answers,
    authorities,
    additionals: extra.filter(({ type }) => type !== TYPE.OPT),
    ...(edns && {
      edns: { version: edns.version, udpBytes: edns.udpBytes, dnssecOk: edns.dnssecOk },
    }),
  }
}

/** RFC 6891, 6.1.2 and 6.1.3: class and TTL mean other things here. */
function readEdns({ class: udpBytes, ttlSeconds }: DnsRecord) {
  return {
    udpBytes,
    rcodeHigh: ttlSeconds >>> 24,
    version: (ttlSeconds >>> 16) & 0xff,
    dnssecOk: (ttlSeconds & DNSSEC_OK) !== 0,
  }
}

class Reader {
  failed = false
  readonly #bytes: Uint8Array
  #at = HEADER_BYTES

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  questions(count: number): DnsQuestion[] {
    return this.#list(count, MINIMUM_QUESTION_BYTES, () => {
      const head = this.#head(4)
      return head && { name: head.name, type: head.type, class: head.class }
    })
  }

  records(count: number): DnsRecord[] {
    return this.#list(count, MINIMUM_RECORD_BYTES, () => {
      const head = this.#head(10)
      if (head === undefined) return undefined
      const length = readUint16(this.#bytes, this.#at - 2)
      if (this.#at + length > this.#bytes.length) return undefined
      const ttlSeconds = readUint32(this.#bytes, this.#at - 6)
      const data = readData(this.#bytes, head.type, this.#at, length)
      this.#at += length
      return data && { ...head, ttlSeconds, data }
    })
  }

  /** A count that the rest of the message cannot hold is not believed. */
  #list<Entry>(count: number, minimumBytes: number, next: () => Entry | undefined): Entry[] {
    const entries: Entry[] = []
    if (count * minimumBytes > this.#bytes.length - this.#at) this.failed = true
    while (!this.failed && entries.length < count) {
      const entry = next()
      if (entry === undefined) this.failed = true
      else entries.push(entry)
    }
    return entries
  }

  /** Name, type and class; `bytes` are those after the name. */
  #head(bytes: number): DnsQuestion | undefined {
    const read = readName(this.#bytes, this.#at)
    if (read === undefined || read.end + bytes > this.#bytes.length) return undefined
    this.#at = read.end + bytes
    const { name, end } = read
    return { name, type: readUint16(this.#bytes, end), class: readUint16(this.#bytes, end + 2) }
  }
}
