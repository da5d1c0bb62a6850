import { z } from 'zod'
import { type ErrorKind, VivariumError, type Where } from '../base/index.ts'

/** What our processes tell each other of errors and problems, and the way back to the classes. */

const whereSchema = z.object({
  path: z.string().optional(),
  offset: z.number().optional(),
  field: z.string().optional(),
})

export const errorRecordSchema = z.object({
  /** Our own other half said it; a newer one may know a kind that we do not. */
  kind: z.custom<ErrorKind>((value) => typeof value === 'string'),
  code: z.string(),
  message: z.string(),
  where: whereSchema.optional(),
  next: z.string().optional(),
})

export const problemSchema = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'note']),
  message: z.string(),
  next: z.string().optional(),
  where: z.custom<Where>((value) => whereSchema.safeParse(value).success).optional(),
})

export function errorFromRecord(record: z.infer<typeof errorRecordSchema>): VivariumError {
  const { kind, code, message, where, next } = record
  return new VivariumError(kind, code, message, {
    ...(where !== undefined && { where: definedOf(where) }),
    ...(next !== undefined && { next }),
  })
}

function definedOf({ path, offset, field }: z.infer<typeof whereSchema>): Where {
  return {
    ...(path !== undefined && { path }),
    ...(offset !== undefined && { offset }),
    ...(field !== undefined && { field }),
  }
}
