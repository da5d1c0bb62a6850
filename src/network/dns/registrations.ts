import type { Journal } from '../journal.ts'
import { type DnsEntry, dnsEntry, type Registration, registrationKey } from './entries.ts'
import { nameKey } from './name.ts'
import type { DnsRecord } from './record.ts'
import { isSameData, type RecordStore } from './record-store.ts'

/**
 * The records that stations registered, with who did and when; in the zones' store, in the journal, and within bounds
 * that no station can exceed.
 */

interface Share {
  count: number
  bytes: number
}

/** Names and addresses are short: a guest fills no disk of the host. */
const MOST: Share = { count: 4096, bytes: 1024 * 1024 }
const MOST_OF_STATION: Share = { count: 64, bytes: 64 * 1024 }
/** Windows renews every day; what was not renewed for so long belongs to a machine that is gone. */
const FORGOTTEN_MS = 14 * 86_400_000

export class Registrations {
  readonly #store: RecordStore
  readonly #journal: Journal<DnsEntry>
  readonly #now: () => number
  readonly #byKey = new Map<string, Registration>()
  readonly #byName = new Map<string, Set<string>>()
  readonly #all: Share = { count: 0, bytes: 0 }
  readonly #ofStation = new Map<number, Share>()

  constructor(store: RecordStore, journal: Journal<DnsEntry>, now: () => number) {
    this.#store = store
    this.#journal = journal
    this.#now = now
  }

  at(name: string): Registration[] {
    return [...(this.#byName.get(name) ?? [])].map((key) => this.#byKey.get(key)!)
  }

  /** Room for these beside what is there, whoever has it, and with `isBounded` for one station too. */
  hasRoomFor(records: readonly DnsRecord[], station: number, isBounded: boolean): boolean {
    const added = records.filter((record) => !this.#byKey.has(registrationKey(record)))
    const bytes = added.reduce((sum, record) => sum + bytesOf(record), 0)
    const fits = (share: Share, most: Share) =>
      share.count + added.length <= most.count && share.bytes + bytes <= most.bytes
    const own = this.#ofStation.get(station) ?? { count: 0, bytes: 0 }
    return added.length === 0 || (fits(this.#all, MOST) && (!isBounded || fits(own, MOST_OF_STATION)))
  }

  put(registration: Registration): void {
    this.restore(registration)
    this.#journal.put(dnsEntry(registration))
  }

  /** What the journal has already. */
  restore(registration: Registration): void {
    const { record } = registration
    const key = registrationKey(record)
    const name = nameKey(record.name)
    this.#take(key, name)
    this.#store.add(record)
    this.#byKey.set(key, registration)
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(key))
    this.#count(registration, 1)
  }

  remove(which: (record: DnsRecord) => boolean, name: string): void {
    this.#store.remove(which, name)
    for (const { record } of this.at(name)) {
      if (!which(record)) continue
      this.#take(registrationKey(record), name)
      this.#journal.remove(registrationKey(record))
    }
  }

  isOld({ renewedAt }: Registration): boolean {
    return renewedAt < this.#now() - FORGOTTEN_MS
  }

  forgetOld(): void {
    for (const registration of this.#byKey.values()) {
      if (!this.isOld(registration)) continue
      const { record } = registration
      this.remove((other) => isSameData(other, record), nameKey(record.name))
    }
  }

  #take(key: string, name: string): void {
    const registration = this.#byKey.get(key)
    if (registration === undefined) return
    this.#byKey.delete(key)
    const keys = this.#byName.get(name)
    keys?.delete(key)
    if (keys?.size === 0) this.#byName.delete(name)
    this.#count(registration, -1)
  }

  #count({ owner, record }: Registration, sign: 1 | -1): void {
    const own = this.#ofStation.get(owner) ?? { count: 0, bytes: 0 }
    for (const share of [this.#all, own]) {
      share.count += sign
      share.bytes += sign * bytesOf(record)
    }
    if (own.count === 0) this.#ofStation.delete(owner)
    else this.#ofStation.set(owner, own)
  }
}

function bytesOf({ name, data }: DnsRecord): number {
  return name.length + data.length
}
