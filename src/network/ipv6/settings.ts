import { z } from 'zod'
import { parseIpv6 } from './address.ts'

/** The settings of a network's IPv6. What they mean together is checked by plan.ts. */

export const ipv6OptionsSchema = z.object({
  enabled: z.boolean().default(true),
  /** Such as `fd12:3456:789a::/64`. Default: one of the network's own, made of its key (RFC 4193). */
  prefix: z.string().max(43).optional(),
  /** Machines take the network's host for their default router. Nothing routes IPv6, so by default they do not. */
  router: z.boolean().default(false),
  /** DNS servers that machines are told. */
  dns: z
    .array(z.string().refine((text) => parseIpv6(text) !== undefined, 'It is not an IPv6 address'))
    .max(8)
    .default([]),
  /** Domains that machines look names up in. */
  searchList: z
    .array(
      z
        .string()
        .regex(/^[\w-]{1,63}(\.[\w-]{1,63})*$/, 'It is not a domain name, such as lab.example')
        .max(127),
    )
    .max(8)
    .default([]),
  /** How long an address holds after the last advertisement (RFC 4861, 6.2.1: AdvValidLifetime). */
  validSeconds: z.int().min(60).max(31_536_000).default(2_592_000),
  /** How long new connections are made from it (AdvPreferredLifetime). */
  preferredSeconds: z.int().min(60).max(31_536_000).default(604_800),
  /** The longest time between two advertisements (MaxRtrAdvInterval). */
  intervalSeconds: z.int().min(4).max(1800).default(600),
})

export type Ipv6Settings = z.input<typeof ipv6OptionsSchema>
