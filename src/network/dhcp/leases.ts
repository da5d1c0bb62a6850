import { parseIpv4, parseMac } from '../addresses.ts'
import type { Journal } from '../journal.ts'
import {
  type Lease,
  type LeaseRecord,
  type LeaseState,
  leaseRecord,
  MAXIMUM_LEASES,
} from './lease-records.ts'

/**
 * Who has which address of a subnet (RFC 2131, 4.3.1).
 *
 *     (none) --offer--> offered --bind--> bound --release--> released
 *                          |                |----time------> expired
 *                          +----decline-----+--------------> declined      each ends by its time
 *
 * One address belongs to at most one client and one client holds at most one address. A lease that has ended stays
 * in the table, so that its client gets the same address again, until somebody else needs it.
 */

/** The addresses of a subnet that leases are made of. */
export interface LeaseRange {
  readonly start: number
  readonly end: number
  readonly leaseSeconds: number
  /** Somebody has them for good, in the range or outside. */
  readonly taken: ReadonlySet<number>
  /** Each is for one client alone, in the range or outside. */
  readonly reserved: ReadonlySet<number>
}

export interface LeaseSurroundings {
  readonly now: () => number
  readonly store: Journal<LeaseRecord>
  /** What the store had at the start, of any subnet. */
  readonly stored: readonly LeaseRecord[]
  /** The station that was heard using an address, if any. */
  readonly neighbour: (address: number) => number | undefined
  /** A lease began or was renewed. */
  readonly bound?: (lease: Lease) => void
  /** A lease that was bound is over, for whatever reason. */
  readonly ended?: (lease: Lease) => void
}

/** The client has this long to ask for what it was offered. */
const OFFER_MS = 60_000
/** An address that a client found in use is left alone for so long. */
const DECLINED_MS = 600_000
/** A table without a free address is not searched anew for every client that asks. */
const FULL_MS = 1000

export class LeaseTable {
  readonly #range: LeaseRange
  readonly #around: LeaseSurroundings
  readonly #byAddress = new Map<number, Lease>()
  readonly #byClient = new Map<string, Lease>()
  /** How many addresses may be given to anybody, and how many of them are in the table. */
  readonly #plainAddresses: number
  #plainUsed = 0
  #next: number
  #fullUntil = 0

  constructor(range: LeaseRange, around: LeaseSurroundings) {
    this.#range = range
    this.#around = around
    this.#next = range.start
    const kept = new Set([...range.taken, ...range.reserved].filter((address) => this.inRange(address)))
    this.#plainAddresses = range.end - range.start + 1 - kept.size
    for (const record of around.stored) this.#restore(record)
  }

  find(client: string): Lease | undefined {
    return this.#byClient.get(client)
  }

  at(address: number): Lease | undefined {
    return this.#byAddress.get(address)
  }

  inRange(address: number): boolean {
    return address >= this.#range.start && address <= this.#range.end
  }

  /**
   * Holds an address for a client, in the order of RFC 2131, 4.3.1: the one reserved for it, the one it has or had,
   * the one it wishes, one never used, the one unused for longest. Undefined when every address is taken.
   */
  offer(client: string, mac: number, wish: number | undefined, reserved?: number): Lease | undefined {
    const own = this.#byClient.get(client)
    const address =
      (reserved !== undefined && this.isReady(client, mac, reserved) ? reserved : undefined) ??
      (own !== undefined && this.#mayKeep(own, mac, reserved) ? own.address : undefined) ??
      (wish !== undefined && this.#isFree(wish, mac) ? wish : undefined) ??
      this.#search(mac)
    if (address === undefined) return undefined
    if (own?.address === address && own.state === 'bound' && this.isLive(own)) return own
    const hostName = own?.address === address ? own.hostName : undefined
    return this.#put({ address, client, mac, hostName, state: 'offered', endsAt: this.#in(OFFER_MS) })
  }

  /** May a client have it by the settings: is it its own reservation, or an address that anybody may have? */
  isGranted(address: number, reserved: number | undefined): boolean {
    return address === reserved || this.#isPlain(address)
  }

  /**
   * Whether the client that an address is reserved for can have it now. A boot ROM and a system on one machine may
   * have different client ids.
   */
  isReady(client: string, mac: number, reserved: number): boolean {
    const lease = this.#byAddress.get(reserved)
    const isOthers = lease !== undefined && this.isLive(lease) && lease.client !== client && lease.mac !== mac
    return !isOthers && !this.#isHeardElsewhere(reserved, mac)
  }

  /** Makes the client's own lease last for the lease time from now. */
  bind(client: string, mac: number, hostName: string | undefined): void {
    const own = this.#byClient.get(client)
    if (own === undefined) return
    const endsAt = this.#in(this.#range.leaseSeconds * 1000)
    const lease = this.#put({ ...own, mac, hostName, state: 'bound', endsAt })
    this.#around.store.put(leaseRecord(lease))
    this.#around.bound?.(lease)
  }

  release(client: string): void {
    const own = this.#byClient.get(client)
    if (own !== undefined) this.#end(own, 'released', this.#around.now())
  }

  /** The client found its address in use: nobody gets it for a while, and the client asks anew. */
  decline(client: string, user?: number): void {
    const own = this.#byClient.get(client)
    if (own === undefined) return
    this.#end({ ...own, mac: user ?? own.mac }, 'declined', this.#in(DECLINED_MS))
    this.#byClient.delete(client)
  }

  /** The owner takes it away, as if it had never been. @returns whether there was one */
  drop(address: number): boolean {
    const lease = this.#byAddress.get(address)
    if (lease !== undefined) this.#forget(lease)
    return lease !== undefined
  }

  /** Ends what is over by now. @returns when the next lease ends; undefined when none is bound */
  sweep(): number | undefined {
    let next: number | undefined
    for (const lease of this.#byAddress.values()) {
      if (lease.state !== 'bound') continue
      if (!this.isLive(lease)) this.#end(lease, 'expired', lease.endsAt)
      else if (next === undefined || lease.endsAt < next) next = lease.endsAt
    }
    return next
  }

  /** By address. What was only offered and not taken up is not listed. */
  records(): LeaseRecord[] {
    return [...this.#byAddress.values()]
      .filter((lease) => lease.state !== 'offered' || this.isLive(lease))
      .sort((a, b) => a.address - b.address)
      .map(leaseRecord)
  }

  /** Its client may use it, or may still ask for it. */
  isLive({ state, endsAt }: Lease): boolean {
    return state !== 'released' && state !== 'expired' && endsAt > this.#around.now()
  }

  #in(milliseconds: number): number {
    return this.#around.now() + milliseconds
  }

  #put(lease: Lease): Lease {
    const old = this.#byAddress.get(lease.address)
    const own = this.#byClient.get(lease.client)
    if (old !== undefined && old.client !== lease.client) this.#forget(old)
    if (own !== undefined && own.address !== lease.address) this.#forget(own)
    this.#enter(lease)
    this.#byClient.set(lease.client, lease)
    return lease
  }

  #enter(lease: Lease): void {
    if (!this.#byAddress.has(lease.address) && this.#isPlain(lease.address)) this.#plainUsed++
    this.#byAddress.set(lease.address, lease)
  }

  #end(lease: Lease, state: LeaseState, endsAt: number): void {
    const wasBound = lease.state === 'bound'
    const ended = this.#put({ ...lease, state, endsAt })
    this.#fullUntil = 0
    if (wasBound || state === 'declined') this.#around.store.put(leaseRecord(ended))
    if (wasBound) this.#around.ended?.(ended)
  }

