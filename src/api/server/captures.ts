import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import type { Context, Hono } from 'hono'
import type { VirtualServer } from '../../server/index.ts'
import { captureQuerySchema } from '../network-routes.ts'
import { dispositionOf } from './transfers.ts'

/**
 * Recorded traffic to the browser:
 *   GET /api/networks/KEY/capture.pcapng?port=...   what passes from now on, until the reader goes
 *   GET /api/capture-files/NAME                     a file of the captures folder
 */
export function addCaptures(app: Hono, server: VirtualServer): void {
  app.get('/api/networks/:key/capture.pcapng', async (context) => {
    const key = context.req.param('key')
    const filter = captureQuerySchema.parse(context.req.query())
    const live = await server.networks.captures.read(key, filter)
    return send(context, live, `${key}.pcapng`)
  })
  app.get('/api/capture-files/:name', (context) => {
    const { name, path } = server.networks.captures.file(context.req.param('name'))
    return send(context, createReadStream(path), name)
  })
}

function send(context: Context, bytes: Readable, name: string): Response {
  return context.body(Readable.toWeb(bytes) as NodeStream as ReadableStream<Uint8Array>, 200, {
    'content-type': 'application/x-pcapng',
    'content-disposition': dispositionOf(name),
    'cache-control': 'no-store',
  })
}
