import { formatMac } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import type { EthernetFrame } from '../ethernet.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { NetworkService, ServiceContext } from '../service.ts'
import {
  ALL_NODES,
  ALL_ROUTERS,
  formatIpv6,
  groupMac,
  isMulticast,
  isSameAddress,
  isUnspecified,
  solicitedNodeGroup,
} from './address.ts'
import { HOP_LIMIT, routerAdvertisement } from './advertisement.ts'
import { Advertiser } from './advertiser.ts'
import {
  decodeIcmpv6,
  encodeIcmpv6,
  ICMPV6,
  ICMPV6_TYPE,
  NEAR_HOP_LIMIT,
  NEIGHBOUR_FLAG,
  neighbourAdvertisement,
} from './message.ts'
import { decodeIpv6, type Ipv6Packet } from './packet.ts'
import { hostIpv6, type Ipv6Plan, planIpv6 } from './plan.ts'

/**
 * IPv6 of the network's host: it advertises the prefix that machines make their addresses of (RFC 4862), answers who
 * asks where it is (RFC 4861, 7.2), and ping. Like the rest of the host it answers to the MAC that the question came
 * from, once, and never asks.
 */

export interface Ipv6Status {
  /** Of the network's host. */
  readonly addresses: readonly string[]
  readonly prefix: string
  readonly isRouter: boolean
  readonly counts: Readonly<Ipv6Counts>
}

export interface Ipv6Counts {
  advertisementsSent: number
  routerSolicitations: number
  neighbourSolicitations: number
  echoRequests: number
}

/** Stations with our address that were told of. */
const MAXIMUM_TOLD = 64

export function ipv6Service(
  config: NetworkConfig,
  context: ServiceContext,
): NetworkService<Ipv6Status> | undefined {
  const plan = planIpv6(config)
  return plan && new Ipv6Service(plan, context)
}

class Ipv6Service implements NetworkService<Ipv6Status> {
  readonly ports = []
  readonly #plan: Ipv6Plan
  readonly #context: ServiceContext
  readonly #linkLocal: Uint8Array
  /** The first address of the prefix. */
  readonly #own: Uint8Array
  readonly #groups: readonly Uint8Array[]
  readonly #advertiser: Advertiser
  readonly #told = new Set<number>()
  readonly #heard = { routerSolicitations: 0, neighbourSolicitations: 0, echoRequests: 0 }

