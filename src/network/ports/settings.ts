import { z } from 'zod'
import { parseIpv4, parseMac } from '../addresses.ts'
import { parseIpv6 } from '../ipv6/address.ts'

/** Settings of one port of the switch. All are optional; without any it is a plain port. */

const percent = z.number().min(0).max(100)

/** What a bad line does to the frames of a port. */
export const conditionsSchema = z.object({
  /** Which way: what the station sends, what it gets, or both (each with a queue of its own). */
  direction: z.enum(['both', 'fromStation', 'toStation']).default('both'),
  /** Frames that get lost. */
  lossPercent: percent.default(0),
  delayMs: z.number().min(0).max(60_000).default(0),
  /** Each frame's delay differs by up to so much, up or down; the order stays. */
  jitterMs: z.number().min(0).max(60_000).default(0),
  /** Rate of the line; absent = as fast as it goes. */
  rateMbps: z.number().positive().max(100_000).optional(),
  /** What may wait for the line; frames beyond it are lost. */
  queueBytes: z
    .int()
    .min(2048)
    .max(16 * 1024 * 1024)
    .default(256 * 1024),
  /** Frames that later ones overtake. */
  reorderPercent: percent.default(0),
  /** Frames that arrive twice. */
  duplicatePercent: percent.default(0),
  /** The same seed makes the same fate; absent = by chance. */
  seed: z.int().min(0).max(0xffff_ffff).optional(),
})

export type Conditions = z.infer<typeof conditionsSchema>

/** Binds a port to its station: nothing that claims to be another gets in. */
export const guardSchema = z.object({
  /** The only address that frames of this port may come from. */
  mac: z.string().refine((text) => parseMac(text) !== undefined, 'It is not a MAC address'),
  /**
   * `leased`: only IPv4 addresses that DHCP gave this MAC (a lease, a reservation), and those of `addresses`. `any`:
   * IPv4 addresses are not looked at.
   */
  ipv4: z.enum(['leased', 'any']).default('leased'),
  /**
   * `own`: no IPv6 address that another station was heard with first, or that is the network's own. `any`: IPv6
   * addresses are not looked at.
   */
  ipv6: z.enum(['own', 'any']).default('own'),
  /** Addresses set by hand in the guest, IPv4 and IPv6: nobody else behind a guard gets them. */
  addresses: z
    .array(
      z
        .string()
        .refine(
          (text) => parseIpv4(text) !== undefined || parseIpv6(text) !== undefined,
          'It is not an IP address',
        ),
    )
    .max(64)
    .default([]),
  /** True: the station may be a DHCP server or an IPv6 router. */
  server: z.boolean().default(false),
})

export type Guard = z.infer<typeof guardSchema>

export const portSettingsSchema = z.object({
  /** False: the cable is pulled. The station stays plugged in, and neither hears nor is heard. */
  linkUp: z.boolean().optional(),
  /** True: it hears every frame of its network, also those for others. */
  promiscuous: z.boolean().optional(),
  guard: guardSchema.optional(),
  conditions: conditionsSchema.optional(),
})

export type PortSettings = z.infer<typeof portSettingsSchema>
