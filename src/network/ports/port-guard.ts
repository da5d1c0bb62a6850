import { parseIpv4, parseMac, readMac, readUint16, readUint32 } from '../addresses.ts'
import { ETHERTYPE } from '../ethernet.ts'
import { IP_PROTOCOL } from '../ipv4.ts'
import { payloadOffset, vlansOf } from '../vlan.ts'
import { Ipv6Guard } from './ipv6-guard.ts'
import type { Ipv6Owners } from './ipv6-owners.ts'
import type { Guard } from './settings.ts'

/**
 * What a guarded port may say: only from its MAC, only from addresses that are its own, and nothing that only a DHCP
 * server or an IPv6 router says (RFC 7610, RFC 6105). What that means in IPv6 is in ipv6-guard.ts. Which IPv4 address DHCP gave is read from the acknowledgements
 * that pass towards the port, whichever server they come from, and asked of this network's own leases.
 */
export type GuardReason = 'mac' | 'address' | 'dhcp-server' | 'router' | 'ipv6-address'

const DHCP = { serverPort: 67, clientPort: 68 } as const
/** RFC 2131, 2 and RFC 2132, 9.6: offsets from the UDP payload. */
const BOOTP = { yiaddr: 16, chaddr: 28, cookie: 236, options: 240 } as const
const DHCP_COOKIE = 0x6382_5363
const OPTION_MESSAGE_TYPE = 53
const DHCPACK = 5
const MAXIMUM_LEARNED = 16
/** The leases are asked at most so often: a station that makes up addresses must not cost more. */
const ASK_AGAIN_MS = 1000

export interface GuardSurroundings {
  /** Its number. */
  readonly port: number
  readonly now: () => number
  readonly leasedTo: (mac: number) => readonly number[]
  /** Shared by all ports of the switch. */
  readonly owners: Ipv6Owners
}

export class PortGuard {
  readonly #guard: Guard
  readonly #mac: number
  readonly #fixed: ReadonlySet<number>
  readonly #learned = new Set<number>()
  readonly #ipv6: Ipv6Guard
  readonly #around: GuardSurroundings
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(guard: Guard, around: GuardSurroundings) {
    this.#guard = guard
    this.#around = around
    this.#mac = parseMac(guard.mac) ?? 0
    this.#fixed = new Set(guard.addresses.map(parseIpv4).filter((address) => address !== undefined))
    this.#ipv6 = new Ipv6Guard(guard, around.port, around.owners)
  }

  /** Why the frame is refused; undefined when it may pass. The frame has at least an Ethernet header. */
  judge(bytes: Uint8Array, frame: number, length: number): GuardReason | undefined {
    if (readMac(bytes, frame + 6) !== this.#mac) return 'mac'
    const at = payloadOffset(bytes, frame, length)
    const end = frame + length
    const type = readUint16(bytes, at - 2)
    if (type === ETHERTYPE.arp) return this.#judgeArp(bytes, at, end)
    if (type === ETHERTYPE.ipv4) return this.#judgeIpv4(bytes, at, end)
    if (type !== ETHERTYPE.ipv6) return undefined
    if (this.#guard.ipv6 === 'any') this.#around.owners.hear(this.#around.port, bytes, frame, length)
    return this.#ipv6.judge(bytes, at, end, vlansOf(bytes, frame, at))
  }

  /** A frame on its way to the station: it may be the acknowledgement of a lease. */
  overhear(bytes: Uint8Array, frame: number, length: number): void {
    const at = payloadOffset(bytes, frame, length)
    const end = frame + length
    if (readUint16(bytes, at - 2) !== ETHERTYPE.ipv4 || at + 20 > end) return
    const udp = at + (bytes[at]! & 0x0f) * 4
    const dhcp = udp + 8
    if (bytes[at + 9] !== IP_PROTOCOL.udp || dhcp + BOOTP.options > end) return
    if (readUint16(bytes, udp) !== DHCP.serverPort || readUint16(bytes, udp + 2) !== DHCP.clientPort) return
    if (readMac(bytes, dhcp + BOOTP.chaddr) !== this.#mac) return
    if (readUint32(bytes, dhcp + BOOTP.cookie) !== DHCP_COOKIE) return
    if (isAcknowledgement(bytes, dhcp + BOOTP.options, end))
      this.#learn(readUint32(bytes, dhcp + BOOTP.yiaddr))
  }

  #judgeArp(bytes: Uint8Array, at: number, end: number): GuardReason | undefined {
    if (at + 28 > end) return 'address'
    if (readMac(bytes, at + 8) !== this.#mac) return 'mac'
    return this.#owns(readUint32(bytes, at + 14)) ? undefined : 'address'
  }

  #judgeIpv4(bytes: Uint8Array, at: number, end: number): GuardReason | undefined {
    if (at + 20 > end || !this.#owns(readUint32(bytes, at + 12))) return 'address'
    if (this.#guard.server || bytes[at + 9] !== IP_PROTOCOL.udp) return undefined
    // Of a fragmented datagram only the first piece has the ports.
    if ((readUint16(bytes, at + 6) & 0x1fff) !== 0) return undefined
    const udp = at + (bytes[at]! & 0x0f) * 4
    if (udp + 4 > end) return 'address'
    return readUint16(bytes, udp) === DHCP.serverPort ? 'dhcp-server' : undefined
  }

  /** 0.0.0.0 is nobody's: a client that has no address yet, or an ARP probe (RFC 5227, 2.1.1). */
  #owns(address: number): boolean {
    if (address === 0 || this.#guard.ipv4 === 'any') return true
    if (this.#fixed.has(address) || this.#learned.has(address)) return true
    const now = this.#around.now()
    if (now - this.#askedAt < ASK_AGAIN_MS) return false
    this.#askedAt = now
    for (const leased of this.#around.leasedTo(this.#mac)) this.#learn(leased)
    return this.#learned.has(address)
  }

  #learn(address: number): void {
    if (address === 0 || this.#learned.has(address)) return
    if (this.#learned.size >= MAXIMUM_LEARNED)
      for (const oldest of this.#learned) {
        this.#learned.delete(oldest)
        break
      }
    this.#learned.add(address)
  }
}

function isAcknowledgement(bytes: Uint8Array, from: number, end: number): boolean {
  for (let at = from; at + 2 < end; ) {
    const option = bytes[at]!
    if (option === OPTION_MESSAGE_TYPE) return bytes[at + 2] === DHCPACK
    if (option === 255) return false
    at += option === 0 ? 1 : 2 + bytes[at + 1]!
  }
  return false
}
