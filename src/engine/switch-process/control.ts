import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { type ErrorRecord, type Problem, VivariumError } from '../../base/index.ts'
import {
  type CaptureStatus,
  captureFileSchema,
  captureFilterSchema,
  type NetworkEvent,
  type NetworkStatus,
  networkConfigSchema,
  parseMac,
  portSettingsSchema,
  type SwitchHistory,
} from '../../network/index.ts'
import type { ProcessIdentity } from '../../system/index.ts'
import type { TrunkStatus } from './trunk.ts'
import type { UplinkStatus } from './uplink-supervisor.ts'

/**
 * What an owner and a switch process say to each other on the control socket: one JSON document a line.
 *
 *     owner   {"id": 1, "method": "configure", "params": {...}}
 *     switch  {"id": 1, "result": null}   or   {"id": 1, "error": {kind, code, message, ...}}
 *     switch  {"event": {"network": "lab", severity, code, message, ...}}   whenever there is something to tell
 */

export const CONTROL_SOCKET = 'switch.control'

export const switchNetworkSchema = networkConfigSchema.extend({
  /** Absolute paths of the files that keep DHCP leases, and what guests registered; absent = gone with the process. */
  leaseFile: z.string().optional(),
  dnsFile: z.string().optional(),
  winsFile: z.string().optional(),
})

export const switchPortSchema = portSettingsSchema.extend({
  /** Names its socket, KEY.port. */
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  /** For people, such as "XP1, adapter 1". */
  name: z.string().min(1).max(256),
  /** Key of the network that it is patched to; absent = not connected. */
  network: z.string().optional(),
  /** How the machine behind it is called in DNS and WINS, where it does not say its name to DHCP. */
  machine: z
    .object({
      name: z.string().regex(/^(?!-)[\w-]{1,63}(?<!-)$/),
      mac: z.string().refine((text) => parseMac(text) !== undefined, 'It is not a MAC address'),
    })
    .optional(),
})

/** All that a switch process serves. */
export const switchSettingsSchema = z.object({
  networks: z.array(switchNetworkSchema).max(4096),
  /** Sockets of adapters, which can be patched to another network while their machine runs. */
  ports: z.array(switchPortSchema).max(16_384).default([]),
})

/** Starts a capture into a file. */
export const captureToFileSchema = z.object({
  network: z.string(),
  filter: captureFilterSchema.default({}),
  file: captureFileSchema,
})

/** Starts a capture into a socket of its own, for one reader. */
export const captureToSocketSchema = z.object({
  network: z.string(),
  filter: captureFilterSchema.default({}),
})

export const leaseReferenceSchema = z.object({ network: z.string(), address: z.string() })

export type LeaseReference = z.infer<typeof leaseReferenceSchema>
export type CaptureToFile = z.input<typeof captureToFileSchema>
export type CaptureToSocket = z.input<typeof captureToSocketSchema>
export type SwitchSettings = z.input<typeof switchSettingsSchema>
export type SwitchPortSettings = z.input<typeof switchPortSchema>
export type SwitchNetwork = z.input<typeof switchNetworkSchema>

export interface SwitchNetworkStatus extends NetworkStatus {
  readonly socket: string
  readonly problems: readonly Problem[]
  /** Absent: guests only. */
  readonly uplink?: UplinkStatus
  /** Absent: of this host alone. */
  readonly trunk?: TrunkStatus
}

export interface SwitchStatus {
  readonly startedAt: string
  /** Control connections, this one included. */
  readonly owners: number
  readonly networks: readonly SwitchNetworkStatus[]
  readonly ports: readonly SwitchPortStatus[]
  readonly captures: readonly CaptureStatus[]
}

/** One of the ports with a socket of its own. What moved over it is at its network's port of the same name. */
export interface SwitchPortStatus {
  readonly key: string
  readonly socket: string
  readonly network?: string
  /** Stations on its socket now. */
  readonly stations: number
}

/** What a network has to tell people, and which. */
export interface SwitchEvent extends NetworkEvent {
  readonly network: string
}

export interface ControlMethods {
  /** Who the process is. */
  hello: { params: null; result: ProcessIdentity }
  /** All networks and ports: missing ones are opened, others closed, changed ones changed in place. */
  configure: { params: SwitchSettings; result: null }
  status: { params: null; result: SwitchStatus }
  /** Takes a DHCP lease away, so that its address is free at once; its client is told when it renews. */
  dropLease: { params: LeaseReference; result: null }
  /** What moved in a network in the last minute and hour. */
  history: { params: string; result: SwitchHistory }
  /** Records the frames of a network in a file. The number of the capture. */
  captureToFile: { params: CaptureToFile; result: number }
  /** Path of a socket that a filtered capture comes out of, for the first who connects within a minute. */
  captureToSocket: { params: CaptureToSocket; result: string }
  /** Ends a capture; its file is complete then. */
  captureStop: { params: number; result: null }
  /** Unplugs everything and ends the process. */
  close: { params: null; result: null }
}

export type ControlMethod = keyof ControlMethods

export const controlRequestSchema = z.object({
  id: z.int(),
  method: z.enum([
    'hello',
    'configure',
    'status',
    'history',
    'dropLease',
    'captureToFile',
    'captureToSocket',
    'captureStop',
    'close',
  ]),
  params: z.unknown(),
})

export interface ControlReply {
  readonly id: number
  readonly result?: unknown
  readonly error?: ErrorRecord
}

export interface ControlNews {
  readonly event: SwitchEvent
}

/** Calls back for every line that is JSON; any other closes the connection. */
export function onDocuments(socket: Socket, receive: (document: unknown) => void): void {
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  lines.on('line', (line) => {
    try {
      receive(JSON.parse(line))
    } catch {
      socket.destroy()
    }
  })
  lines.on('error', () => undefined)
}

export function sendDocument(socket: Socket, document: unknown): void {
  socket.write(`${JSON.stringify(document)}\n`)
}

/** @throws VivariumError kind `invalid` that names the field. */
export function checked<Schema extends z.ZodType>(schema: Schema, params: unknown): z.output<Schema> {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new VivariumError('invalid', 'network-settings', `${issue.message}.`, {
    where: { field: issue.path.join('.') },
    next: 'Change the settings of the network.',
  })
}
