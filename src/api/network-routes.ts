import { z } from 'zod'
import { captureFilterSchema, networkSettingsSchema } from '../network/index.ts'
import {
  adapterSchema,
  captureFileEntrySchema,
  captureSchema,
  createNetworkSchema,
  leaseSchema,
  networkDetailsSchema,
  networkHistorySchema,
  networkSummarySchema,
  portChangesSchema,
  uplinksSchema,
} from './network-schemas.ts'
import { pathSchema } from './path.ts'
import { done, empty } from './route.ts'

/** The routes of the virtual networks. */

const keyInput = z.object({ key: z.string() })
const leaseInput = keyInput.extend({ address: z.string() })
const adapterInput = z.object({
  id: z.string(),
  index: z.coerce.number('The adapter is a number.').int().min(0).max(3),
})
/** Of a file in the captures folder. */
const fileInput = z.object({
  name: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^/\\\0]+$/, 'A name has no path in it.'),
})

/** What a capture takes, as a query has it: numbers are text there. */
export const captureQuerySchema = captureFilterSchema.extend({
  portNumber: z.coerce.number().int().min(1).max(65_535).optional(),
  snapLength: z.coerce.number().int().min(14).max(69_632).optional(),
})

export const networkRoutes = {
  networks: { method: 'get', path: '/api/networks', input: empty, output: z.array(networkSummarySchema) },
  network: { method: 'get', path: '/api/networks/{key}', input: keyInput, output: networkDetailsSchema },
  createNetwork: {
    method: 'post',
    path: '/api/networks',
    input: createNetworkSchema,
    output: networkSummarySchema,
  },
  /** A VNC file stays where it lies; the networks of an Options.xml become files here. Answers what was added. */
  addNetworks: {
    method: 'post',
    path: '/api/networks/add',
    input: z.object({ path: pathSchema }),
    output: z.array(networkSummarySchema),
  },
  /** `settings` are all of them: what is absent is off, or its default. */
  changeNetwork: {
    method: 'patch',
    path: '/api/networks/{key}',
    input: keyInput.extend({
      name: createNetworkSchema.shape.name.optional(),
      settings: networkSettingsSchema.optional(),
    }),
    output: networkSummarySchema,
  },
  /** Refused (`network-in-use`) while machines that run are plugged in, unless `force`: then they are unplugged. */
  removeNetwork: {
    method: 'delete',
    path: '/api/networks/{key}',
    input: keyInput.extend({ force: z.boolean().default(false), deleteFile: z.boolean().default(false) }),
    output: done,
  },
  /** Adapters and bridges of this computer, and which uplinks can be had. */
  uplinks: { method: 'get', path: '/api/uplinks', input: empty, output: uplinksSchema },

  /** Every adapter of every machine; those without `network` are disconnected. */
  adapters: { method: 'get', path: '/api/adapters', input: empty, output: z.array(adapterSchema) },
  /** Moves a cable, also of a running machine. `network` null unplugs it. Undo: call it with `previous`. */
  moveAdapter: {
    method: 'post',
    path: '/api/machines/{id}/adapters/{index}/move',
    input: adapterInput.extend({
      /** Key of a network. */
      network: z.string().nullable().optional(),
      /** In place of `network`: exactly this is written into the machine's file. */
      wanted: adapterSchema.shape.wanted.optional(),
    }),
    output: z.object({ adapter: adapterSchema, previous: adapterSchema.shape.wanted }),
  },
  changePort: {
    method: 'patch',
    path: '/api/machines/{id}/adapters/{index}',
    input: adapterInput.extend(portChangesSchema.shape),
    output: adapterSchema,
  },

  /** Null while the switch is off. */
  networkHistory: {
    method: 'get',
    path: '/api/networks/{key}/history',
    input: keyInput,
    output: networkHistorySchema.nullable(),
  },
  leases: {
    method: 'get',
    path: '/api/networks/{key}/leases',
    input: keyInput,
    output: z.array(leaseSchema),
  },
  deleteLease: {
    method: 'delete',
    path: '/api/networks/{key}/leases/{address}',
    input: leaseInput,
    output: done,
  },
  /** The machine of this lease gets this address for ever: the network's settings get a reservation. */
  reserveLease: {
    method: 'post',
    path: '/api/networks/{key}/leases/{address}/reserve',
    input: leaseInput,
    output: networkSummarySchema,
  },

  captures: { method: 'get', path: '/api/captures', input: empty, output: z.array(captureSchema) },
  /** Into a file of the captures folder, until it is stopped or full. */
  startCapture: {
    method: 'post',
    path: '/api/networks/{key}/captures',
    input: keyInput.extend({
      filter: captureFilterSchema.default({}),
      maximumBytes: z
        .int()
        .min(64 * 1024)
        .optional(),
      maximumSeconds: z.number().positive().optional(),
      maximumFiles: z.int().min(1).max(1000).optional(),
    }),
    output: captureSchema,
  },
  stopCapture: {
    method: 'post',
    path: '/api/captures/{id}/stop',
    input: z.object({ id: z.coerce.number().int() }),
    output: captureSchema,
  },
  captureFiles: {
    method: 'get',
    path: '/api/capture-files',
    input: empty,
    output: z.array(captureFileEntrySchema),
  },
  deleteCaptureFile: {
    method: 'delete',
    path: '/api/capture-files/{name}',
    input: fileInput,
    output: done,
  },
} as const
