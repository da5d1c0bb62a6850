import type { Context, Hono } from 'hono'
import type { Download, VirtualServer } from '../../server/index.ts'
import { diskFolderInput } from '../disk-routes.ts'

/**
 * What a guest has on its disk.
 *   GET /api/disks/file?path=P&volume=1&inside=WINDOWS/setup.log     a file, as it is
 *   GET /api/disks/archive?path=P&volume=1&inside=WINDOWS            a folder as a zip archive, made while it is sent
 */
export function addDiskFiles(app: Hono, server: VirtualServer): void {
  app.get('/api/disks/file', async (context: Context) => {
    const { path, volume, inside } = diskFolderInput.parse(context.req.query())
    return answer(context, await server.diskFiles.download(path, volume, inside), 'application/octet-stream')
  })
  app.get('/api/disks/archive', async (context: Context) => {
    const { path, volume, inside } = diskFolderInput.parse(context.req.query())
    return answer(context, await server.diskFiles.archive(path, volume, inside), 'application/zip')
  })
}

function answer(context: Context, { name, sizeBytes, bytes }: Download, type: string): Response {
  return context.body(bytes, 200, {
    'content-type': type,
    'content-disposition': attachment(name),
    'cache-control': 'no-store',
    ...(sizeBytes !== undefined && { 'content-length': String(sizeBytes) }),
  })
}

/** RFC 6266: a name that everybody reads, then the right one. It is the guest's, so nothing of it stays as it is. */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w .()+-]/g, '_')
  const exact = encodeURIComponent(name.toWellFormed()).replace(
    /['()*!]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
