import { z } from 'zod'
import { errorRecordSchema, problemSchema } from '../../engine/index.ts'

/**
 * How the server talks with the process that does one operation on disks, over the IPC channel of the fork: a
 * `WorkOrder` first, then perhaps `stop`; back come `WorkNews`, the last of which is `done` or `error`.
 */
export interface WorkOrder {
  readonly operation: string
  readonly spec: unknown
  readonly roots: readonly string[]
  readonly searchFolders: readonly string[]
}

export type ToWorker = { readonly order: WorkOrder } | { readonly stop: true }

export const workNewsSchema = z.union([
  z.object({ progress: z.number(), detail: z.string().optional() }),
  z.object({ note: problemSchema }),
  z.object({ done: z.record(z.string(), z.unknown()) }),
  z.object({ error: errorRecordSchema }),
])
export type WorkNews = z.infer<typeof workNewsSchema>
