import { parseIpv4, writeUint32 } from '../addresses.ts'
import { parseIpv6 } from '../ipv6/address.ts'
import { absoluteName, nameBytes } from './name.ts'
import { type DnsRecord, exchangeData, record, serviceData, textData } from './record.ts'
import type { DnsRecordSettings } from './settings.ts'
import { TYPE } from './types.ts'

/** A static record from its text, as a zone file has it (RFC 1035, 5.1). @returns a sentence where it is none. */
export function staticRecord(settings: DnsRecordSettings, domain: string): DnsRecord | string {
  const { type, value, ttlSeconds = 3600 } = settings
  const name = absoluteName(settings.name, domain)
  if (nameBytes(name) === undefined) return `"${settings.name}" is not a domain name.`
  const { read, form } = DATA[type]
  const data = read(value.trim(), domain)
  return data === undefined ? `"${value}" is not ${form}.` : record(name, TYPE[type], ttlSeconds, data)
}

interface DataReader {
  /** The data's wire form; undefined for other text. */
  readonly read: (text: string, domain: string) => Uint8Array | undefined
  /** What the text should be, for people. */
  readonly form: string
}

const NAME_DATA: DataReader = { read: targetBytes, form: 'a domain name' }

const DATA: Readonly<Record<DnsRecordSettings['type'], DataReader>> = {
  A: { read: ipv4Data, form: 'an IPv4 address' },
  AAAA: { read: parseIpv6, form: 'an IPv6 address' },
  CNAME: NAME_DATA,
  NS: NAME_DATA,
  PTR: NAME_DATA,
  MX: { read: mailData, form: 'a preference and a name, such as "10 mail"' },
  SRV: { read: serverData, form: 'priority, weight, port and name, such as "0 100 389 dc1"' },
  TXT: { read: stringsData, form: 'text in strings of up to 255 bytes' },
}

function ipv4Data(text: string): Uint8Array | undefined {
  const address = parseIpv4(text)
  if (address === undefined) return undefined
  const data = new Uint8Array(4)
  writeUint32(data, 0, address)
  return data
}

function targetBytes(text: string, domain: string): Uint8Array | undefined {
  return /\s/.test(text) ? undefined : nameBytes(absoluteName(text, domain))
}

function mailData(text: string, domain: string): Uint8Array | undefined {
  const [numbers, target] = numbersAndTarget(text, 1, domain) ?? []
  return target === undefined ? undefined : exchangeData(numbers![0]!, target)
}

function serverData(text: string, domain: string): Uint8Array | undefined {
  const [numbers, target] = numbersAndTarget(text, 3, domain) ?? []
  return target === undefined ? undefined : serviceData(numbers![0]!, numbers![1]!, numbers![2]!, target)
}

/** RFC 2782: the root as target (`.`) says that there is no such service. */
function numbersAndTarget(text: string, count: number, domain: string): [number[], string] | undefined {
  const words = text.split(/\s+/)
  const numbers = words.slice(0, -1)
  if (numbers.length !== count || !numbers.every((word) => /^\d{1,5}$/.test(word) && Number(word) <= 0xffff))
    return undefined
  const target = absoluteName(words.at(-1)!, domain)
  return nameBytes(target) === undefined ? undefined : [numbers.map(Number), target]
}

/** Strings in quotation marks, or else the whole text as one; `\"` and `\\` inside. UTF-8. */
function stringsData(text: string): Uint8Array | undefined {
  const isQuoted = text.startsWith('"')
  if (isQuoted && !/^("(\\.|[^"\\])*"\s*)+$/s.test(text)) return undefined
  const strings = isQuoted
    ? [...text.matchAll(/"((?:\\.|[^"\\])*)"/gs)].map(([, inner]) => inner!.replace(/\\(.)/gs, '$1'))
    : [text]
  const encoded = strings.map((string) => new TextEncoder().encode(string))
  return encoded.every(({ length }) => length <= 255) ? textData(encoded) : undefined
}
