import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import type { Hono } from 'hono'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import type { VirtualServer } from '../../server/index.ts'
import { pathSchema } from '../path.ts'

const downloadSchema = z.object({
  path: pathSchema,
  name: z
    .string()
    .min(1, 'The name is empty.')
    .max(255, 'The name is longer than 255 characters.')
    .refine((name) => !/[/\\\0]/.test(name), 'A name has no path in it.'),
  format: z.string().max(20).optional(),
  subformat: z.string().max(40).optional(),
})

const uploadSchema = z.object({ path: pathSchema })

/**
 * Whole disk images to the browser and from it; the only bodies that are not JSON and not small.
 *   GET /api/disks/download?path=P&name=N[&format=F&subformat=S]    made while it is sent
 *   PUT /api/disks/upload?path=P                                    appears under its name when all of it is there
 */
export function addTransfers(app: Hono, server: VirtualServer): void {
  app.get('/api/disks/download', async (context) => {
    const { path, name, format, subformat } = downloadSchema.parse(context.req.query())
    const { bytes, sizeBytes } = await server.disks.download({
      source: path,
      name,
      ...(format !== undefined && { format }),
      ...(subformat !== undefined && { subformat }),
    })
    return context.body(Readable.toWeb(bytes) as ReadableStream<Uint8Array>, 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': dispositionOf(name),
      'cache-control': 'no-store',
      ...(sizeBytes !== undefined && { 'content-length': String(sizeBytes) }),
    })
  })
  app.put('/api/disks/upload', async (context) => {
    const { path } = uploadSchema.parse(context.req.query())
    // A form of another site cannot send this type without being asked first (CORS).
    if (context.req.header('content-type') !== 'application/octet-stream') throw notBytes()
    const length = Number(context.req.header('content-length') ?? Number.NaN)
    const body = context.req.raw.body
    const bytes = body === null ? Readable.from([]) : Readable.fromWeb(body as NodeStream)
    const taken = await server.disks.upload(path, bytes, Number.isSafeInteger(length) ? length : undefined)
    return context.json(taken)
  })
}

/** RFC 6266: a plain name for old programs, the whole one percent-encoded (RFC 5987). */
export function dispositionOf(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const whole = encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`
}

function notBytes(): VivariumError {
  return new VivariumError('invalid', 'body-not-bytes', 'The request has to be application/octet-stream.')
}
