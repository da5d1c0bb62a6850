import { writeUint32 } from '../addresses.ts'
import type { NameBook } from '../names.ts'
import { isWithin, labelsOf, nameKey, ROOT } from './name.ts'
import type { DnsPlan } from './plan.ts'
import { addressRecord, authorityRecord, type DnsRecord, nameRecord, record } from './record.ts'
import { isSameData, RecordStore } from './record-store.ts'
import {
  ipv4OfReverse,
  ipv6OfReverse,
  isAboveReverseZone,
  isPartOfAddress,
  localZoneOf,
  reverseZoneOf,
  type Subnet,
} from './reverse.ts'
import { TYPE } from './types.ts'

/**
 * What a network knows of names by itself. At every name three sources meet: the static records of its settings,
 * what stations registered, and what follows from the network itself: machines and leases (NameBook), names of
 * addresses, the server. Static records win over what a station says of itself.
 */

/** Names that no station gets by calling itself so, for whoever has them is trusted by others. Windows' server blocks the same. */
export const RESERVED_LABELS: ReadonlySet<string> = new Set(['ns', 'wpad', 'isatap', 'localhost'])
/** Leases come and go: what follows from them is not kept for long. */
const STATION_TTL_SECONDS = 60
const NEGATIVE_TTL_SECONDS = 10
const OWN_TTL_SECONDS = 3600

export class Zones {
  readonly static = new RecordStore()
  readonly registered = new RecordStore()
  readonly #plan: DnsPlan
  readonly #subnet: Subnet
  readonly #names: NameBook
  readonly #server: string
  #serial: number

  constructor(plan: DnsPlan, subnet: Subnet, names: NameBook, startedAt: number) {
    this.#plan = plan
    this.#subnet = subnet
    this.#names = names
    this.#server = `ns.${plan.domain}`
    // Of any start it is higher than of the one before (RFC 1982).
    this.#serial = Math.floor(startedAt / 1000) >>> 0
    for (const each of plan.records) this.static.add(each)
  }

  get domain(): string {
    return this.#plan.domain
  }

  /** Something of the zones is different now. */
  changed(): void {
    this.#serial = (this.#serial + 1) >>> 0
  }

  /** The zone of this network that a name lies in; ROOT where nothing leads out of it. */
  zoneOf(key: string): string | undefined {
    const own = this.updatableZoneOf(key)
    return own ?? localZoneOf(key) ?? (this.#plan.isWholeWorld ? ROOT : undefined)
  }

  /** The zones that stations may register names in. */
  updatableZoneOf(key: string): string | undefined {
    return isWithin(key, this.domain) ? this.domain : reverseZoneOf(key, this.#subnet)
  }

  authority(zone: string): DnsRecord {
    const values = { server: this.#server, serial: this.#serial, negativeSeconds: NEGATIVE_TTL_SECONDS }
    return authorityRecord(zone, values)
  }

  exists(key: string): boolean {
    return (
      this.static.exists(key) ||
      this.registered.exists(key) ||
      isWithin(this.domain, key) ||
      isAboveReverseZone(key, this.#subnet) ||
      (reverseZoneOf(key, this.#subnet) !== undefined &&
        ipv4OfReverse(key) === undefined &&
        isPartOfAddress(key)) ||
      this.recordsAt(key).length > 0
    )
  }

  /** Every record at a name. Their owners are as their sources wrote them. */
  recordsAt(key: string): readonly DnsRecord[] {
    const fixed = this.static.at(key)
    if (fixed.some(({ type }) => type === TYPE.CNAME)) return fixed
    const types = new Set(fixed.map(({ type }) => type))
    const found = [...fixed]
    for (const each of [...this.#derivedAt(key), ...this.registered.at(key)])
      if (!types.has(each.type) && !found.some((other) => isSameData(other, each))) found.push(each)
    return found
  }

  #derivedAt(key: string): DnsRecord[] {
    if (key === this.domain)
      return [this.authority(key), nameRecord(key, TYPE.NS, OWN_TTL_SECONDS, this.#server)]
    if (key === this.#server) return [addressRecord(key, OWN_TTL_SECONDS, this.#subnet.address)]
    if (key === 'localhost') return loopback(key)
    const zone = this.zoneOf(key)
    if (zone === key) return [this.authority(key), nameRecord(key, TYPE.NS, OWN_TTL_SECONDS, this.#server)]
    if (zone === this.domain) return this.#stationAt(key)
    return this.#pointersAt(key)
  }

  /** The addresses of machines and leases. */
  stationRecords(): DnsRecord[] {
    return this.#names.entries().flatMap(({ name, address }) => {
      const host = this.#hostName(name)
      return host === undefined ? [] : [addressRecord(host, STATION_TTL_SECONDS, address)]
    })
  }

  #stationAt(key: string): DnsRecord[] {
    const label = this.#labelBelowDomain(key)
    if (label === undefined || RESERVED_LABELS.has(label)) return []
    const addresses = new Set([...this.#names.addressesOf(label), ...this.#names.addressesOf(key)])
    return [...addresses].map((address) => addressRecord(key, STATION_TTL_SECONDS, address))
  }

  #labelBelowDomain(key: string): string | undefined {
    const labels = labelsOf(key)
    return labels.length === labelsOf(this.domain).length + 1 ? labels[0] : undefined
  }

  /** The names of an address. A registered PTR stands beside these; a static one in their place. */
  #pointersAt(key: string): DnsRecord[] {
    const address = ipv4OfReverse(key)
    const bytes = address === undefined ? ipv6OfReverse(key) : ipv4Bytes(address)
    if (bytes === undefined) return []
    const names = [...this.static.namesOf(bytes), ...this.registered.namesOf(bytes)]
    if (address === this.#subnet.address) names.unshift(this.#server)
    if (address !== undefined)
      for (const name of this.#names.namesOf(address)) {
        const host = this.#hostName(name)
        if (host !== undefined) names.push(host)
      }
    const unique = new Map(names.map((name) => [nameKey(name), name]))
    return [...unique.values()].map((name) => nameRecord(key, TYPE.PTR, STATION_TTL_SECONDS, name))
  }

  /** What a station is called here, if it may be called so. */
  #hostName(name: string): string | undefined {
    const key = nameKey(name)
    const label = key.endsWith(`.${this.domain}`) ? name.slice(0, -this.domain.length - 1) : name
    const isHost = /^(?!-)[\w-]{1,63}$/.test(label) && !RESERVED_LABELS.has(nameKey(label))
    return isHost ? `${label}.${this.domain}` : undefined
  }
}

function loopback(name: string): DnsRecord[] {
  const ipv6 = new Uint8Array(16)
  ipv6[15] = 1
  return [addressRecord(name, OWN_TTL_SECONDS, 0x7f00_0001), record(name, TYPE.AAAA, OWN_TTL_SECONDS, ipv6)]
}

function ipv4Bytes(address: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeUint32(bytes, 0, address)
  return bytes
}
