import { readFile } from 'node:fs/promises'
import { extname, join, normalize } from 'node:path'
import type { Context } from 'hono'
import { VivariumError } from '../../base/index.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.map': 'application/json',
}

/** The built site. Any address that is no file is a page of the site: its own router knows what to show. */
export async function serveSite(context: Context, folder: string): Promise<Response> {
  const name = nameOf(context)
  const isFile = extname(name) !== ''
  const content = await read(join(folder, isFile ? name : 'index.html'))
  if (content === undefined) {
    if (isFile) return context.text('Not found.', 404)
    throw new VivariumError('unavailable', 'site-not-built', 'The site was not built.', {
      next: 'Run "npm start" in the checkout, or "npm run build".',
    })
  }
  // Vite puts a hash of the content into the names below /assets/, so those never change.
  const caching = name.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache'
  const type = TYPES[isFile ? extname(name) : '.html'] ?? 'application/octet-stream'
  return context.body(content, 200, { 'content-type': type, 'cache-control': caching })
}

/** The file's name below the site's folder; it begins with "/", so normalized it stays below. */
function nameOf(context: Context): string {
  try {
    const name = decodeURIComponent(new URL(context.req.url).pathname)
    if (!name.includes('\0')) return normalize(name)
  } catch {
    // URIError: the percent-encoding stands for no UTF-8 text.
  }
  throw new VivariumError('invalid', 'invalid-address', 'The address is not encoded correctly.')
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readFile(path)
  } catch {
    return undefined
  }
}
