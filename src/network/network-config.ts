import { z } from 'zod'
import { parseIpv4 } from './addresses.ts'
import { dhcpOptionsSchema } from './dhcp/settings.ts'
import { dnsOptionsSchema } from './dns/settings.ts'
import { ipv6OptionsSchema } from './ipv6/settings.ts'
import { pxeOptionsSchema } from './pxe/settings.ts'
import { trunkSchema } from './trunk/settings.ts'
import { uplinkSchema } from './uplink/settings.ts'
import { winsOptionsSchema } from './wins/settings.ts'

/** What is set of a virtual network. */

export const networkConfigSchema = z.object({
  /** For people. */
  name: z.string().min(1).max(256),
  /** Short, safe as a file name, and the same for the network's whole life. */
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
  /**
   * Of the network's own host, such as `10.244.0.1/24`. Default: the DHCP server's. Without it and without DHCP there
   * are guests only, and nothing of ours is on the wire.
   */
  address: z
    .string()
    .refine(
      (text) => parseInterface(text) !== undefined,
      'It is not an IPv4 address with its prefix, such as 10.244.0.1/24',
    )
    .optional(),
  /** Longest payload of a frame, in bytes; longer ones are dropped and counted. Default: as long as a frame may be. */
  mtu: z.int().min(576).max(65_535).optional(),
  /** Default: none, guests only. */
  uplink: uplinkSchema.optional(),
  trunk: trunkSchema.optional(),
  dhcp: dhcpOptionsSchema.optional(),
  dns: dnsOptionsSchema.optional(),
  wins: winsOptionsSchema.optional(),
  pxe: pxeOptionsSchema.optional(),
  ipv6: ipv6OptionsSchema.optional(),
})

export type NetworkConfig = z.infer<typeof networkConfigSchema>

/** `10.244.0.1/24`: an address and the length of its network's prefix, 1 to 30 bits (RFC 4632, 3.1). */
export function parseInterface(text: string): { address: number; mask: number } | undefined {
  const [, dotted, bits] = /^([\d.]{7,15})\/(\d{1,2})$/.exec(text) ?? []
  const address = dotted === undefined ? undefined : parseIpv4(dotted)
  const prefix = Number(bits)
  if (address === undefined || prefix < 1 || prefix > 30) return undefined
  return { address, mask: (0xffff_ffff << (32 - prefix)) >>> 0 }
}
