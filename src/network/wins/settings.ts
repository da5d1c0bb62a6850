import { z } from 'zod'
import { parseIpv4 } from '../addresses.ts'

/** The settings of a network's WINS server. */

const SUFFIX = 'A suffix is one byte, 00 to FF'

export const winsNameSchema = z.object({
  /** Up to 15 characters, as `net view` shows them. */
  name: z.string().regex(/^[\x21-\x7e]{1,15}$/, 'A NetBIOS name has 1 to 15 characters of ASCII'),
  address: z.string().refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address'),
  /** What is called so. Default: a computer and its shared folders, 0x00 and 0x20. */
  suffixes: z.array(z.int(SUFFIX).min(0, SUFFIX).max(255, SUFFIX)).min(1).max(16).default([0x00, 0x20]),
})

export const winsOptionsSchema = z.object({
  enabled: z.boolean().default(true),
  /** How long a registration holds without being renewed. Default: six days, as of Windows' own server. */
  ttlSeconds: z.int().min(300).max(31_536_000).default(518_400),
  /** Machines that do not register by themselves. Nobody else gets these names. */
  names: z.array(winsNameSchema).max(1024).default([]),
})

export type WinsSettings = z.input<typeof winsOptionsSchema>
