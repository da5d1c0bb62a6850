import { toHex } from '../../base/index.ts'
import { nameKey, parentOf, ROOT } from './name.ts'
import type { DnsRecord } from './record.ts'
import { TYPE } from './types.ts'

/** Records by name; knows too which names are there only because others lie below them, and who has an address. */
export class RecordStore {
  readonly #records = new Map<string, DnsRecord[]>()
  /** How many records lie at a name or below it: it exists while there are any (RFC 4592, 2.2.2). */
  readonly #below = new Map<string, number>()
  readonly #byAddress = new Map<string, Set<string>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** A record of the same data takes the place of the old one (RFC 2136, 3.4.2.2). */
  add(record: DnsRecord): void {
    this.remove((other) => isSameData(other, record), nameKey(record.name))
    const key = nameKey(record.name)
    this.#records.set(key, [...(this.#records.get(key) ?? []), record])
    this.#count(key, 1)
    if (isAddress(record)) {
      const names = this.#byAddress.get(toHex(record.data)) ?? new Set()
      this.#byAddress.set(toHex(record.data), names.add(record.name))
    }
  }

  /** @returns whether any was there */
  remove(which: (record: DnsRecord) => boolean, key: string): boolean {
    const records = this.#records.get(key) ?? []
    const kept = records.filter((record) => !which(record))
    if (kept.length === records.length) return false
    for (const record of records.filter(which)) this.#forgetAddress(record)
    this.#count(key, kept.length - records.length)
    if (kept.length > 0) this.#records.set(key, kept)
    else this.#records.delete(key)
    return true
  }

  at(key: string): readonly DnsRecord[] {
    return this.#records.get(key) ?? []
  }

  exists(key: string): boolean {
    return this.#below.has(key)
  }

  /** Names that have this address: 4 or 16 bytes. */
  namesOf(address: Uint8Array): string[] {
    return [...(this.#byAddress.get(toHex(address)) ?? [])]
  }

  all(): DnsRecord[] {
    return [...this.#records.values()].flat()
  }

  #count(key: string, change: number): void {
    this.#size += change
    for (let name = key; ; name = parentOf(name)) {
      const count = (this.#below.get(name) ?? 0) + change
      if (count > 0) this.#below.set(name, count)
      else this.#below.delete(name)
      if (name === ROOT) return
    }
  }

  #forgetAddress(record: DnsRecord): void {
    if (!isAddress(record)) return
    const names = this.#byAddress.get(toHex(record.data))
    names?.delete(record.name)
    if (names?.size === 0) this.#byAddress.delete(toHex(record.data))
  }
}

export function isSameData(one: DnsRecord, other: DnsRecord): boolean {
  return one.type === other.type && toHex(one.data) === toHex(other.data)
}

function isAddress({ type }: DnsRecord): boolean {
  return type === TYPE.A || type === TYPE.AAAA
}
