import { z } from 'zod'

/** The settings of a network's DNS server. What they mean together is checked by plan.ts. */

export const STATIC_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SRV', 'TXT'] as const

export const dnsRecordSchema = z.object({
  /** Below the network's domain, such as `www`, `_ldap._tcp` or `*.apps`; `@` is the domain itself; with a last dot the whole name. */
  name: z.string().min(1).max(256),
  type: z.enum(STATIC_TYPES),
  /** As in a zone file: `10.244.0.9`, `dc1`, `0 100 389 dc1`, `10 mail`, `"two" "strings"`. */
  value: z.string().min(1).max(4096),
  ttlSeconds: z.int().min(0).max(604_800).default(3600),
})

export const dnsOptionsSchema = z.object({
  enabled: z.boolean().default(true),
  /** Whose names are the machines'. Default: the one that DHCP gives out, or else `KEY.internal`. */
  domain: z
    .string()
    .regex(/^[\w-]{1,63}(\.[\w-]{1,63})*$/, 'It is not a domain name, such as lab.example')
    .max(127)
    .optional(),
  records: z.array(dnsRecordSchema).max(4096).default([]),
  /**
   * Servers that are asked for names which are not of this network: `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53`,
   * or `host` for those of the host itself. Default: `host` on a network with NAT, whose guests reach the world anyway;
   * else none, and they hear of nothing outside.
   */
  forwarders: z.array(z.string().min(1).max(64)).max(8).optional(),
  /**
   * What guests may register by themselves (RFC 2136): nothing, their own address under a name that nobody has, or
   * anything in the network's zones, as the domain controllers of a lab do. Default: their own.
   */
  updates: z.enum(['none', 'own', 'all']).default('own'),
})

export type DnsSettings = z.input<typeof dnsOptionsSchema>
export type DnsRecordSettings = z.input<typeof dnsRecordSchema>