  constructor(plan: Ipv6Plan, context: ServiceContext) {
    const { host, clock } = context
    this.#plan = plan
    this.#context = context
    const { linkLocal, own } = hostIpv6(plan, host.where.mac)
    this.#linkLocal = linkLocal
    this.#own = own
    const questions = [this.#linkLocal, this.#own].map(solicitedNodeGroup)
    this.#groups = [ALL_NODES, ALL_ROUTERS, ...questions]
    // RFC 4861, 6.2.1: AdvDefaultLifetime.
    const routerSeconds = plan.isRouter ? 3 * plan.intervalSeconds : 0
    this.#advertiser = new Advertiser({
      ...{ clock, intervalSeconds: plan.intervalSeconds, random: Math.random },
      advertise: () => this.#advertise(routerSeconds),
    })
    host.ipv6 = (frame) => this.#receiveFrame(frame)
  }

  /** No port is its own. */
  receive(): Answer {
    return 'not-mine'
  }

  status(): Ipv6Status {
    return {
      addresses: [formatIpv6(this.#linkLocal), formatIpv6(this.#own)],
      prefix: `${formatIpv6(this.#plan.prefix)}/64`,
      isRouter: this.#plan.isRouter,
      counts: { advertisementsSent: this.#advertiser.sent, ...this.#heard },
    }
  }

  /** RFC 4861, 6.2.5: who is no router any more says so. */
  close(): void {
    this.#advertiser.close()
    if (this.#plan.isRouter) this.#advertise(0)
  }

  #receiveFrame(frame: EthernetFrame): Answer {
    const packet = decodeIpv6(frame.payload)
    if (typeof packet === 'string') return packet
    const { destination } = packet
    const { mac } = this.#context.host.where
    const isForUs = isMulticast(destination)
      ? this.#isOneOf(this.#groups, destination)
      : this.#isOurs(destination)
    // A group's frames may also come to one station alone (RFC 6085).
    const isToUs =
      frame.destination === mac || (isMulticast(destination) && frame.destination === groupMac(destination))
    if (!isForUs || !isToUs || packet.nextHeader !== ICMPV6) return 'not-mine'
    return this.#receiveMessage(packet, frame.source)
  }

  #receiveMessage(packet: Ipv6Packet, mac: number): Answer {
    const message = decodeIcmpv6(packet)
    if (typeof message === 'string') return message
    switch (message.kind) {
      case 'echo-request':
        this.#heard.echoRequests++
        this.#answerEcho(packet, message.echo, mac)
        return 'handled'
      case 'router-solicitation':
        this.#heard.routerSolicitations++
        this.#advertiser.solicited()
        return 'handled'
      case 'neighbour-solicitation':
        if (!this.#isOurs(message.target)) return 'not-mine'
        this.#heard.neighbourSolicitations++
        this.#answerNeighbour(packet, message.target, mac)
        return 'handled'
      case 'neighbour-advertisement':
        if (!this.#isOurs(message.target)) return 'not-mine'
        this.#meetRival(message.target, mac)
        return 'handled'
    }
  }

  /** From the address that was asked; where all were, from one that the asker can reach (RFC 4443, 4.2). */
  #answerEcho({ source, destination }: Ipv6Packet, echo: Uint8Array, mac: number): void {
    const near = source[0] === 0xfe ? this.#linkLocal : this.#own
    const from = isMulticast(destination) ? near : destination
    const route = { source: from, destination: source, hopLimit: HOP_LIMIT }
    this.#context.host.sendIpv6(mac, encodeIcmpv6(ICMPV6_TYPE.echoReply, echo, route))
  }

  /** RFC 4861, 7.2.4. Who tries our address out, to see whether it is free, has none: all are told that it is not. */
  #answerNeighbour({ source }: Ipv6Packet, target: Uint8Array, mac: number): void {
    const { host } = this.#context
    const isTrial = isUnspecified(source)
    const flags =
      NEIGHBOUR_FLAG.override |
      (isTrial ? 0 : NEIGHBOUR_FLAG.solicited) |
      (this.#plan.isRouter ? NEIGHBOUR_FLAG.router : 0)
    const destination = isTrial ? ALL_NODES : source
    const packet = encodeIcmpv6(
      ICMPV6_TYPE.neighbourAdvertisement,
      neighbourAdvertisement(flags, target, host.where.mac),
      { source: target, destination, hopLimit: NEAR_HOP_LIMIT },
    )
    host.sendIpv6(isTrial ? groupMac(ALL_NODES) : mac, packet)
  }

  #advertise(routerSeconds: number): void {
    const { host } = this.#context
    const packet = encodeIcmpv6(
      ICMPV6_TYPE.routerAdvertisement,
      routerAdvertisement(this.#plan, host.where.mac, routerSeconds),
      { source: this.#linkLocal, destination: ALL_NODES, hopLimit: NEAR_HOP_LIMIT },
    )
    host.sendIpv6(groupMac(ALL_NODES), packet)
  }

  #meetRival(address: Uint8Array, mac: number): void {
    if (this.#told.has(mac) || this.#told.size >= MAXIMUM_TOLD) return
    this.#told.add(mac)
    this.#context.tell({
      severity: 'warning',
      code: 'host-address-in-use',
      message: `The station ${formatMac(mac)} uses ${formatIpv6(address)}, the address of the network’s own services.`,
      next: 'Give that station, or the network, another address.',
    })
  }

  #isOurs(address: Uint8Array): boolean {
    return this.#isOneOf([this.#linkLocal, this.#own], address)
  }

  #isOneOf(addresses: readonly Uint8Array[], address: Uint8Array): boolean {
    return addresses.some((each) => isSameAddress(each, address))
  }
}
