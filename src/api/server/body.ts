import type { Context } from 'hono'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'

const MOST_BODY_BYTES = 1024 * 1024

/** A body is JSON or nothing: a form of another site cannot send that type without being asked first (CORS). */
export async function readBody(context: Context): Promise<Record<string, unknown>> {
  const text = await readText(context)
  if (text === '') return {}
  if (!context.req.header('content-type')?.startsWith('application/json')) {
    throw new VivariumError('invalid', 'body-not-json', 'The request has to be application/json.')
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
  } catch (cause) {
    throw new VivariumError('invalid', 'body-not-json', 'The request is no JSON object.', { cause })
  }
}

/** Counts what really comes: a chunked body (RFC 9112 section 7.1) does not say its length beforehand. */
async function readText(context: Context): Promise<string> {
  if (Number(context.req.header('content-length') ?? 0) > MOST_BODY_BYTES) throw tooLarge()
  const stream: ReadableStream<Uint8Array> | null = context.req.raw.body
  if (stream === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop cancels the stream.
  for await (const chunk of stream) {
    size += chunk.length
    if (size > MOST_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(): VivariumError {
  return new VivariumError(
    'invalid',
    'body-too-large',
    `The request is larger than ${MOST_BODY_BYTES} bytes.`,
    { next: 'Send less at once.' },
  )
}
