import { z } from 'zod'
import { errorRecordSchema } from './error-schema.ts'
import { pathSchema } from './path.ts'
import { machineReportSchema, problemSchema } from './report-schemas.ts'

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

export type MachineState = z.infer<typeof machineStateSchema>
export type MachineSummary = z.infer<typeof machineSummarySchema>
export type MachineDetails = z.infer<typeof machineDetailsSchema>
export type CreateMachine = z.input<typeof createMachineSchema>
