import { ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import { ALL_ROUTERS, linkLocalAddress, parseIpv6, solicitedNodeGroup, UNSPECIFIED } from './address.ts'
import { encodeIcmpv6, ICMPV6_TYPE, linkLayerOption, NEAR_HOP_LIMIT, OPTION } from './message.ts'

/** Packets of a station, as guests say them. */

export const STATION = { mac: 0x0003_ff00_0001, address: linkLocalAddress(0x0003_ff00_0001) }

export interface SaidPacket {
  readonly type: number
  /** Behind the checksum. */
  readonly rest: Uint8Array
  readonly destination: Uint8Array
  /** Default: the station's link-local address. */
  readonly source?: Uint8Array
  readonly hopLimit?: number
}

export function packetOf({
  type,
  rest,
  hopLimit = NEAR_HOP_LIMIT,
  ...said
}: SaidPacket): Uint8Array<ArrayBuffer> {
  const { source = STATION.address, destination } = said
  return encodeIcmpv6(type, rest, { source, destination, hopLimit })
}

export function frameOf(said: SaidPacket, toMac: number): Uint8Array<ArrayBuffer> {
  return encodeEthernet({
    ...{ destination: toMac, source: STATION.mac, type: ETHERTYPE.ipv6 },
    payload: packetOf(said),
  })
}

const sourceOption = linkLayerOption(OPTION.sourceLinkLayer, STATION.mac)

/** To all routers. */
export function routerSolicitation(): SaidPacket {
  const rest = Uint8Array.from([0, 0, 0, 0, ...sourceOption])
  return { type: ICMPV6_TYPE.routerSolicitation, rest, destination: ALL_ROUTERS }
}

/** To the group of the address. */
export function neighbourSolicitation(target: Uint8Array): SaidPacket {
  const rest = Uint8Array.from([0, 0, 0, 0, ...target, ...sourceOption])
  return { type: ICMPV6_TYPE.neighbourSolicitation, rest, destination: solicitedNodeGroup(target) }
}

/** A station that wants the address asks whether it is free (RFC 4862, 5.4). */
export function trial(target: Uint8Array): SaidPacket {
  const rest = Uint8Array.from([0, 0, 0, 0, ...target])
  return { ...neighbourSolicitation(target), rest, source: UNSPECIFIED }
}

export function echoRequest(destination: Uint8Array, data: Uint8Array = Uint8Array.of(1, 2, 3)): SaidPacket {
  const rest = Uint8Array.from([0, 7, 0, 1, ...data])
  return { type: ICMPV6_TYPE.echoRequest, rest, destination, hopLimit: 64 }
}

export function ipv6(text: string): Uint8Array<ArrayBuffer> {
  const address = parseIpv6(text)
  if (address === undefined) throw new Error(`"${text}" is no IPv6 address`)
  return address
}
