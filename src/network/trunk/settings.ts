import { z } from 'zod'

/** Switches of several hosts as one network, by TLS (1.2 with a shared key, 1.2 or 1.3 with certificates). */

const endpoint = z.object({
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
})

export const trunkSchema = z
  .object({
    /** Here others join. */
    listen: z.object({ address: z.string().default('0.0.0.0'), port: z.int().min(0).max(65_535) }).optional(),
    /** These are joined, again and again until they answer. */
    connect: z.array(endpoint).max(64).default([]),
    /** PEM files. The other side shows a certificate of the same authority, or is turned away. */
    certificate: z.string().optional(),
    key: z.string().optional(),
    authority: z.string().optional(),
    /** In place of certificates: a file of `name:key` lines, as psktool makes it. */
    sharedKeys: z.string().optional(),
    /** Which of the shared keys this side says it has when it connects; absent = the first. */
    identity: z.string().max(128).optional(),
    /**
     * True: frames from one trunk go out on the others too, so that hosts that only know this one are on one network.
     * At most one switch of a network may do that on any way between two, for it knows no spanning tree.
     */
    hub: z.boolean().default(false),
  })
  .refine(
    ({ certificate, key, authority, sharedKeys }) =>
      sharedKeys === undefined
        ? certificate !== undefined && key !== undefined && authority !== undefined
        : certificate === undefined && key === undefined && authority === undefined,
    'A trunk needs either certificate, key and authority, or shared keys',
  )
  .refine(
    ({ listen, connect }) => listen !== undefined || connect.length > 0,
    'A trunk needs an address to listen at or hosts to connect to',
  )

export type TrunkSettings = z.infer<typeof trunkSchema>
