import { z } from 'zod'
import type { CaptureStatus, LeaseRecord, NetworkStatus, SwitchHistory } from '../network/index.ts'
import {
  guardSchema,
  networkDocumentSchema,
  networkSettingsSchema,
  portSettingsSchema,
} from '../network/index.ts'
import { problemSchema } from './report-schemas.ts'

/** internal: guests only. The kind follows from the uplink; tap and bridge are `external`. */
export const networkKindSchema = z.enum(['internal', 'nat', 'external', 'hostOnly'])

/** A line of the list of networks. */
export const networkSummarySchema = z.object({
  /** Short, the same for the network's whole life; the address of its pages. */
  key: z.string(),
  /** As machine files refer to it, in GUID notation. */
  id: z.string(),
  name: z.string(),
  kind: networkKindSchema,
  /** One of those that are there from the start. */
  builtIn: z.enum(['internal', 'local', 'nat', 'external']).optional(),
  /** Its VNC file; absent: an External Network that nobody has changed yet. */
  path: z.string().optional(),
  /** Whether machines reach what they should through it, in a sentence. `unusable`: the reason why not. */
  uplink: z.object({ text: z.string(), unusable: z.string().optional() }),
  /** On the switch now. A network with an uplink is off while no machine is plugged in. */
  isOn: z.boolean(),
  dhcp: z.object({ enabled: z.boolean(), range: z.string().optional() }),
  /** Names of the services that are on: dhcp, dns, wins, pxe ... */
  services: z.array(z.string()),
  /** What is plugged in now. */
  ports: z.number(),
  /** Bound leases. */
  leases: z.number(),
  /** Why it does not work as its file says. */
  problems: z.array(problemSchema),
})

/** Settings of an adapter's port. A guard without a MAC is for the adapter's own. null removes. */
export const portChangesSchema = z.object({
  linkUp: z.boolean().optional(),
  promiscuous: z.boolean().optional(),
  guard: guardSchema.partial({ mac: true }).nullable().optional(),
  conditions: portSettingsSchema.shape.conditions.nullable(),
})

/** A network adapter of a machine, and where its cable goes. */
export const adapterSchema = z.object({
  machineId: z.string(),
  machineName: z.string(),
  /** The machine runs: its cable can be moved while it does. */
  isRunning: z.boolean(),
  /** 0 to 3. */
  index: z.number(),
  mac: z.string().optional(),
  /** Key of the network that it is plugged into; absent: disconnected. */
  network: z.string().optional(),
  /** What the machine's file says; it may name a network of another computer. */
  wanted: z.object({ kind: z.enum(['none', 'nat', 'network']), id: z.string().optional(), name: z.string() }),
  /** Name of its port on the switch: `name` of a `PortStatus`. */
  port: z.string(),
  settings: portSettingsSchema,
})

/** Everything about one network. */
export const networkDetailsSchema = networkSummarySchema.extend({
  settings: networkDocumentSchema,
  /** What the switch says: ports with their counters, stations, services. Absent while it is off. */
  status: z.custom<NetworkStatus>((value) => typeof value === 'object' && value !== null).optional(),
  /** Adapters that are plugged in, those of machines that are off too. */
  adapters: z.array(adapterSchema),
})

export const createNetworkSchema = z.object({
  name: z.string().min(1, 'The name is empty.').max(80, 'The name is longer than 80 characters.'),
  settings: networkSettingsSchema.prefault({}),
})

/** A network adapter of this computer, and whether machines can be put on its network. */
export const hostAdapterSchema = z.object({
  name: z.string(),
  mac: z.string().optional(),
  addresses: z.array(z.string()),
  /** The bridge that it is a port of. */
  bridge: z.string().optional(),
  unusable: z.string().optional(),
})

/** What uplinks can be had here; the text says why not, and what to do. */
export const uplinksSchema = z.object({
  adapters: z.array(hostAdapterSchema),
  bridges: z.array(z.string()),
  /** By kind of uplink: the reason why it cannot be had; absent: it can. */
  unusable: z.object({
    nat: z.string().optional(),
    tap: z.string().optional(),
    bridge: z.string().optional(),
    hostOnly: z.string().optional(),
  }),
})

/** Samples of the last 60 seconds and 60 minutes of a network and each of its ports. */
export const networkHistorySchema = z.custom<SwitchHistory>(
  (value) => typeof value === 'object' && value !== null,
)

export const leaseSchema = z.custom<LeaseRecord>((value) => typeof value === 'object' && value !== null)

/** A capture that runs, into a file of the captures folder or to somebody who reads it. */
export const captureSchema = z.custom<CaptureStatus>((value) => typeof value === 'object' && value !== null)

/** A finished or growing file of the captures folder. */
export const captureFileEntrySchema = z.object({
  name: z.string(),
  path: z.string(),
  sizeBytes: z.number(),
  modifiedAt: z.string(),
})

export type NetworkKind = z.infer<typeof networkKindSchema>
export type NetworkSummary = z.infer<typeof networkSummarySchema>
export type NetworkDetails = z.infer<typeof networkDetailsSchema>
export type CreateNetwork = z.input<typeof createNetworkSchema>
export type Adapter = z.infer<typeof adapterSchema>
export type PortChanges = z.input<typeof portChangesSchema>
export type HostAdapter = z.infer<typeof hostAdapterSchema>
export type Uplinks = z.infer<typeof uplinksSchema>
export type CaptureFileEntry = z.infer<typeof captureFileEntrySchema>
