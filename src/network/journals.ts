import { type LeaseRecord, memoryLeases } from './dhcp/lease-records.ts'
import type { DnsEntry } from './dns/entries.ts'
import { type Journal, memoryJournal } from './journal.ts'
import type { WinsEntry } from './wins/entries.ts'

/** What the services of a network remember. */
export interface Journals {
  /** By address. */
  readonly leases: Journal<LeaseRecord>
  /** What stations registered by updates. */
  readonly dns: Journal<DnsEntry>
  /** What machines registered. */
  readonly wins: Journal<WinsEntry>
}

export function memoryJournals(): Journals {
  return {
    leases: memoryLeases(),
    dns: memoryJournal(({ key }) => key),
    wins: memoryJournal(({ key }) => key),
  }
}
