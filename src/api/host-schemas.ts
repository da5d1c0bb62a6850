import { z } from 'zod'
import { errorRecordSchema } from './error-schema.ts'
import { problemSchema } from './report-schemas.ts'

/** What the host is and does: its tasks, its events, its engines, its folders. Times are ISO 8601, sizes bytes. */

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

export type Task = z.infer<typeof taskSchema>
export type ServerEvent = z.infer<typeof eventSchema>
export type Host = z.infer<typeof hostSchema>
export type Folder = z.infer<typeof folderSchema>
