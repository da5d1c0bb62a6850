import { BROADCAST_ADDRESS } from '../addresses.ts'
import type { Journal } from '../journal.ts'
import { loadWinsEntries, type WinsEntry, winsEntry, winsRegistration } from './entries.ts'
import { type NetbiosName, netbiosKey, SUFFIX } from './netbios-name.ts'

/**
 * Who has which NetBIOS name. A unique name is one machine's, with an address for each of its adapters; a group is
 * anybody's, and found by broadcast; an internet group is a list of its members (Microsoft: up to 25).
 */
export type NameKind = 'unique' | 'group' | 'internetGroup'

export interface Owner {
  /** Where it registered from: only there may it be given back. */
  readonly address: number
  readonly mac: number
}

export interface Member {
  readonly address: number
  readonly nodeType: number
  /** Undefined: the settings say so. */
  readonly owner: Owner | undefined
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export interface Registration {
  readonly name: NetbiosName
  readonly kind: NameKind
  readonly members: readonly Member[]
}

export const MAXIMUM_MEMBERS = 25
const MAXIMUM_REGISTRATIONS = 4096
/** Of one station. Windows has about ten names. */
const MAXIMUM_OF_STATION = 256

export function kindOf({ suffix }: NetbiosName, isGroup: boolean): NameKind {
  if (!isGroup) return 'unique'
  return suffix === SUFFIX.domainControllers || suffix === SUFFIX.server ? 'internetGroup' : 'group'
}

export class NameTable {
  readonly #now: () => number
  readonly #journal: Journal<WinsEntry>
  readonly #registrations = new Map<string, Registration>()

  constructor(now: () => number, journal: Journal<WinsEntry>) {
    this.#now = now
    this.#journal = journal
  }

  /**
   * What machines registered before, with the time that they were told: as far as it has not ended, is of this
   * network, and is not given away by the settings, which are in the table already.
   * @throws VivariumError kind `malformed` when the journal is not one of registrations.
   */
  restore(isHere: (address: number) => boolean): void {
    for (const entry of loadWinsEntries(this.#journal)) {
      const { name, kind, members } = winsRegistration(entry)
      const isFree = netbiosKey(name) === entry.key && this.find(name) === undefined
      const kept = members.filter(
        ({ address, owner, expiresAt }) =>
          expiresAt > this.#now() && isHere(owner!.address) && (kind === 'group' || isHere(address)),
      )
      if (isFree && kept.length > 0 && this.#registrations.size < MAXIMUM_REGISTRATIONS)
        this.#registrations.set(entry.key, { name, kind, members: kept })
      else this.#journal.remove(entry.key)
    }
  }

  /** What holds now. */
  find(name: NetbiosName): Registration | undefined {
    const key = netbiosKey(name)
    const found = this.#registrations.get(key)
    if (found === undefined) return undefined
    const members = found.members.filter(({ expiresAt }) => expiresAt > this.#now())
    if (members.length === found.members.length) return found
    return this.#put(key, { ...found, members })
  }

  all(): Registration[] {
    for (const { name } of [...this.#registrations.values()]) this.find(name)
    return [...this.#registrations.values()]
  }

  hasRoomFor(name: NetbiosName, station: number): boolean {
    if (this.#registrations.has(netbiosKey(name))) return true
    const all =
      this.#registrations.size < MAXIMUM_REGISTRATIONS ? [...this.#registrations.values()] : this.all()
    const mine = all.filter(({ members }) => members.some(({ owner }) => owner?.address === station))
    return all.length < MAXIMUM_REGISTRATIONS && mine.length < MAXIMUM_OF_STATION
  }

  /** Adds an address or renews it. Of a group only that it exists is kept. */
  add(name: NetbiosName, kind: NameKind, member: Member): void {
    const kept = kind === 'group' ? { ...member, address: BROADCAST_ADDRESS } : member
    const others = (this.find(name)?.members ?? []).filter(({ address }) => address !== kept.address)
    // The one that was silent longest makes room: it may be gone.
    const oldestFirst = others.toSorted((one, other) => one.expiresAt - other.expiresAt)
    const members = [...oldestFirst.slice(-(MAXIMUM_MEMBERS - 1)), kept]
    this.#put(netbiosKey(name), { name, kind, members })
  }

  remove(name: NetbiosName): void {
    this.#registrations.delete(netbiosKey(name))
    this.#journal.remove(netbiosKey(name))
  }

  /** @returns whether it was its to give back */
  release(name: NetbiosName, address: number, station: number): boolean {
    const found = this.find(name)
    if (found === undefined) return false
    // Others may still be in the group.
    if (found.kind === 'group') return true
    const members = found.members.filter(
      (member) => member.address !== address || member.owner?.address !== station,
    )
    if (members.length === found.members.length) return false
    this.#put(netbiosKey(name), { ...found, members })
    return true
  }

  #put(key: string, registration: Registration): Registration | undefined {
    if (registration.members.length === 0) {
      this.#registrations.delete(key)
      this.#journal.remove(key)
      return undefined
    }
    this.#registrations.set(key, registration)
    const entry = winsEntry(registration)
    if (entry !== undefined) this.#journal.put(entry)
    return registration
  }
}
