import { z } from 'zod'

/** `{name}` parts of a path are fields of the input; what is left goes into the query (get) or the body. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch' | 'delete'
  readonly path: string
  readonly input: z.ZodType
  readonly output: z.ZodType
}

/** What many routes take and answer. */
export const idInput = z.object({ id: z.string() })
export const empty = z.object({})
export const done = z.object({ ok: z.literal(true) })
