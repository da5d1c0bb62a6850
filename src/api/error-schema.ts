import { z } from 'zod'
import { placeSchema } from './report-schemas.ts'

/** `ErrorRecord` as it crosses the wire: what `VivariumError` says of itself. */
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
  where: placeSchema.optional(),
  next: z.string().optional(),
  /** Where more than one field may be at fault: all that are. */
  faults: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .readonly()
    .optional(),
})

export type ErrorBody = z.infer<typeof errorRecordSchema>
