import type { Section } from './fields.ts'
import { DHCP_SECTION } from './sections/dhcp.ts'
import { DNS_SECTION } from './sections/dns.ts'
import { IPV6_SECTION } from './sections/ipv6.ts'
import { PXE_SECTION } from './sections/pxe.ts'
import { TRUNK_SECTION } from './sections/trunk.ts'
import { WINS_SECTION } from './sections/wins.ts'

/** In the order of the page. A new service's settings are one file, and one line here. */
export const SECTIONS: readonly Section[] = [
  DHCP_SECTION,
  DNS_SECTION,
  WINS_SECTION,
  IPV6_SECTION,
  PXE_SECTION,
  TRUNK_SECTION,
]
