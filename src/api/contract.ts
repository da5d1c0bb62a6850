import { z } from 'zod'
import { insideEntrySchema, insideVolumeSchema } from '../workshop/inside/entry.ts'
import { networkRoutes } from './network-routes.ts'
import { networkSummarySchema } from './network-schemas.ts'
import { pathSchema } from './path.ts'
import {
  diskReportSchema,
  guestSchema,
  machineReportSchema,
  networkReportSchema,
  problemSchema,
} from './schemas.ts'

/**
 * Every route as data: server, client, command line and documentation derive from this one table. All bodies are
 * JSON; an error is `{error: ErrorRecord}` with the status of `status.ts`. Everything needs a session cookie or
 * a bearer token but the sign-in page itself. Times are ISO 8601, sizes bytes.
 */

export const errorRecordSchema = z.object({
  kind: z.enum([
    'invalid',
    'malformed',
    'corrupt',
    'unsupported',
    'not-found',
    'conflict',
    'busy',
    'denied',
    'unavailable',
    'io',
  ]),
  code: z.string(),
  message: z.string(),
  where: z
    .object({ path: z.string().optional(), offset: z.number().optional(), field: z.string().optional() })
    .optional(),
  next: z.string().optional(),
  /** Where more than one field may be at fault: all that are. */
  faults: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .readonly()
    .optional(),
})

/** Virtual Server's states (IVMVirtualMachine.State); Invalid = the machine's file cannot be read now. */
export const machineStateSchema = z.enum([
  'Invalid',
  'TurnedOff',
  'Saved',
  'TurningOn',
  'Restoring',
  'Running',
  'Paused',
  'Saving',
  'TurningOff',
  'MergingDrives',
])

export const engineWishSchema = z.enum(['auto', 'qemu', 'v86'])
export const adapterModelSchema = z.enum(['auto', 'tulip', 'ne2k', 'pcnet', 'rtl8139', 'e1000', 'virtio'])

export const machineSummarySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The machine's file, where it lies. */
  path: z.string(),
  inLibrary: z.boolean(),
  state: machineStateSchema,
  memoryMB: z.number(),
  engineWish: engineWishSchema,
  /** The engine that runs it, or would run it, and why; absent when no engine can. */
  engine: z.object({ name: z.enum(['v86', 'qemu']), accelerator: z.string(), reason: z.string() }).optional(),
  startedAt: z.string().optional(),
  uptimeSeconds: z.number(),
  /** Of one core, over the last few seconds. */
  cpuPercent: z.number(),
  /** Counts up with every new picture; 0 = there is none. */
  thumbnail: z.number(),
  undo: z.object({
    /** New runs write to an undo disk instead of the machine's own disks. */
    enabled: z.boolean(),
    /** There are undo disks with changes now, waiting for commit or discard. */
    pending: z.boolean(),
    sizeBytes: z.number(),
  }),
  problems: z.object({ errors: z.number(), warnings: z.number() }),
  /** Why it stopped or would not start, until the next start. */
  lastError: errorRecordSchema.optional(),
})

export const machineDetailsSchema = machineSummarySchema.extend({
  addedAt: z.string(),
  adapterModel: adapterModelSchema,
  report: machineReportSchema.optional(),
  /** One a drive: the chain as the engine would get it. */
  drives: z.array(
    z.object({
      channel: z.number(),
      unit: z.number(),
      kind: z.enum(['disk', 'cd']),
      path: z.string().optional(),
      /** Topmost first, with undo disks. */
      layers: z.array(z.string()),
      sizeBytes: z.number().optional(),
      problems: z.array(problemSchema),
    }),
  ),
  /** What the guest will not find as it was. */
  notes: z.array(problemSchema),
  /** Reasons why Start would be refused now; empty = ready. */
  refusals: z.array(errorRecordSchema),
  serialPorts: z.number(),
  /** The command line of the engine, for the curious. */
  argv: z.array(z.string()),
})

