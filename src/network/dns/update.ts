import { readUint32 } from '../addresses.ts'
import { afterSaving, type Journal } from '../journal.ts'
import { type DnsEntry, loadDnsEntries, type Registration, registrationOf } from './entries.ts'
import type { DnsMessage } from './message.ts'
import { isWithin, nameKey } from './name.ts'
import type { DnsPlan } from './plan.ts'
import { type DnsRecord, targetOf } from './record.ts'
import { isSameData } from './record-store.ts'
import { Registrations } from './registrations.ts'
import { reverseOfIpv4 } from './reverse.ts'
import { CLASS, RCODE, TYPE } from './types.ts'
import { prerequisitesFail } from './update-prerequisites.ts'
import { RESERVED_LABELS, type Zones } from './zones.ts'

/**
 * What stations register by themselves (RFC 2136). Nobody signs here, so what a station may say is bound to the
 * address that it says it from: `own` lets it name that address, by a name that is nobody else's.
 */

/** IANA: 128 to 255 are questions about types, and no records; SOA and NS of our zones are ours. */
const isMetaType = (type: number) => type >= 128 && type <= 255

export interface UpdateSettings {
  readonly policy: DnsPlan['updates']
  readonly now: () => number
  readonly journal: Journal<DnsEntry>
}

export class Updates {
  readonly #zones: Zones
  readonly #policy: DnsPlan['updates']
  readonly #now: () => number
  readonly #journal: Journal<DnsEntry>
  readonly #registrations: Registrations

  /** @throws VivariumError kind `malformed` when the journal is not one of registrations. */
  constructor(zones: Zones, { policy, now, journal }: UpdateSettings) {
    this.#zones = zones
    this.#policy = policy
    this.#now = now
    this.#journal = journal
    this.#registrations = new Registrations(zones.registered, journal, now)
    this.#restore()
  }

  /** Whole or not at all (section 3.7). @returns the response code */
  apply(update: DnsMessage, station: number): number {
    const [zone, ...more] = update.questions
    if (zone === undefined || more.length > 0 || zone.type !== TYPE.SOA) return RCODE.formatError
    const zoneKey = nameKey(zone.name)
    if (zone.class !== CLASS.IN || this.#zones.updatableZoneOf(zoneKey) !== zoneKey)
      return RCODE.notAuthoritative
    if (this.#policy === 'none') return RCODE.refused
    this.#registrations.forgetOld()
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

  /** Section 3.5: what a station is told to be done is on disk before. */
  whenSaved<Value>(value: Value): Value | Promise<Value> {
    return afterSaving(this.#journal, value)
  }

  /** What was registered before, as far as the settings of now allow it. A pointer needs the name that it points to. */
  #restore(): void {
    const isPointer = ({ type }: DnsEntry) => type === TYPE.PTR
    const inOrder = loadDnsEntries(this.#journal).toSorted(
      (one, other) => Number(isPointer(one)) - Number(isPointer(other)),
    )
    for (const entry of inOrder) {
      const registration = registrationOf(entry)
      if (registration !== undefined && this.#mayReturn(registration))
        this.#registrations.restore(registration)
      else this.#journal.remove(entry.key)
    }
  }

  #mayReturn(registration: Registration): boolean {
    const { record, owner } = registration
    const zone = this.#zones.updatableZoneOf(nameKey(record.name))
    if (this.#policy === 'none' || zone === undefined || this.#registrations.isOld(registration)) return false
    return this.#faultOf(record, zone, owner) === undefined && this.#hasRoom([record], owner)
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
    const owners = this.#registrations.at(key).map(({ owner }) => owner)
    if (owners.length > 0) return owners.every((owner) => owner === station)
    return this.#zones.recordsAt(key).length === 0 || this.#has(key, station)
  }

  #hasRoom(changes: readonly DnsRecord[], station: number): boolean {
    const added = changes.filter((change) => change.class === CLASS.IN)
    return this.#registrations.hasRoomFor(added, station, this.#policy !== 'all')
  }

  /** Section 3.4.2. */
  #change(change: DnsRecord, station: number): void {
    const key = nameKey(change.name)
    if (change.class === CLASS.ANY)
      this.#registrations.remove((record) => change.type === TYPE.ANY || record.type === change.type, key)
    else if (change.class === CLASS.NONE)
      this.#registrations.remove((record) => isSameData(record, change), key)
    else this.#add(change, key, station)
  }

  #add(change: DnsRecord, key: string, station: number): void {
    // Section 3.4.2.2: an alias and other records do not become neighbours, and a name has one alias.
    const others = this.#zones.recordsAt(key)
    const isAlias = change.type === TYPE.CNAME
    if (others.some(({ type }) => (type === TYPE.CNAME) !== isAlias)) return
    if (isAlias) this.#registrations.remove(({ type }) => type === TYPE.CNAME, key)
    this.#registrations.put({ owner: station, record: change, renewedAt: this.#now() })
  }
}
