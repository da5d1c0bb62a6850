import { z } from 'zod'
import { parseMac } from '../addresses.ts'
import { addressSchema, bytesOf, optionSettingSchema } from './option-settings.ts'

/**
 * The settings of a network's DHCP server. Names and text forms of what Virtual Server had are those of a network
 * report, so a network file's settings fit as they are; the rest is what it lacked.
 */

/** Checked with the rules, so that the fault names the field. */
const address = z.string().max(64)
const seconds = z.int().min(1).max(0xffff_ffff)

/** Letters, digits, hyphens; underscores too, as Windows allows them (RFC 1123, 2.1, and its practice). */
const domainName = z
  .string()
  .regex(/^[\w-]{1,63}(\.[\w-]{1,63})*$/)
  .max(127)

const options = z.array(optionSettingSchema).max(64)

const bootSchema = z.object({
  /** Address of the boot server; default: this network's own host, where it has a boot service. */
  nextServer: addressSchema.optional(),
  /** Name of the boot server: `sname`, option 66. */
  serverName: z
    .string()
    .regex(/^[\x21-\x7e]{1,63}$/)
    .optional(),
  /** What is loaded from it: `file`, option 67. */
  file: z
    .string()
    .regex(/^[\x21-\x7e]{1,127}$/)
    .optional(),
})

const matchSchema = z.union(
  [
    z.strictObject({ equals: z.string().min(1).max(255) }),
    z.strictObject({ prefix: z.string().min(1).max(255) }),
  ],
  'It is told either by how it begins or by all of it',
)

/** Machines that say of themselves what they are. All that is named has to fit. */
const classSchema = z
  .object({
    name: z.string().min(1).max(64),
    /** Option 60, such as `{prefix: "MSFT 5"}`. */
    vendorClass: matchSchema.optional(),
    /** Option 77, such as `{equals: "iPXE"}`. */
    userClass: matchSchema.optional(),
    /** Option 93, any of them. */
    architectures: z.array(z.int().min(0).max(0xffff)).min(1).max(32).optional(),
    options: options.optional(),
    boot: bootSchema.optional(),
  })
  .refine(
    ({ vendorClass, userClass, architectures }) => vendorClass ?? userClass ?? architectures,
    'A class needs a vendor class, a user class or architectures to be told by',
  )

/** One machine's own address, and what else is its own. */
const reservationSchema = z
  .object({
    address,
    mac: z
      .string()
      .refine((text) => parseMac(text) !== undefined, 'It is not a MAC, such as 00:03:ff:12:34:56')
      .optional(),
    /** Option 61 in hexadecimal. */
    clientId: z
      .string()
      .max(765)
      .refine((text) => bytesOf(text) !== undefined, 'It is not a row of bytes, such as 01:00:03:ff')
      .optional(),
    /** Told to the machine (option 12) and to the other services, instead of the name it gives itself. */
    hostName: z
      .string()
      .regex(/^[\w-]{1,63}$/)
      .optional(),
    options: options.optional(),
    boot: bootSchema.optional(),
  })
  .refine(
    ({ mac, clientId }) => (mac === undefined) !== (clientId === undefined),
    'A reservation is by MAC or by client id',
  )

/** Behind a relay (RFC 1542, 4), which is told by the address that it puts into `giaddr`, or by RFC 3527's option. */
const subnetSchema = z.object({
  network: address,
  mask: address,
  start: address.optional(),
  end: address.optional(),
  gateway: address.optional(),
  options: options.optional(),
})

export const dhcpOptionsSchema = z.object({
  enabled: z.boolean().default(true),
  /** Default 10.244.0.0, the example of Virtual Server's manual. */
  network: address.optional(),
  /** Default 255.255.255.0. */
  mask: address.optional(),
  /** Default: the 16th address of the network, the first that may be given out. */
  start: address.optional(),
  /** Default: the last host address of the network. */
  end: address.optional(),
  /** Default: the first address of the network. */
  server: address.optional(),
  /** Default: none; guests then know no way out. */
  gateway: address.optional(),
  dns: z.array(address).max(8).default([]),
  wins: z.array(address).max(8).default([]),
  /** DNS suffix (option 15); Virtual Server had none. */
  domain: domainName.optional(),
  /** Further suffixes that names are looked up with (option 119). */
  search: z.array(domainName).max(16).optional(),
  /** NetBIOS node type (option 46): 1 B, 2 P, 4 M, 8 H. Default 8 where there are WINS servers. */
  nodeType: z.literal([1, 2, 4, 8]).optional(),
  /** Default 86400. Renewal and rebinding default to 1/2 and 7/8 of it (RFC 2131, 4.4.5). */
  leaseSeconds: seconds.optional(),
  renewalSeconds: seconds.optional(),
  rebindingSeconds: seconds.optional(),
  /** Any option by number and type; a class's comes before these, a reservation's before a class's. */
  options: options.optional(),
  classes: z.array(classSchema).max(64).optional(),
  reservations: z.array(reservationSchema).max(4096).optional(),
  boot: bootSchema.optional(),
  /** Networks behind relays. */
  subnets: z.array(subnetSchema).max(64).optional(),
  /** Default true: ask by ARP whether an address is in use before it is offered (RFC 2131, 2.2). */
  probe: z.boolean().optional(),
  /** Default false: two messages instead of four to clients that can (RFC 4039). */
  rapidCommit: z.boolean().optional(),
  /**
   * What to do about another DHCP server on the network. `stand-down` (default): be silent while there is one;
   * `answer`: tell, and go on; `ignore`: do not look for any.
   */
  otherServers: z.enum(['stand-down', 'answer', 'ignore']).optional(),
})

export type DhcpSettings = z.input<typeof dhcpOptionsSchema>
export type SubnetSettings = z.infer<typeof subnetSchema>
export type ClassSettings = z.infer<typeof classSchema>
export type ReservationSettings = z.infer<typeof reservationSchema>
export type BootSettings = z.infer<typeof bootSchema>
export type MatchSettings = z.infer<typeof matchSchema>
