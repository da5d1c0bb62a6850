import { z } from 'zod'
import { insideEntrySchema, insideVolumeSchema } from '../workshop/inside/entry.ts'
import { pathSchema } from './path.ts'
import { diskReportSchema, guestSchema, machineReportSchema, networkReportSchema } from './report-schemas.ts'

/** The routes of files: what one is, what the workshop does with a disk, and what lies in it. */

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

export const diskRoutes = {
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
} as const

export type DiskVolume = z.infer<typeof insideVolumeSchema>
export type DiskEntry = z.infer<typeof insideEntrySchema>
export type Inspection = z.infer<typeof inspectionSchema>
