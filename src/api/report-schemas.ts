import { z } from 'zod'
import type { Problem } from '../base/index.ts'
import type { DiskReport } from '../disk/index.ts'
import type { MachineReport, NetworkReport } from '../machine/index.ts'

/** Where in the user's files something is wrong. */
export const placeSchema = z.object({
  path: z.string().optional(),
  offset: z.number().optional(),
  field: z.string().optional(),
})

/**
 * The rooms' reports as they cross the wire. The rooms declare them as plain types, so that looking into a file
 * needs no schema library; the assertions below keep the two the same.
 */
export const problemSchema = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'note']),
  message: z.string(),
  next: z.string().optional(),
  where: placeSchema.optional(),
})

/** What `vivarium inspect FILE --json` and the site's Inspect page show of a disk. Sizes in bytes. */
export const geometrySchema = z.object({
  cylinders: z.number(),
  heads: z.number(),
  sectorsPerTrack: z.number(),
  sizeBytes: z.number(),
})

/** One layer below the inspected disk. `found` with problems is still readable; the other states are not. */
export const chainLinkSchema = z.object({
  /** The name the child recorded, for people. */
  recordedAs: z.array(z.string()),
  path: z.string().optional(),
  state: z.enum(['found', 'missing', 'id-mismatch', 'time-mismatch', 'unreadable', 'cycle']),
  foundBy: z.enum(['relative', 'absolute', 'beside', 'search-id', 'given']).optional(),
  format: z.string().optional(),
  subformat: z.string().optional(),
  id: z.string().optional(),
  time: z.string().optional(),
  sizeBytes: z.number().optional(),
})

export const partitionSchema = z.object({
  number: z.number(),
  scheme: z.enum(['mbr', 'gpt', 'none']),
  type: z.string(),
  typeName: z.string(),
  active: z.boolean(),
  offset: z.number(),
  sizeBytes: z.number(),
  name: z.string().optional(),
  fileSystem: z.string().optional(),
  label: z.string().optional(),
})

/** What system a disk was made for. */
export const guestSchema = z.object({
  name: z.string(),
  version: z.string().optional(),
  /** `certain`: the system's own files say so; `likely`: its boot code; `hint`: something that it often has. */
  confidence: z.enum(['certain', 'likely', 'hint']),
  evidence: z.array(z.string()),
})

export const diskReportSchema = z.object({
  kind: z.literal('disk'),
  path: z.string(),
  format: z.string(),
  /** fixed, dynamic, differencing ... */
  subformat: z.string(),
  virtualSize: z.number(),
  /** Cylinders x heads x sectors, where the format records a geometry. */
  geometry: geometrySchema.optional(),
  /** Length of the file; of a disk of several files, of all those that are there. */
  fileSize: z.number(),
  /** How many files that is; absent for one. */
  fileCount: z.number().optional(),
  /** Room that they take on the host, which stores no holes. */
  hostBytes: z.number().optional(),
  /** Bytes of guest data that this file itself stores. */
  allocated: z.number(),
  blockSize: z.number().optional(),
  creator: z
    .object({ application: z.string(), version: z.string(), hostOs: z.string(), product: z.string() })
    .optional(),
  id: z.string().optional(),
  /** What the guest sees as the disk's own id, where the format keeps one besides `id`. */
  diskId: z.string().optional(),
  /** Bytes of a sector as the guest sees it, where the format says so. */
  sectorSize: z.number().optional(),
  /** ISO 8601, as stored; see `timeNote`. */
  time: z.string().optional(),
  timeNote: z.string().optional(),
  parent: chainLinkSchema.optional(),
  chain: z.array(chainLinkSchema),
  partitionScheme: z.enum(['mbr', 'gpt', 'none', 'unreadable']),
  partitions: z.array(partitionSchema),
  guest: guestSchema.optional(),
  /** Backups of repairs that lie beside the disk, oldest first. */
  repairBackups: z.array(z.string()).optional(),
  problems: z.array(problemSchema),
})

/** What `vivarium inspect` shows of a machine file. Paths are resolved by the caller (see `system`). */
export const machineDriveReportSchema = z.object({
  bus: z.enum(['ide', 'scsi']),
  channel: z.number(),
  unit: z.number(),
  kind: z.enum(['disk', 'cd']),
  /** As the file says it. */
  path: z.string().optional(),
  resolvedPath: z.string().optional(),
  hostDrive: z.string().optional(),
  undoPath: z.string().optional(),
  resolvedUndoPath: z.string().optional(),
})

const stampSchema = z.object({ name: z.string(), build: z.string(), product: z.string().optional() })

export const machineReportSchema = z.object({
  kind: z.literal('machine'),
  path: z.string(),
  /** vmc or vmcx */
  format: z.string(),
  encoding: z.string(),
  name: z.string(),
  memoryMB: z.number(),
  disks: z.array(machineDriveReportSchema),
  floppies: z.array(
    z.object({ index: z.number(), path: z.string().optional(), resolvedPath: z.string().optional() }),
  ),
  adapters: z.array(
    z.object({
      index: z.number(),
      mac: z.string().optional(),
      network: z.string(),
      networkKind: z.enum(['none', 'nat', 'network']),
    }),
  ),
  serialPorts: z.array(
    z.object({
      index: z.number(),
      kind: z.enum(['none', 'host', 'file', 'pipe']),
      path: z.string().optional(),
    }),
  ),
  parallelPort: z.string(),
  sound: z.boolean(),
  undoEnabled: z.boolean(),
  savedState: z.string().optional(),
  guestOs: z.string().optional(),
  notes: z.string().optional(),
  biosGuid: z.string().optional(),
  creator: stampSchema.optional(),
  modifier: stampSchema.optional(),
  problems: z.array(problemSchema),
})

/** Options.xml and VNC: the virtual networks they describe. */
export const networkReportSchema = z.object({
  kind: z.enum(['network', 'options']),
  path: z.string(),
  format: z.string(),
  encoding: z.string(),
  networks: z.array(
    z.object({
      name: z.string(),
      id: z.string().optional(),
      hostAdapter: z.string().optional(),
      dhcp: z
        .object({
          enabled: z.boolean(),
          network: z.string().optional(),
          mask: z.string().optional(),
          start: z.string().optional(),
          end: z.string().optional(),
          server: z.string().optional(),
          gateway: z.string().optional(),
          dns: z.array(z.string()),
          wins: z.array(z.string()),
          leaseSeconds: z.number().optional(),
          renewalSeconds: z.number().optional(),
          rebindingSeconds: z.number().optional(),
        })
        .optional(),
      notes: z.string().optional(),
      own: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  problems: z.array(problemSchema),
})

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
const same: [
  Same<z.output<typeof problemSchema>, Problem>,
  Same<z.output<typeof diskReportSchema>, DiskReport>,
  Same<z.output<typeof machineReportSchema>, MachineReport>,
  Same<z.output<typeof networkReportSchema>, NetworkReport>,
] = [true, true, true, true]
void same
