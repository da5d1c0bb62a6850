import { z } from 'zod'
import { networkConfigSchema } from './network-config.ts'

/**
 * What people set of a virtual network, and what its file keeps: all that a switch serves, and notes. Its name is
 * its file's name, and its key is the server's.
 */
export const networkDocumentSchema = networkConfigSchema.omit({ key: true, name: true }).extend({
  /** As long as Virtual Server's notes (IVMVirtualNetwork.Notes). */
  notes: z.string().max(40_000).optional(),
  /**
   * Virtual Server's way to say the uplink: the host's network adapter, by its name. Its network is reached over the
   * bridge that it is a port of. `uplink` comes before it.
   */
  hostAdapter: z.string().max(256).optional(),
})

export type NetworkDocument = z.infer<typeof networkDocumentSchema>
export type NetworkDocumentInput = z.input<typeof networkDocumentSchema>
