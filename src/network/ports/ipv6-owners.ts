import { readUint16, readUint32 } from '../addresses.ts'
import { ETHERTYPE } from '../ethernet.ts'
import { ICMPV6, ICMPV6_TYPE } from '../ipv6/message.ts'
import { payloadOffset, vlansOf } from '../vlan.ts'

/**
 * Which port of a switch has which IPv6 address: the one that was heard with it first (RFC 6620, first come, first
 * served), for machines make their addresses themselves. A guarded port has it until it is unplugged. At others,
 * behind which there may be a whole network, stations come and go unseen: what was silent there for an hour is free.
 */

interface Holder {
  readonly port: number
  readonly isGuarded: boolean
  heardAt: number
}

const QUIET_MS = 3_600_000
/** Windows makes a new address every day, and keeps the old ones for a week. The one heard first makes room. */
const MAXIMUM_OF_GUARDED = 64
const MAXIMUM_OF_OTHERS = 1024
const IPV6_HEADER_BYTES = 40
const TARGET = 8
const NEIGHBOUR_BYTES = 24

/** An address, in its VLAN: what is heard in one does not count in another. */
export function ipv6Key(bytes: Uint8Array, at: number, vlans: number): string {
  const word = (index: number) => readUint32(bytes, at + 4 * index)
  return `${vlans} ${word(0)} ${word(1)} ${word(2)} ${word(3)}`
}

export class Ipv6Owners {
  readonly #now: () => number
  readonly #holders = new Map<string, Holder>()
  readonly #ofPort = new Map<number, Set<string>>()
  #reserved: ReadonlySet<string> = new Set()
  /** Another number whenever somebody has lost an address. */
  version = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Addresses that are for no guarded port: those of the network's own host. */
  reserve(addresses: readonly Uint8Array[]): void {
    this.#reserved = new Set(addresses.map((address) => ipv6Key(address, 0, 0)))
    this.version++
  }

  /** @param isByRight the address is its by the settings, or made of its MAC. @returns whether it may have it */
  claim(port: number, key: string, isByRight: boolean): boolean {
    if (this.#reserved.has(key)) return false
    const holder = this.#holders.get(key)
    if (holder?.port === port) return true
    if (holder !== undefined && !isByRight && !this.#isQuiet(holder)) return false
    this.#give(key, { port, isGuarded: true, heardAt: this.#now() })
    return true
  }

  /** A frame of a port that nobody guards. */
  hear(port: number, bytes: Uint8Array, frame: number, length: number): void {
    // Two bytes tell almost all frames apart: IPv6 carries nothing but ICMPv6 here, or there is a tag.
    const first = bytes[frame + 12]!
    if (first !== 0x86 && first !== 0x81 && first !== 0x88) return
    const at = payloadOffset(bytes, frame, length)
    const message = at + IPV6_HEADER_BYTES
    if (readUint16(bytes, at - 2) !== ETHERTYPE.ipv6 || message + TARGET > frame + length) return
    const type = bytes[message]!
    const isDiscovery = type >= ICMPV6_TYPE.routerSolicitation && type <= ICMPV6_TYPE.neighbourAdvertisement
    if (bytes[at + 6] !== ICMPV6 || !isDiscovery) return
    const vlans = vlansOf(bytes, frame, at)
    const isNobody = isUnspecifiedAt(bytes, at + 8)
    if (!isNobody) this.#note(port, ipv6Key(bytes, at + 8, vlans))
    const isClaim =
      type === ICMPV6_TYPE.neighbourAdvertisement || (type === ICMPV6_TYPE.neighbourSolicitation && isNobody)
    if (isClaim && message + NEIGHBOUR_BYTES <= frame + length)
      this.#note(port, ipv6Key(bytes, message + TARGET, vlans))
  }

  /** It is unplugged. */
  forget(port: number): void {
    for (const key of this.#ofPort.get(port) ?? []) this.#holders.delete(key)
    this.#ofPort.delete(port)
    this.version++
  }

  #note(port: number, key: string): void {
    const holder = this.#holders.get(key)
    if (holder?.port === port) holder.heardAt = this.#now()
    else if (holder === undefined || this.#isQuiet(holder))
      this.#give(key, { port, isGuarded: false, heardAt: this.#now() })
  }

  #isQuiet({ isGuarded, heardAt }: Holder): boolean {
    return !isGuarded && this.#now() - heardAt > QUIET_MS
  }

  #give(key: string, holder: Holder): void {
    const before = this.#holders.get(key)
    if (before !== undefined) this.#take(key, before.port)
    const keys = this.#ofPort.get(holder.port) ?? new Set()
    this.#ofPort.set(holder.port, keys)
    const [oldest] = keys
    if (oldest !== undefined && keys.size >= (holder.isGuarded ? MAXIMUM_OF_GUARDED : MAXIMUM_OF_OTHERS))
      this.#take(oldest, holder.port)
    keys.add(key)
    this.#holders.set(key, holder)
  }

  #take(key: string, port: number): void {
    this.#ofPort.get(port)?.delete(key)
    this.#holders.delete(key)
    this.version++
  }
}

export function isUnspecifiedAt(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < 16; index += 4) if (readUint32(bytes, at + index) !== 0) return false
  return true
}
