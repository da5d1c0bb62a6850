import { z } from 'zod'
import { parseIpv4 } from '../addresses.ts'

/** How a network reaches beyond its machines. */

const ipv4 = z.string().refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address')
const port = z.int().min(1).max(65_535)
/** Linux, IFNAMSIZ: 15 characters, none of them a slash, a colon or a space. */
const interfaceName = z
  .string()
  .regex(/^(?!\.{1,2}$)[^\s/:]{1,15}$/, 'It is not the name of a network interface')

/** A port of the host that leads to a machine. */
export const portForwardSchema = z.object({
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  /** Where the host listens; absent = at all of its addresses. */
  hostAddress: ipv4.optional(),
  hostPort: port,
  /** The machine's address on this network. */
  guestAddress: ipv4,
  guestPort: port,
})

export type PortForward = z.infer<typeof portForwardSchema>

export const uplinkSchema = z.discriminatedUnion('kind', [
  /** Machines are among themselves. */
  z.object({ kind: z.literal('none') }),
  /** Machines reach what the host reaches, as if the host asked. Needs no rights; the program passt does it. */
  z.object({
    kind: z.literal('nat'),
    forwards: z.array(portForwardSchema).max(256).default([]),
    /** True: services at 127.0.0.1 of the host are reached at 198.18.0.1. */
    hostLoopback: z.boolean().default(false),
  }),
  /** A tap device of the host; what is done with it is the host's affair. */
  z.object({ kind: z.literal('tap'), interface: interfaceName }),
  /** A tap device that is put into a bridge of the host: machines are on the host's own network. */
  z.object({ kind: z.literal('bridge'), bridge: interfaceName, interface: interfaceName.optional() }),
  /** A tap device with an address of the host: the host and the machines reach each other, and nobody else. */
  z.object({
    kind: z.literal('hostOnly'),
    interface: interfaceName.optional(),
    /** The host's own, such as `10.244.0.2/24`. */
    address: z
      .string()
      .regex(
        /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/,
        'It is not an address with its prefix, such as 10.244.0.2/24',
      ),
  }),
])

export type UplinkSettings = z.infer<typeof uplinkSchema>
