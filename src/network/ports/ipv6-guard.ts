import { readUint16 } from '../addresses.ts'
import { ETHERTYPE } from '../ethernet.ts'

/**
 * Router advertisements and answers of DHCPv6 servers, found as RFC 7113 (3) asks: behind extension headers too, and a
 * packet whose first fragment hides what it is counts as one.
 */

const HEADER_BYTES = 40
const NEXT = { hopByHop: 0, udp: 17, routing: 43, fragment: 44, icmp: 58, destination: 60 } as const
const LOOKED_INTO: ReadonlySet<number> = new Set(Object.values(NEXT))
const ICMP = { routerAdvertisement: 134, redirect: 137 } as const
const DHCPV6_SERVER_PORT = 547
const MAXIMUM_EXTENSIONS = 16

export function isIpv6ServerAnswer(type: number, bytes: Uint8Array, at: number, end: number): boolean {
  if (type !== ETHERTYPE.ipv6 || at + HEADER_BYTES > end) return false
  let next = bytes[at + 6]!
  let header = at + HEADER_BYTES
  for (let extensions = 0; extensions < MAXIMUM_EXTENSIONS; extensions++) {
    if (!LOOKED_INTO.has(next)) return false
    if (header + 8 > end) return true
    if (next === NEXT.icmp)
      return bytes[header] === ICMP.routerAdvertisement || bytes[header] === ICMP.redirect
    if (next === NEXT.udp) return readUint16(bytes, header) === DHCPV6_SERVER_PORT
    if (next === NEXT.fragment) {
      // Later pieces cannot be put together without the first, and that is looked at.
      if ((readUint16(bytes, header + 2) & 0xfff8) !== 0) return false
      next = bytes[header]!
      header += 8
    } else {
      next = bytes[header]!
      header += 8 + bytes[header + 1]! * 8
    }
  }
  return true
}
