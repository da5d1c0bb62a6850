import { toHex } from '../../base/index.ts'
import { readUint32 } from '../addresses.ts'
import type { DnsMessage } from './message.ts'
import { isWithin, nameKey } from './name.ts'
import type { DnsPlan } from './plan.ts'
import { type DnsRecord, targetOf } from './record.ts'
import { isSameData } from './record-store.ts'
import { reverseOfIpv4 } from './reverse.ts'
import { CLASS, RCODE, TYPE } from './types.ts'
import { prerequisitesFail } from './update-prerequisites.ts'
import { RESERVED_LABELS, type Zones } from './zones.ts'

/**
 * What stations register by themselves (RFC 2136). Nobody signs here, so what a station may say is bound to the
 * address that it says it from: `own` lets it name that address, by a name that is nobody else's.
 */

interface Registration {
  readonly owner: number
  readonly record: DnsRecord
  readonly renewedAt: number
}

const MAXIMUM_REGISTRATIONS = 4096
const MAXIMUM_OF_STATION = 64
/** Windows renews every day; what was not renewed for so long belongs to a machine that is gone. */
const FORGOTTEN_MS = 14 * 86_400_000
/** IANA: 128 to 255 are questions about types, and no records; SOA and NS of our zones are ours. */
const isMetaType = (type: number) => type >= 128 && type <= 255

export class Updates {
  readonly #zones: Zones
  readonly #policy: DnsPlan['updates']
  readonly #now: () => number
  readonly #registrations = new Map<string, Registration>()

  constructor(zones: Zones, policy: DnsPlan['updates'], now: () => number) {
    this.#zones = zones
    this.#policy = policy
    this.#now = now
  }

  /** Whole or not at all (section 3.7). @returns the response code */
  apply(update: DnsMessage, station: number): number {
    const [zone, ...more] = update.questions
    if (zone === undefined || more.length > 0 || zone.type !== TYPE.SOA) return RCODE.formatError
    const zoneKey = nameKey(zone.name)
    if (zone.class !== CLASS.IN || this.#zones.updatableZoneOf(zoneKey) !== zoneKey)
      return RCODE.notAuthoritative
    if (this.#policy === 'none') return RCODE.refused
    this.#forgetOld()
    const failure = prerequisitesFail(this.#zones, update.answers, zoneKey)
    if (failure !== undefined) return failure
    for (const change of update.authorities) {
      const fault = this.#faultOf(change, zoneKey, station)
      if (fault !== undefined) return fault
    }
    if (!this.#hasRoom(update.authorities, station)) return RCODE.refused
    for (const change of update.authorities) this.#change(change, station)
    this.#zones.changed()
    return RCODE.noError
  }

  /** Section 3.4.1, and whether this station may. */
  #faultOf(change: DnsRecord, zone: string, station: number): number | undefined {
    const key = nameKey(change.name)
    if (!isWithin(key, zone)) return RCODE.notInZone
    const isAddition = change.class === CLASS.IN
    const isSetDeletion = change.class === CLASS.ANY
    if (!isAddition && !isSetDeletion && change.class !== CLASS.NONE) return RCODE.formatError
    if (isMetaType(change.type) && !(isSetDeletion && change.type === TYPE.ANY)) return RCODE.formatError
    if (!isAddition && change.ttlSeconds !== 0) return RCODE.formatError
    if (isSetDeletion !== (change.data.length === 0)) return RCODE.formatError
    if (isAddition && this.#isFixed(key, change.type)) return RCODE.refused
    return this.#policy === 'all' || this.#isOwn(change, key, station) ? undefined : RCODE.refused
  }

  /** What the settings say cannot be said otherwise, nor can what the zone itself needs. */
  #isFixed(key: string, type: number): boolean {
    const fixed = this.#zones.static.at(key)
    const isZoneOwn = type === TYPE.SOA || (type === TYPE.NS && this.#zones.updatableZoneOf(key) === key)
    return isZoneOwn || fixed.some((each) => each.type === type || each.type === TYPE.CNAME)
  }

  #isOwn(change: DnsRecord, key: string, station: number): boolean {
    if (key === reverseOfIpv4(station)) return change.class !== CLASS.IN || this.#mayPointTo(change, station)
    const label = key.split('.')[0]!
    if (key === this.#zones.domain || label.startsWith('_') || RESERVED_LABELS.has(label)) return false
    if (!this.#isFree(key, station)) return false
    if (change.class !== CLASS.IN || change.type === TYPE.AAAA) return true
    return change.type === TYPE.A && readUint32(change.data, 0) === station
  }

  #mayPointTo(change: DnsRecord, station: number): boolean {
    const target = change.type === TYPE.PTR ? targetOf(change) : undefined
    if (target === undefined) return false
    return !isWithin(nameKey(target), this.#zones.domain) || this.#has(nameKey(target), station)
  }

  #has(key: string, station: number): boolean {
    return this.#zones
      .recordsAt(key)
      .some(({ type, data }) => type === TYPE.A && readUint32(data, 0) === station)
  }

  /** Nobody has the name, or this station has it. */
  #isFree(key: string, station: number): boolean {
    if (this.#zones.static.at(key).length > 0) return false
    const owners = this.#registered(key).map(({ owner }) => owner)
    if (owners.length > 0) return owners.every((owner) => owner === station)
    return this.#zones.recordsAt(key).length === 0 || this.#has(key, station)
  }

  #registered(key: string): Registration[] {
    return [...this.#registrations.values()].filter(({ record }) => nameKey(record.name) === key)
  }

  #hasRoom(changes: readonly DnsRecord[], station: number): boolean {
    const added = changes.filter(
      (change) => change.class === CLASS.IN && !this.#registrations.has(idOf(change)),
    )
    const mine = [...this.#registrations.values()].filter(({ owner }) => owner === station).length
    const bound = this.#policy === 'all' ? MAXIMUM_REGISTRATIONS : MAXIMUM_OF_STATION
    return mine + added.length <= bound && this.#registrations.size + added.length <= MAXIMUM_REGISTRATIONS
  }

  /** Section 3.4.2. */
  #change(change: DnsRecord, station: number): void {
    const key = nameKey(change.name)
    if (change.class === CLASS.ANY)
      this.#remove((record) => change.type === TYPE.ANY || record.type === change.type, key)
    else if (change.class === CLASS.NONE) this.#remove((record) => isSameData(record, change), key)
    else this.#add(change, key, station)
  }

  #add(change: DnsRecord, key: string, station: number): void {
    // Section 3.4.2.2: an alias and other records do not become neighbours, and a name has one alias.
    const others = this.#zones.recordsAt(key)
    const isAlias = change.type === TYPE.CNAME
    if (others.some(({ type }) => (type === TYPE.CNAME) !== isAlias)) return
    if (isAlias) this.#remove(({ type }) => type === TYPE.CNAME, key)
    this.#zones.registered.add(change)
    this.#registrations.set(idOf(change), { owner: station, record: change, renewedAt: this.#now() })
  }

  #remove(which: (record: DnsRecord) => boolean, key: string): void {
    this.#zones.registered.remove(which, key)
    for (const [id, { record }] of this.#registrations)
      if (nameKey(record.name) === key && which(record)) this.#registrations.delete(id)
  }

  #forgetOld(): void {
    const oldest = this.#now() - FORGOTTEN_MS
    for (const { record, renewedAt } of this.#registrations.values())
      if (renewedAt < oldest) this.#remove((other) => isSameData(other, record), nameKey(record.name))
  }
}

function idOf({ name, type, data }: DnsRecord): string {
  return `${type} ${toHex(data)} ${nameKey(name)}`
}
