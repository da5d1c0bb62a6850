import { asciiBytes } from '../../../base/index.ts'

/** Heads of responses (RFC 9112, section 4). */

export const REASON = {
  200: 'OK',
  206: 'Partial Content',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  414: 'URI Too Long',
  416: 'Range Not Satisfiable',
  431: 'Request Header Fields Too Large',
  505: 'HTTP Version Not Supported',
} as const

export type HttpStatus = keyof typeof REASON

/** UEFI 2.10, 24.7.2: firmware takes a program by `application/efi`, a disk image by the other two. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  efi: 'application/efi',
  iso: 'application/vnd.efi-iso',
  img: 'application/vnd.efi-img',
  ipxe: 'text/plain',
  cfg: 'text/plain',
  txt: 'text/plain',
  html: 'text/html',
}

export function contentTypeOf(path: string): string {
  return CONTENT_TYPES[/\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream'
}

export function responseHead(
  status: HttpStatus,
  headers: Readonly<Record<string, string | number>>,
  { now, keepsAlive }: { readonly now: number; readonly keepsAlive: boolean },
): Uint8Array {
  const fields = {
    Date: new Date(now).toUTCString(),
    ...headers,
    Connection: keepsAlive ? 'keep-alive' : 'close',
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return asciiBytes(`HTTP/1.1 ${status} ${REASON[status]}\r\n${lines.join('')}\r\n`)
}
