import { parseMac, readMac, readUint16, readUint32 } from '../addresses.ts'
import { linkLocalAddress, parseIpv6 } from '../ipv6/address.ts'
import { ICMPV6_TYPE, OPTION } from '../ipv6/message.ts'
import { type Ipv6Owners, ipv6Key, isUnspecifiedAt } from './ipv6-owners.ts'
import type { GuardReason } from './port-guard.ts'
import type { Guard } from './settings.ts'

/**
 * What a guarded port may say in IPv6: from its own addresses alone, in neighbour discovery of its own addresses and
 * its own MAC alone (RFC 4861; RFC 6620), and nothing that a router or a DHCPv6 server says. Messages are found as
 * RFC 7113 (3) asks: behind extension headers too, and a packet whose first fragment hides what it is counts as one.
 */

const HEADER_BYTES = 40
const SOURCE = 8
const NEXT = { hopByHop: 0, udp: 17, routing: 43, fragment: 44, icmp: 58, destination: 60 } as const
const LOOKED_INTO: ReadonlySet<number> = new Set(Object.values(NEXT))
const REDIRECT = 137
const DHCPV6_SERVER_PORT = 547
const MAXIMUM_EXTENSIONS = 16
const TARGET = 8
/** Where options begin, in a router solicitation and in the others. */
const OPTIONS_AT = { [ICMPV6_TYPE.routerSolicitation]: 8 } as Readonly<Record<number, number>>
const NEIGHBOUR_OPTIONS_AT = 24

/** What a packet carries behind its extension headers, and where. */
interface Upper {
  readonly next: number
  readonly at: number
  readonly isFragment: boolean
}

export class Ipv6Guard {
  readonly #guard: Guard
  readonly #mac: number
  readonly #port: number
  readonly #owners: Ipv6Owners
  readonly #fixed: ReadonlySet<string>
  /** The source of the last frame, its VLANs, and the owners' version then: the next has mostly the same. */
  readonly #last = [0, 0, 0, 0, 0, -1]

