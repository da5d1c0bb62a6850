import { asciiOf, toHex } from '../../base/index.ts'
import { formatIpv4, readUint16, readUint32 } from '../addresses.ts'
import { formatIpv6 } from '../ipv6/address.ts'
import { type DnsRecord, targetOf } from './record.ts'
import type { DnsRecordStatus } from './service.ts'
import { TYPE, typeName } from './types.ts'

/** A record for people, in the form of a zone file. */
export function recordText(record: DnsRecord, source: DnsRecordStatus['source']): DnsRecordStatus {
  const { name, type, ttlSeconds } = record
  return { name, type: typeName(type), value: valueText(record), ttlSeconds, source }
}

function valueText(record: DnsRecord): string {
  const { type, data } = record
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => readUint16(data, 2 * index))
  if (data.length === 0) return ''
  if (type === TYPE.A) return formatIpv4(readUint32(data, 0))
  if (type === TYPE.AAAA) return formatIpv6(data)
  if (type === TYPE.MX) return [...numbers(1), targetOf(record)].join(' ')
  if (type === TYPE.SRV) return [...numbers(3), targetOf(record)].join(' ')
  if (type === TYPE.TXT)
    return strings(data)
      .map((string) => JSON.stringify(string))
      .join(' ')
  // RFC 3597, 5: the length and the bytes of what has no form of its own.
  return targetOf(record) ?? `\\# ${data.length} ${toHex(data)}`
}

function strings(data: Uint8Array): string[] {
  const found: string[] = []
  for (let at = 0; at < data.length; at += 1 + data[at]!)
    found.push(asciiOf(data.subarray(at + 1, at + 1 + data[at]!)))
  return found
}
