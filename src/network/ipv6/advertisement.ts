import { writeUint16, writeUint32 } from '../addresses.ts'
import { linkLayerOption, OPTION } from './message.ts'
import type { Ipv6Plan } from './plan.ts'

/**
 * A router advertisement (RFC 4861, 4.2), behind the checksum. Its largest, with eight servers and eight long domains,
 * still fits into the 1280 bytes that every link of IPv6 carries.
 *
 *     0           1       2                 4                8                12
 *     | hop limit | flags | router lifetime | reachable time | retransmission | options ... |
 */
export function routerAdvertisement(plan: Ipv6Plan, mac: number, routerSeconds: number): Uint8Array {
  const head = new Uint8Array(12)
  head[0] = HOP_LIMIT
  writeUint16(head, 2, routerSeconds)
  return concatenate([
    head,
    linkLayerOption(OPTION.sourceLinkLayer, mac),
    prefixOption(plan),
    ...(plan.mtu === undefined ? [] : [mtuOption(plan.mtu)]),
    ...(plan.dns.length === 0 ? [] : [listOption(OPTION.dnsServers, plan.dns, plan)]),
    ...(plan.searchList.length === 0 ? [] : [listOption(OPTION.searchList, plan.searchList, plan)]),
  ])
}

/** What stations send with, and we too (RFC 1700, "IP time to live parameter"). */
export const HOP_LIMIT = 64
/** On this link, and good for addresses that stations make themselves. */
const PREFIX_FLAGS = 0x80 | 0x40
const PREFIX_BITS = 64

/** RFC 4861, 4.6.2. */
function prefixOption({ prefix, validSeconds, preferredSeconds }: Ipv6Plan): Uint8Array {
  const option = optionOf(OPTION.prefix, 32)
  option[2] = PREFIX_BITS
  option[3] = PREFIX_FLAGS
  writeUint32(option, 4, validSeconds)
  writeUint32(option, 8, preferredSeconds)
  option.set(prefix, 16)
  return option
}

/** RFC 4861, 4.6.4. */
function mtuOption(mtu: number): Uint8Array {
  const option = optionOf(OPTION.mtu, 8)
  writeUint32(option, 4, mtu)
  return option
}

/** DNS servers, or the names of a search list: both have the same head (RFC 8106, 5.1 and 5.2). */
function listOption(type: number, items: readonly Uint8Array[], { intervalSeconds }: Ipv6Plan): Uint8Array {
  const content = concatenate(items)
  const option = optionOf(type, 8 + Math.ceil(content.length / 8) * 8)
  // As long as two advertisements may be lost.
  writeUint32(option, 4, 3 * intervalSeconds)
  option.set(content, 8)
  return option
}

function optionOf(type: number, length: number): Uint8Array {
  const option = new Uint8Array(length)
  option[0] = type
  option[1] = length / 8
  return option
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
