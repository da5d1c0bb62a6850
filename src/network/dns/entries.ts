import { z } from 'zod'
import { fromHex, toHex } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import { type Journal, loadEntries } from '../journal.ts'
import { nameBytes, nameKey } from './name.ts'
import { type DnsRecord, readData, record } from './record.ts'

/** Records that stations registered (RFC 2136), as they outlive the process. */

export interface Registration {
  /** The address of the station that registered it. */
  readonly owner: number
  readonly record: DnsRecord
  /** Milliseconds since 1970. */
  readonly renewedAt: number
}

export const dnsEntrySchema = z.object({
  /** Type, data and name in small letters: what makes a record the same. */
  key: z.string(),
  name: z.string().refine((text) => nameBytes(text) !== undefined, 'It is not a domain name'),
  type: z.int().min(1).max(0xffff),
  ttlSeconds: z.int().min(0).max(0xffff_ffff),
  /** Wire form without compression, hexadecimal. */
  data: z.string().refine((text) => fromHex(text) !== undefined, 'It is not hexadecimal'),
  owner: z.string().refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address'),
  renewedAt: z.iso.datetime(),
})

export type DnsEntry = z.infer<typeof dnsEntrySchema>

export function registrationKey({ name, type, data }: DnsRecord): string {
  return `${type} ${toHex(data)} ${nameKey(name)}`
}

export function dnsEntry({ owner, record, renewedAt }: Registration): DnsEntry {
  const { name, type, ttlSeconds, data } = record
  return {
    key: registrationKey(record),
    ...{ name, type, ttlSeconds },
    data: toHex(data),
    owner: formatIpv4(owner),
    renewedAt: new Date(renewedAt).toISOString(),
  }
}

/** Undefined for an entry whose data is not of its type, or whose key is another's. */
export function registrationOf(entry: DnsEntry): Registration | undefined {
  const data = fromHex(entry.data)!
  if (data.length === 0 || readData(data, entry.type, 0, data.length) === undefined) return undefined
  const kept = record(entry.name, entry.type, entry.ttlSeconds, data)
  if (registrationKey(kept) !== entry.key) return undefined
  return { owner: parseIpv4(entry.owner)!, record: kept, renewedAt: Date.parse(entry.renewedAt) }
}

/** @throws VivariumError kind `malformed` when the stored registrations are not such. */
export function loadDnsEntries(journal: Journal<DnsEntry>): readonly DnsEntry[] {
  return loadEntries(journal, dnsEntrySchema, {
    code: 'dns-registrations-malformed',
    message: 'The stored DNS registrations are not a list of such.',
    next: 'Move their file away; the guests then register anew.',
  })
}