export const taskSchema = z.object({
  id: z.string(),
  kind: z.string(),
  title: z.string(),
  machineId: z.string().optional(),
  /** The disk that is worked on. */
  diskPath: z.string().optional(),
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  percent: z.number(),
  detail: z.string().optional(),
  etaSeconds: z.number().optional(),
  cancelable: z.boolean(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  error: errorRecordSchema.optional(),
  /** What came of it; the fields are the operation's own. */
  result: z.record(z.string(), z.unknown()).optional(),
  notes: z.array(problemSchema).optional(),
})

export const eventSchema = z.object({
  id: z.number(),
  time: z.string(),
  severity: z.enum(['info', 'warning', 'error']),
  source: z.enum(['server', 'machine', 'disk', 'network', 'session']),
  code: z.string(),
  message: z.string(),
  machineId: z.string().optional(),
  machineName: z.string().optional(),
  networkKey: z.string().optional(),
  /** As it was called then. */
  networkName: z.string().optional(),
})

export const engineFactsSchema = z.object({
  name: z.enum(['v86', 'qemu']),
  available: z.boolean(),
  version: z.string().optional(),
  reason: z.string(),
  accelerators: z.array(
    z.object({ name: z.enum(['kvm', 'tcg', 'wasm']), usable: z.boolean(), reason: z.string() }),
  ),
  limits: z.object({ memoryMB: z.number(), drives: z.number(), adapters: z.number() }),
})

export const hostSchema = z.object({
  version: z.string(),
  hostName: z.string(),
  operatingSystem: z.string(),
  processor: z.string(),
  logicalProcessors: z.number(),
  memoryBytes: z.number(),
  freeMemoryBytes: z.number(),
  freeDiskBytes: z.number(),
  libraryFolder: z.string(),
  startedAt: z.string(),
  engines: z.array(engineFactsSchema),
})

export const folderSchema = z.object({
  path: z.string(),
  parent: z.string().optional(),
  entries: z.array(
    z.object({
      name: z.string(),
      path: z.string(),
      kind: z.enum(['folder', 'machine', 'disk', 'floppy', 'cd', 'network', 'other']),
      sizeBytes: z.number(),
      modifiedAt: z.string(),
    }),
  ),
})

/** The fields of the New Virtual Machine Wizard. */
export const createMachineSchema = z.object({
  name: z.string().min(1).max(80),
  /** Folder that gets the machine's own folder; default: the library. */
  location: pathSchema.optional(),
  guestOs: z.string().max(200).optional(),
  memoryMB: z
    .number()
    .int('Memory is a whole number of MB.')
    .min(4, 'A machine has at least 4 MB of memory.')
    .max(3712, 'A machine has at most 3712 MB of memory.')
    .default(128),
  disk: z
    .discriminatedUnion('kind', [
      z.object({
        kind: z.literal('new'),
        subformat: z.enum(['dynamic', 'fixed']).default('dynamic'),
        sizeBytes: z.number().int(),
      }),
      z.object({ kind: z.literal('differencing'), parent: pathSchema }),
      z.object({ kind: z.literal('existing'), path: pathSchema }),
      z.object({ kind: z.literal('none') }),
    ])
    .default({ kind: 'new', subformat: 'dynamic', sizeBytes: 16 * 1024 ** 3 }),
  /** ISO image for the CD drive. */
  cd: pathSchema.optional(),
  /** Name of a virtual network; absent = not connected. */
  network: z.string().optional(),
  undo: z.boolean().default(false),
  notes: z.string().max(40_000).optional(),
})

export const inspectionSchema = z.discriminatedUnion('kind', [
  diskReportSchema,
  machineReportSchema,
  networkReportSchema,
])

/** A place in a disk: its file, the volume (as the partition table counts; 0 = all of it), and the path on that. */
export const diskFolderInput = z.object({
  path: pathSchema,
  volume: z.coerce.number('The volume is a number.').int().min(0),
  inside: z.string().max(32_768).default(''),
})

const idInput = z.object({ id: z.string() })
const empty = z.object({})
const done = z.object({ ok: z.literal(true) })

/** `{name}` parts of a path are fields of the input; what is left goes into the query (get) or the body. */
export const routes = {
  session: { method: 'get', path: '/api/session', input: empty, output: z.object({ user: z.string() }) },
  signOut: { method: 'post', path: '/api/sign-out', input: empty, output: done },
  /** A new one-time link, for `vivarium sign-in`. */
  newSignInLink: {
    method: 'post',
    path: '/api/sign-in-links',
    input: empty,
    output: z.object({ url: z.string() }),
  },
  host: { method: 'get', path: '/api/host', input: empty, output: hostSchema },
  ...networkRoutes,
  machines: { method: 'get', path: '/api/machines', input: empty, output: z.array(machineSummarySchema) },
  machine: { method: 'get', path: '/api/machines/{id}', input: idInput, output: machineDetailsSchema },
  addMachine: {
    method: 'post',
    path: '/api/machines/add',
    input: z.object({ path: pathSchema }),
    output: machineSummarySchema,
  },
  createMachine: {
    method: 'post',
    path: '/api/machines',
    input: createMachineSchema,
    output: z.object({ taskId: z.string() }),
  },
  changeMachine: {
    method: 'patch',
    path: '/api/machines/{id}',
    input: idInput.extend({
      engineWish: engineWishSchema.optional(),
      adapterModel: adapterModelSchema.optional(),
      undo: z.boolean().optional(),
    }),
    output: machineSummarySchema,
  },
  /** Unregisters; `deleteFiles` also deletes a library machine's folder. */
  removeMachine: {
    method: 'delete',
    path: '/api/machines/{id}',
    input: idInput.extend({ deleteFiles: z.boolean().default(false) }),
    output: done,
  },
  startMachine: {
    method: 'post',
    path: '/api/machines/{id}/start',
    input: idInput,
    output: machineSummarySchema,
  },
  pauseMachine: {
    method: 'post',
    path: '/api/machines/{id}/pause',
    input: idInput,
    output: machineSummarySchema,
  },
  resumeMachine: {
    method: 'post',
    path: '/api/machines/{id}/resume',
    input: idInput,
    output: machineSummarySchema,
  },
  resetMachine: {
    method: 'post',
    path: '/api/machines/{id}/reset',
    input: idInput,
    output: machineSummarySchema,
  },
  turnOffMachine: {
    method: 'post',
    path: '/api/machines/{id}/turn-off',
    input: idInput.extend({ undo: z.enum(['keep', 'discard', 'commit']).default('keep') }),
    output: machineSummarySchema,
  },
  /** Presses the power button: the guest may shut down. */
  shutDownMachine: {
    method: 'post',
    path: '/api/machines/{id}/shut-down',
    input: idInput,
    output: machineSummarySchema,
  },
  commitUndo: {
    method: 'post',
    path: '/api/machines/{id}/undo/commit',
    input: idInput,
    output: z.object({ taskId: z.string() }),
  },
  discardUndo: {
    method: 'post',
    path: '/api/machines/{id}/undo/discard',
    input: idInput,
    output: machineSummarySchema,
  },
  changeCd: {
    method: 'post',
    path: '/api/machines/{id}/cd',
    input: idInput.extend({
      channel: z.number().int().min(0).max(1),
      unit: z.number().int().min(0).max(1),
      /** null takes the disc out. */
      path: pathSchema.nullable(),
    }),
    output: done,
  },
  /** Types text, or presses named keys such as "Ctrl-Alt-Del". */
  typeKeys: {
    method: 'post',
    path: '/api/machines/{id}/keys',
    input: idInput.extend({ text: z.string().max(4096).optional(), keys: z.string().max(100).optional() }),
    output: done,
  },
  /** The whole screen now, for the command line; browsers take screen.png. */
  screenshot: {
    method: 'get',
    path: '/api/machines/{id}/screenshot',
    input: idInput,
    output: z.object({ png: z.string() }),
  },
  tasks: { method: 'get', path: '/api/tasks', input: empty, output: z.array(taskSchema) },
  task: { method: 'get', path: '/api/tasks/{id}', input: idInput, output: taskSchema },
  cancelTask: { method: 'post', path: '/api/tasks/{id}/cancel', input: idInput, output: taskSchema },
  events: {
    method: 'get',
    path: '/api/events',
    input: z.object({
      /** Only events with a smaller id: the next page. */
      before: z.coerce.number().optional(),
      limit: z.coerce
        .number('The limit is a number.')
        .int('The limit is a whole number.')
        .min(1, 'The limit is at least 1.')
        .max(500, 'The limit is at most 500.')
        .default(100),
      machineId: z.string().optional(),
      networkKey: z.string().optional(),
    }),
    output: z.array(eventSchema),
  },
  inspect: {
    method: 'post',
    path: '/api/inspect',
    input: z.object({ path: pathSchema }),
    output: inspectionSchema,
  },
  /** Starts an operation of the workshop (convert, compact ...) as a task. What it needs is checked by the operation. */
  startDiskOperation: {
    method: 'post',
    path: '/api/disks/operations/{operation}',
    input: z.object({ operation: z.string().max(40), spec: z.record(z.string(), z.unknown()) }),
    output: z.object({ taskId: z.string() }),
  },
  /** Looking into a disk: its file systems, a folder of one, and what system its files say it is. */
  diskVolumes: {
    method: 'get',
    path: '/api/disks/volumes',
    input: z.object({ path: pathSchema }),
    output: z.array(insideVolumeSchema),
  },
  diskFolder: {
    method: 'get',
    path: '/api/disks/files',
    input: diskFolderInput,
    output: z.object({ entries: z.array(insideEntrySchema), problems: z.array(z.string()) }),
  },
  diskGuest: {
    method: 'get',
    path: '/api/disks/guest',
    input: z.object({ path: pathSchema }),
    output: z.object({ guest: guestSchema.optional() }),
  },
  /** For the path chooser: what lies in a folder; without a path, the user's home. */
  folder: {
    method: 'get',
    path: '/api/folders',
    input: z.object({ path: pathSchema.optional() }),
    output: folderSchema,
  },
} as const satisfies Record<string, Route>

export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  readonly path: string
  readonly input: z.ZodType
  readonly output: z.ZodType
}

