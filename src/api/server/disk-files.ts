import type { Context, Hono } from 'hono'
import type { VirtualServer } from '../../server/index.ts'
import { diskFolderInput } from '../contract.ts'

/** A file of a guest, as it is: `GET /api/disks/file?path=...&volume=1&inside=WINDOWS/setup.log`. */
export function addDiskFiles(app: Hono, server: VirtualServer): void {
  app.get('/api/disks/file', async (context: Context) => {
    const { path, volume, inside } = diskFolderInput.parse(context.req.query())
    const { name, sizeBytes, bytes } = await server.diskFiles.download(path, volume, inside)
    return context.body(bytes, 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': attachment(name),
      'cache-control': 'no-store',
      ...(sizeBytes !== undefined && { 'content-length': String(sizeBytes) }),
    })
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
