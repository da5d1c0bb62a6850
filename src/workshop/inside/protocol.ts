import { z } from 'zod'
import { type ErrorKind, VivariumError } from '../../base/index.ts'
import { extractEventSchema } from './entry.ts'

/**
 * How we talk with the process that reads a disk's file systems. Requests go over the IPC channel of the fork, one at
 * a time. Answers come as frames over a pipe of their own, which the reader fills synchronously: it stands still
 * while nobody takes what it has read, and holds no more than one piece of it.
 *
 *   frame = u32 length of what follows, u8 kind, payload:  1 JSON (`Answer`)   2 bytes of the file being extracted
 */
export interface Opening {
  readonly path: string
  readonly roots: readonly string[]
  readonly searchFolders: readonly string[]
}

export type Request =
  | { readonly ask: 'volumes' }
  | { readonly ask: 'list'; readonly volume: number; readonly path: string }
  | { readonly ask: 'total'; readonly volume: number; readonly path: string }
  | { readonly ask: 'extract'; readonly volume: number; readonly path: string }
  | { readonly ask: 'guest' }

export const ANSWERS_FD = 3
export const FRAME = { json: 1, data: 2 } as const
export const FRAME_HEADER = 5
/** A folder of very many files is the largest answer. */
export const MAX_FRAME_BYTES = 256 << 20

export const errorRecordSchema = z.object({
  kind: z.custom<ErrorKind>((value) => typeof value === 'string'),
  code: z.string(),
  message: z.string(),
  where: z
    .object({ path: z.string().optional(), offset: z.number().optional(), field: z.string().optional() })
    .optional(),
  next: z.string().optional(),
})

export const answerSchema = z.union([
  extractEventSchema,
  z.object({ done: z.unknown() }),
  z.object({ error: errorRecordSchema }),
])
export type Answer = z.infer<typeof answerSchema>

export function errorFrom({ kind, code, message, where, next }: z.infer<typeof errorRecordSchema>) {
  const { path, offset, field } = where ?? {}
  return new VivariumError(kind, code, message, {
    where: {
      ...(path !== undefined && { path }),
      ...(offset !== undefined && { offset }),
      ...(field !== undefined && { field }),
    },
    ...(next !== undefined && { next }),
  })
}

export interface Frame {
  readonly kind: number
  readonly payload: Buffer
}

/** Cuts a stream of bytes into frames. @throws VivariumError kind `malformed` when it cannot be one of ours. */
export async function* framesOf(pieces: AsyncIterable<Buffer>): AsyncGenerator<Frame, undefined> {
  let parts: Buffer[] = []
  let held = 0
  let wanted = FRAME_HEADER
  let header: Buffer | undefined
  for await (const piece of pieces) {
    parts.push(piece)
    held += piece.length
    while (held >= wanted) {
      const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      const taken = all.subarray(0, wanted)
      parts = [all.subarray(wanted)]
      held -= wanted
      if (header === undefined) {
        header = Buffer.from(taken)
        wanted = header.readUInt32LE(0)
        if (wanted > MAX_FRAME_BYTES)
          throw new VivariumError('malformed', 'inside-reader-fault', 'The reader said something unreadable.')
      } else {
        yield { kind: header[4]!, payload: taken }
        header = undefined
        wanted = FRAME_HEADER
      }
    }
  }
  return undefined
}
