import { writeUint16, writeUint32 } from '../addresses.ts'
import { DNSSEC_OK, type DnsMessage, type Edns, FLAG, HEADER_BYTES } from './message.ts'
import { labelsOf, nameBytes } from './name.ts'
import { type DnsRecord, dataParts } from './record.ts'
import { TYPE } from './types.ts'

/** Root, type, class, TTL and an empty list of options. */
const OPT_BYTES = 11
/** A pointer has 14 bits (RFC 1035, 4.1.4). */
const MAXIMUM_POINTER = 0x3fff
const MAXIMUM_MESSAGE_BYTES = 65_535

/**
 * Writes a message with compressed names. What does not fit is left out by whole record sets: of the additional
 * section without a word, of the others with TC (RFC 2181, 9).
 */
export function encodeDns(
  message: DnsMessage,
  maximumBytes = MAXIMUM_MESSAGE_BYTES,
): Uint8Array<ArrayBuffer> {
  const writer = new Writer(maximumBytes - (message.edns === undefined ? 0 : OPT_BYTES))
  for (const { name, type, class: class_ } of message.questions) writer.question(name, type, class_)
  const answers = writer.section(message.answers)
  const authorities = answers.complete ? writer.section(message.authorities) : NOTHING
  const complete = answers.complete && authorities.complete
  const additionals = complete ? writer.section(message.additionals) : NOTHING
  if (message.edns !== undefined) writer.options(message.edns, message.rcode)
  const bytes = writer.bytes()
  writeUint16(bytes, 0, message.id)
  writeUint16(bytes, 2, flagsOf(message, !complete))
  writeUint16(bytes, 4, message.questions.length)
  writeUint16(bytes, 6, answers.count)
  writeUint16(bytes, 8, authorities.count)
  writeUint16(bytes, 10, additionals.count + (message.edns === undefined ? 0 : 1))
  return bytes
}

interface Section {
  readonly count: number
  readonly complete: boolean
}

const NOTHING: Section = { count: 0, complete: false }

function flagsOf(message: DnsMessage, cut: boolean): number {
  return (
    (message.isResponse ? FLAG.response : 0) |
    (message.opcode << 11) |
    (message.authoritative ? FLAG.authoritative : 0) |
    (message.truncated || cut ? FLAG.truncated : 0) |
    (message.recursionDesired ? FLAG.recursionDesired : 0) |
    (message.recursionAvailable ? FLAG.recursionAvailable : 0) |
    (message.authenticData ? FLAG.authenticData : 0) |
    (message.checkingDisabled ? FLAG.checkingDisabled : 0) |
    (message.rcode & 0x0f)
  )
}

class Writer {
  #bytes = new Uint8Array(512)
  #length = HEADER_BYTES
  #limit: number
  /** Where each name, and each end of one, was written. */
  readonly #places = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  question(name: string, type: number, class_: number): void {
    this.#name(name)
    this.#uint16(type)
    this.#uint16(class_)
  }

  section(records: readonly DnsRecord[]): Section {
    let setStart = this.#length
    let setIndex = 0
    for (const [index, record] of records.entries()) {
      const before = records[index - 1]
      if (before?.name !== record.name || before.type !== record.type) {
        setStart = this.#length
        setIndex = index
      }
      this.#record(record)
      if (this.#length <= this.#limit) continue
      this.#length = setStart
      for (const [name, place] of this.#places) if (place >= setStart) this.#places.delete(name)
      return { count: setIndex, complete: false }
    }
    return { count: records.length, complete: true }
  }

  /** The room for it is beyond the limit of the rest. */
  options({ version, udpBytes, dnssecOk }: Edns, rcode: number): void {
    this.#append(Uint8Array.of(0))
    this.#uint16(TYPE.OPT)
    this.#uint16(udpBytes)
    this.#uint16(((rcode >>> 4) << 8) | version)
    this.#uint16(dnssecOk ? DNSSEC_OK : 0)
    this.#uint16(0)
  }

  #record(record: DnsRecord): void {
    this.question(record.name, record.type, record.class)
    const ttl = new Uint8Array(4)
    writeUint32(ttl, 0, record.ttlSeconds)
    this.#append(ttl)
    const lengthAt = this.#length
    this.#uint16(0)
    for (const part of dataParts(record)) 'name' in part ? this.#name(part.name) : this.#append(part.bytes)
    writeUint16(this.#bytes, lengthAt, this.#length - lengthAt - 2)
  }

  /** Names are compressed where they agree to the letter, so that each keeps its case. */
  #name(name: string): void {
    const labels = labelsOf(name)
    for (let i = 0; i < labels.length; i++) {
      const rest = labels.slice(i).join('.')
      const place = this.#places.get(rest)
      if (place !== undefined) {
        this.#uint16(0xc000 | place)
        return
      }
      if (this.#length <= MAXIMUM_POINTER) this.#places.set(rest, this.#length)
      const bytes = nameBytes(labels[i]!)
      if (bytes === undefined) break
      this.#append(bytes.subarray(0, -1))
    }
    this.#append(Uint8Array.of(0))
  }

  #uint16(value: number): void {
    this.#append(Uint8Array.of(value >>> 8, value))
  }

  #append(bytes: Uint8Array): void {
    const end = this.#length + bytes.length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = end
  }
}