  #forget(lease: Lease): void {
    if (this.#byAddress.delete(lease.address) && this.#isPlain(lease.address)) this.#plainUsed--
    if (this.#byClient.get(lease.client) === lease) this.#byClient.delete(lease.client)
    this.#fullUntil = 0
    this.#around.store.remove(leaseRecord(lease).address)
    if (lease.state === 'bound') this.#around.ended?.(lease)
  }

  #isPlain(address: number): boolean {
    const { taken, reserved } = this.#range
    return this.inRange(address) && !taken.has(address) && !reserved.has(address)
  }

  #mayKeep(own: Lease, mac: number, reserved: number | undefined): boolean {
    return this.isGranted(own.address, reserved) && !this.#isHeardElsewhere(own.address, mac)
  }

  #isHeardElsewhere(address: number, mac: number): boolean {
    const heard = this.#around.neighbour(address)
    return heard !== undefined && heard !== mac
  }

  #isFree(address: number, mac: number): boolean {
    if (!this.#isPlain(address) || this.#isHeardElsewhere(address, mac)) return false
    const lease = this.#byAddress.get(address)
    return lease === undefined ? this.#byAddress.size < MAXIMUM_LEASES : !this.isLive(lease)
  }

  #search(mac: number): number | undefined {
    if (this.#fullUntil > this.#around.now()) return undefined
    const found = this.#unused(mac) ?? this.#longestUnused(mac)
    if (found === undefined) this.#fullUntil = this.#in(FULL_MS)
    return found
  }

  /** Walks on from the last address given out; a walk over what is used or heard is bounded by their number. */
  #unused(mac: number): number | undefined {
    const { start, end } = this.#range
    if (this.#byAddress.size >= MAXIMUM_LEASES || this.#plainUsed >= this.#plainAddresses) return undefined
    for (let step = 0; step <= end - start; step++) {
      const address = this.#next
      this.#next = address >= end ? start : address + 1
      if (!this.#byAddress.has(address) && this.#isFree(address, mac)) return address
    }
    return undefined
  }

  #longestUnused(mac: number): number | undefined {
    let found: Lease | undefined
    for (const lease of this.#byAddress.values())
      if (this.#isFree(lease.address, mac) && (found === undefined || lease.endsAt < found.endsAt))
        found = lease
    return found?.address
  }

  /** A lease outside the range (the settings have changed since) is of no use any more. */
  #restore({ client, hostName, state, expiresAt, ...record }: LeaseRecord): void {
    const address = parseIpv4(record.address)
    const mac = parseMac(record.mac)
    if (address === undefined || mac === undefined || this.#range.taken.has(address)) return
    if (!this.inRange(address) && !this.#range.reserved.has(address)) return
    const lease: Lease = { address, client, mac, hostName, state, endsAt: Date.parse(expiresAt) }
    this.#enter(lease)
    if (state === 'declined') return
    this.#byClient.set(client, lease)
    if (state === 'bound' && this.isLive(lease)) this.#around.bound?.(lease)
  }
}
