import { readUint16, writeUint16, writeUint32 } from '../addresses.ts'
import { nameBytes, ROOT, readName } from './name.ts'
import { CLASS, TYPE } from './types.ts'

/**
 * Resource records (RFC 1035, 3.2.1). The data is in its wire form without compression, which makes records of every
 * type alike: they are compared, cached and sent on as bytes, unknown types too (RFC 3597, 3).
 */
export interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttlSeconds: number
  readonly data: Uint8Array
}

/** A piece of a record's data: so many bytes, or a name. */
type Field = number | 'name'

/** Types whose data has names in it, or a length of its own. */
const LAYOUTS: ReadonlyMap<number, readonly Field[]> = new Map<number, readonly Field[]>([
  [TYPE.A, [4]],
  [TYPE.AAAA, [16]],
  [TYPE.NS, ['name']],
  [TYPE.CNAME, ['name']],
  [TYPE.DNAME, ['name']],
  [TYPE.PTR, ['name']],
  [TYPE.SOA, ['name', 'name', 20]],
  [TYPE.MX, [2, 'name']],
  [TYPE.SRV, [6, 'name']],
])

/** RFC 3597, 4: only names in the data of RFC 1035's own types may be compressed. */
const COMPRESSED: ReadonlySet<number> = new Set([TYPE.NS, TYPE.CNAME, TYPE.SOA, TYPE.PTR, TYPE.MX])

export type DataPart = { readonly bytes: Uint8Array } | { readonly name: string }

/**
 * Reads data of a type from a message, pointers followed; undefined when it is not what its type says. Data without
 * any bytes is that of an update's deletions and prerequisites (RFC 2136, 2.4 and 2.5).
 */
export function readData(
  message: Uint8Array,
  type: number,
  start: number,
  length: number,
): Uint8Array | undefined {
  const end = start + length
  const layout = LAYOUTS.get(type)
  if (layout === undefined || length === 0) return message.slice(start, end)
  const pieces: Uint8Array[] = []
  let at = start
  for (const field of layout) {
    if (field !== 'name') {
      pieces.push(message.subarray(at, at + field))
      at += field
      continue
    }
    const read = readName(message, at)
    const bytes = read && nameBytes(read.name)
    if (read === undefined || bytes === undefined) return undefined
    pieces.push(bytes)
    at = read.end
  }
  return at === end ? joined(pieces) : undefined
}

/** The data in pieces, with the names apart that a writer may compress. */
export function dataParts({ type, data }: DnsRecord): DataPart[] {
  const layout = LAYOUTS.get(type)
  if (layout === undefined || data.length === 0 || !COMPRESSED.has(type)) return [{ bytes: data }]
  const parts: DataPart[] = []
  let at = 0
  for (const field of layout) {
    const name = field === 'name' ? readName(data, at) : undefined
    const end = name?.end ?? at + Number(field)
    parts.push(name === undefined ? { bytes: data.subarray(at, end) } : { name: name.name })
    at = end
  }
  return parts
}

/** The name that a record points at (NS, CNAME, PTR, MX, SRV); undefined for other types. */
export function targetOf({ type, data }: DnsRecord): string | undefined {
  const layout = LAYOUTS.get(type)
  if (layout === undefined || layout.at(-1) !== 'name' || data.length === 0) return undefined
  return readName(data, layout[0] === 'name' ? 0 : Number(layout[0]))?.name
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** Of a name that was read from a message, or checked with the settings. */
function wireName(name: string): Uint8Array {
  return nameBytes(name)!
}

export function record(name: string, type: number, ttlSeconds: number, data: Uint8Array): DnsRecord {
  return { name, type, class: CLASS.IN, ttlSeconds, data }
}

export function addressRecord(name: string, ttlSeconds: number, address: number): DnsRecord {
  const data = new Uint8Array(4)
  writeUint32(data, 0, address)
  return record(name, TYPE.A, ttlSeconds, data)
}

/** Of a type whose data is one name. */
export function nameRecord(name: string, type: number, ttlSeconds: number, target: string): DnsRecord {
  return record(name, type, ttlSeconds, wireName(target))
}

export interface Authority {
  /** Of the zone's first server. */
  readonly server: string
  readonly serial: number
  /** How long an answer "no" may be kept (RFC 2308, 4), in seconds. */
  readonly negativeSeconds: number
}

/** The other times are those that RFC 1912, 2.2 advises; nobody transfers these zones. */
const REFRESH_SECONDS = 1200
const RETRY_SECONDS = 180
const EXPIRE_SECONDS = 1_209_600

export function authorityRecord(zone: string, { server, serial, negativeSeconds }: Authority): DnsRecord {
  const times = new Uint8Array(20)
  const values = [serial, REFRESH_SECONDS, RETRY_SECONDS, EXPIRE_SECONDS, negativeSeconds]
  for (const [index, value] of values.entries()) writeUint32(times, 4 * index, value)
  const mailbox = wireName(zone === ROOT ? 'hostmaster' : `hostmaster.${zone}`)
  return record(zone, TYPE.SOA, negativeSeconds, joined([wireName(server), mailbox, times]))
}

/** Priority and weight 0 to 65535 (RFC 2782). */
export function serviceData(priority: number, weight: number, port: number, target: string): Uint8Array {
  const head = new Uint8Array(6)
  for (const [index, value] of [priority, weight, port].entries()) writeUint16(head, 2 * index, value)
  return joined([head, wireName(target)])
}

export function exchangeData(preference: number, target: string): Uint8Array {
  const head = new Uint8Array(2)
  writeUint16(head, 0, preference)
  return joined([head, wireName(target)])
}

/** Character strings of up to 255 bytes each (RFC 1035, 3.3.14). */
export function textData(strings: readonly Uint8Array[]): Uint8Array {
  return joined(strings.flatMap((string) => [Uint8Array.of(string.length), string]))
}

/** RFC 2308, 5: the TTL of "no" is the smaller of the SOA's own and its last field. */
export function negativeTtl({ ttlSeconds, data }: DnsRecord): number {
  const at = data.length - 4
  return Math.min(ttlSeconds, readUint16(data, at) * 0x1_0000 + readUint16(data, at + 2))
}