export type Routes = typeof routes
export type RouteName = keyof Routes
export type Input<Name extends RouteName> = z.input<Routes[Name]['input']>
export type Output<Name extends RouteName> = z.output<Routes[Name]['output']>

/**
 * Beside the table, some binary or streaming addresses:
 *   GET  /api/machines/{id}/thumbnail.png?v=N   about 160 x 120;  /api/machines/{id}/screen.png  full size
 *   GET  /api/disks/file?path=...&volume=N&inside=...   a file of a guest, to download
 *   GET  /api/disks/archive?path=...&volume=N&inside=...   a folder of a guest as a zip archive
 *   GET  /api/networks/{key}/capture.pcapng?port=...   what passes from now on, until the reader goes
 *   GET  /api/capture-files/{name}              a file of the captures folder
 *   WS   /api/live                              LiveMessage as JSON, server to client
 *   WS   /api/machines/{id}/console             RFB as binary messages (noVNC);  .../serial/{n}  raw bytes
 */
export const liveMessageSchema = z.discriminatedUnion('type', [
  /** All machines, at connect and whenever one changes; at most a few times a second. */
  z.object({ type: z.literal('machines'), machines: z.array(machineSummarySchema) }),
  z.object({ type: z.literal('tasks'), tasks: z.array(taskSchema) }),
  /** All networks, at connect and whenever one is changed, plugged or unplugged. */
  z.object({ type: z.literal('networks'), networks: z.array(networkSummarySchema) }),
  z.object({ type: z.literal('event'), event: eventSchema }),
])

export type DiskVolume = z.infer<typeof insideVolumeSchema>
export type DiskEntry = z.infer<typeof insideEntrySchema>
export type ErrorBody = z.infer<typeof errorRecordSchema>
export type MachineState = z.infer<typeof machineStateSchema>
export type MachineSummary = z.infer<typeof machineSummarySchema>
export type MachineDetails = z.infer<typeof machineDetailsSchema>
export type Task = z.infer<typeof taskSchema>
export type ServerEvent = z.infer<typeof eventSchema>
export type Host = z.infer<typeof hostSchema>
export type Folder = z.infer<typeof folderSchema>
export type CreateMachine = z.input<typeof createMachineSchema>
export type Inspection = z.infer<typeof inspectionSchema>
export type LiveMessage = z.infer<typeof liveMessageSchema>
