import { writeMac, writeUint16 } from '../addresses.ts'
import type { Refusal } from '../answer.ts'
import { checksum } from '../checksum.ts'
import { isMulticast, isSameAddress, isUnspecified, solicitedNodeGroup } from './address.ts'
import { encodeIpv6, type Ipv6Packet, pseudoHeaderSum } from './packet.ts'

/** ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861): the messages that a network's host takes part in. */
export type Icmpv6Message =
  | { readonly kind: 'echo-request'; readonly echo: Uint8Array }
  | { readonly kind: 'router-solicitation' }
  | { readonly kind: 'neighbour-solicitation'; readonly target: Uint8Array }
  | { readonly kind: 'neighbour-advertisement'; readonly target: Uint8Array }

export const ICMPV6 = 58
export const ICMPV6_TYPE = {
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
} as const
export const OPTION = {
  sourceLinkLayer: 1,
  targetLinkLayer: 2,
  prefix: 3,
  mtu: 5,
  dnsServers: 25,
  searchList: 31,
} as const

/** RFC 4861, 4.4. */
export const NEIGHBOUR_FLAG = { router: 0x80, solicited: 0x40, override: 0x20 } as const

/** Nobody else's router has passed it on (RFC 4861, 11.2). */
export const NEAR_HOP_LIMIT = 255
const HEADER_BYTES = 8
const TARGET_END = 24

export function decodeIcmpv6(packet: Ipv6Packet): Icmpv6Message | Refusal {
  const { payload } = packet
  if (payload.length < HEADER_BYTES || checksum(payload, pseudoHeaderSum(packet)) !== 0) return 'malformed'
  switch (payload[0]) {
    case ICMPV6_TYPE.echoRequest:
      if (payload[1] !== 0 || isUnspecified(packet.source)) return 'malformed'
      return { kind: 'echo-request', echo: payload.subarray(4) }
    case ICMPV6_TYPE.routerSolicitation:
      return isSound(packet, HEADER_BYTES) ? { kind: 'router-solicitation' } : 'malformed'
    case ICMPV6_TYPE.neighbourSolicitation:
      return decodeNeighbour(packet, 'neighbour-solicitation', isSoundQuestion)
    case ICMPV6_TYPE.neighbourAdvertisement:
      return decodeNeighbour(packet, 'neighbour-advertisement', isSoundAnswer)
    default:
      return 'not-mine'
  }
}

function decodeNeighbour(
  packet: Ipv6Packet,
  kind: 'neighbour-solicitation' | 'neighbour-advertisement',
  isSoundKind: (packet: Ipv6Packet) => boolean,
): Icmpv6Message | Refusal {
  if (packet.payload.length < TARGET_END || !isSound(packet, TARGET_END)) return 'malformed'
  const target = packet.payload.subarray(HEADER_BYTES, TARGET_END)
  return isMulticast(target) || !isSoundKind(packet) ? 'malformed' : { kind, target }
}

/** RFC 4861, 7.1.1: who has no address yet asks the group of the one that it wants. */
function isSoundQuestion({ source, destination, payload }: Ipv6Packet): boolean {
  const group = solicitedNodeGroup(payload.subarray(HEADER_BYTES, TARGET_END))
  return !isUnspecified(source) || isSameAddress(destination, group)
}

/** RFC 4861, 7.1.2: nobody has asked for what all are told. */
function isSoundAnswer({ destination, payload }: Ipv6Packet): boolean {
  return !isMulticast(destination) || (payload[4]! & NEIGHBOUR_FLAG.solicited) === 0
}

/**
 * What holds for all messages of neighbour discovery (RFC 4861, 6.1.1 and 7.1): hop limit 255, code 0, every option
 * has a length, and who has no address says no link-layer address for it.
 */
function isSound({ hopLimit, source, payload }: Ipv6Packet, optionsAt: number): boolean {
  if (hopLimit !== NEAR_HOP_LIMIT || payload[1] !== 0) return false
  for (let at = optionsAt; at < payload.length; ) {
    const length = (payload[at + 1] ?? 0) * 8
    if (length === 0 || at + length > payload.length) return false
    if (payload[at] === OPTION.sourceLinkLayer && isUnspecified(source)) return false
    at += length
  }
  return true
}

export interface Icmpv6Route {
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly hopLimit: number
}

/** A whole packet. @param rest what follows the checksum */
export function encodeIcmpv6(type: number, rest: Uint8Array, route: Icmpv6Route): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(4 + rest.length)
  payload[0] = type
  payload.set(rest, 4)
  const packet = { ...route, nextHeader: ICMPV6, payload }
  writeUint16(payload, 2, checksum(payload, pseudoHeaderSum(packet)))
  return encodeIpv6(packet)
}

/** RFC 4861, 4.4, behind the checksum. */
export function neighbourAdvertisement(flags: number, target: Uint8Array, mac: number): Uint8Array {
  const rest = new Uint8Array(28)
  rest[0] = flags
  rest.set(target, 4)
  rest.set(linkLayerOption(OPTION.targetLinkLayer, mac), 20)
  return rest
}

/** RFC 4861, 4.6.1. */
export function linkLayerOption(type: number, mac: number): Uint8Array {
  const option = new Uint8Array(8)
  option[0] = type
  option[1] = 1
  writeMac(option, 2, mac)
  return option
}