  constructor(guard: Guard, port: number, owners: Ipv6Owners) {
    this.#guard = guard
    this.#mac = parseMac(guard.mac) ?? 0
    this.#port = port
    this.#owners = owners
    const fixed = guard.addresses.map(parseIpv6).filter((address) => address !== undefined)
    this.#fixed = new Set(fixed.map((address) => ipv6Key(address, 0, 0)))
    if (guard.ipv6 === 'own') for (const key of this.#fixed) owners.claim(port, key, true)
  }

  /** @param at of the packet, which ends before `end`, in a frame of these VLANs */
  judge(bytes: Uint8Array, at: number, end: number, vlans: number): GuardReason | undefined {
    if (at + HEADER_BYTES > end) return 'ipv6-address'
    const upper = upperOf(bytes, at, end)
    const isHidden = upper === 'hidden'
    if (!this.#guard.server && (isHidden || isServerAnswer(upper, bytes))) return 'router'
    if (this.#guard.ipv6 === 'any') return undefined
    if (isHidden || !this.#mayBeSource(bytes, at + SOURCE, vlans)) return 'ipv6-address'
    if (upper?.next !== NEXT.icmp) return undefined
    const type = bytes[upper.at]!
    if (type < ICMPV6_TYPE.routerSolicitation || type > ICMPV6_TYPE.neighbourAdvertisement) return undefined
    // RFC 6980, 5: neighbour discovery is never fragmented; what does not say all at once hides something.
    if (upper.isFragment) return 'ipv6-address'
    if (type === ICMPV6_TYPE.routerAdvertisement) return undefined
    return this.#judgeDiscovery(bytes, { type, at: upper.at, packet: at, end }, vlans)
  }

  #judgeDiscovery(
    bytes: Uint8Array,
    { type, at, packet, end }: { type: number; at: number; packet: number; end: number },
    vlans: number,
  ): GuardReason | undefined {
    const options = at + (OPTIONS_AT[type] ?? NEIGHBOUR_OPTIONS_AT)
    const messageEnd = Math.min(end, packet + HEADER_BYTES + readUint16(bytes, packet + 4))
    if (options > messageEnd) return 'ipv6-address'
    // Who asks from no address tries one out, and is to have it (RFC 4862, 5.4).
    const isClaim =
      type === ICMPV6_TYPE.neighbourAdvertisement ||
      (type === ICMPV6_TYPE.neighbourSolicitation && isUnspecifiedAt(bytes, packet + SOURCE))
    if (isClaim && !this.#owns(bytes, at + TARGET, vlans)) return 'ipv6-address'
    for (let option = options; option < messageEnd; ) {
      const length = (bytes[option + 1] ?? 0) * 8
      if (length === 0 || option + length > messageEnd) return 'ipv6-address'
      const isLinkLayer = bytes[option] === OPTION.sourceLinkLayer || bytes[option] === OPTION.targetLinkLayer
      if (isLinkLayer && readMac(bytes, option + 2) !== this.#mac) return 'mac'
      option += length
    }
    return undefined
  }

  #mayBeSource(bytes: Uint8Array, at: number, vlans: number): boolean {
    const last = this.#last
    const isLast = last[5] === this.#owners.version && last[4] === vlans && isSameAt(last, bytes, at)
    if (isLast) return true
    if (!isUnspecifiedAt(bytes, at) && !this.#owns(bytes, at, vlans)) return false
    for (let word = 0; word < 4; word++) last[word] = readUint32(bytes, at + 4 * word)
    last[4] = vlans
    last[5] = this.#owners.version
    return true
  }

  #owns(bytes: Uint8Array, at: number, vlans: number): boolean {
    // Nobody is a group (RFC 4291, 2.7).
    if (bytes[at] === 0xff) return false
    const isByRight = this.#fixed.has(ipv6Key(bytes, at, 0)) || isMadeOf(this.#mac, bytes, at)
    return this.#owners.claim(this.#port, ipv6Key(bytes, at, vlans), isByRight)
  }
}

function isSameAt(words: readonly number[], bytes: Uint8Array, at: number): boolean {
  for (let word = 0; word < 4; word++) if (words[word] !== readUint32(bytes, at + 4 * word)) return false
  return true
}

/** Its last half is the modified EUI-64 of the MAC (RFC 4291, appendix A): nobody else makes that. */
function isMadeOf(mac: number, bytes: Uint8Array, at: number): boolean {
  return linkLocalAddress(mac)
    .subarray(8)
    .every((byte, index) => byte === bytes[at + 8 + index])
}

/** Undefined: nothing that is looked into, or a later fragment, which is nothing without the first. */
function upperOf(bytes: Uint8Array, at: number, end: number): Upper | 'hidden' | undefined {
  let next = bytes[at + 6]!
  let header = at + HEADER_BYTES
  let isFragment = false
  for (let extensions = 0; extensions < MAXIMUM_EXTENSIONS; extensions++) {
    if (!LOOKED_INTO.has(next)) return undefined
    if (header + 8 > end) return 'hidden'
    if (next === NEXT.icmp || next === NEXT.udp) return { next, at: header, isFragment }
    if (next === NEXT.fragment) {
      if ((readUint16(bytes, header + 2) & 0xfff8) !== 0) return undefined
      isFragment = true
      next = bytes[header]!
      header += 8
    } else {
      next = bytes[header]!
      header += 8 + bytes[header + 1]! * 8
    }
  }
  return 'hidden'
}

/** Router advertisements, redirections and answers of DHCPv6 servers. */
function isServerAnswer(upper: Upper | undefined, bytes: Uint8Array): boolean {
  if (upper === undefined) return false
  if (upper.next === NEXT.udp) return readUint16(bytes, upper.at) === DHCPV6_SERVER_PORT
  const type = bytes[upper.at]
  return type === ICMPV6_TYPE.routerAdvertisement || type === REDIRECT
}
