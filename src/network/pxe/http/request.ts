import { asciiOf } from '../../../base/index.ts'

/** Requests of HTTP/1.1 (RFC 9112, sections 2 to 5), as far as boot loaders and installers need them. */
export interface HttpRequest {
  readonly method: string
  /** Decoded path without query. */
  readonly path: string
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The client takes further answers on the same connection. */
  readonly keepsAlive: boolean
  /** A body follows, which nothing here reads. */
  readonly hasBody: boolean
}

/** Status code of the refusal. */
export type HttpRefusal = 400 | 414 | 431 | 505

const MOST_HEAD_BYTES = 8192
const MOST_TARGET_CHARACTERS = 2048
/** RFC 9110, 5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Bytes as they come; requests as they become whole. A client may send several at once (RFC 9112, 9.3.2). */
export class HttpRequestReader {
  #bytes = new Uint8Array(0)

  add(bytes: Uint8Array): void {
    const whole = new Uint8Array(this.#bytes.length + bytes.length)
    whole.set(this.#bytes)
    whole.set(bytes, this.#bytes.length)
    this.#bytes = whole
  }

  /** Undefined while none is whole. After a refusal nothing that follows can be trusted. */
  next(): HttpRequest | HttpRefusal | undefined {
    // RFC 9112, 2.2: empty lines before a request are skipped.
    let start = 0
    while (this.#bytes[start] === 13 || this.#bytes[start] === 10) start++
    const end = endOfHead(this.#bytes, start)
    if (end === undefined) return this.#bytes.length - start > MOST_HEAD_BYTES ? 431 : undefined
    if (end - start > MOST_HEAD_BYTES) return 431
    const head = asciiOf(this.#bytes.subarray(start, end))
    this.#bytes = this.#bytes.slice(end)
    return parseHead(head)
  }
}

/** After the empty line; a lone LF ends a line too (RFC 9112, 2.2). */
function endOfHead(bytes: Uint8Array, start: number): number | undefined {
  for (let at = bytes.indexOf(10, start); at !== -1; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3
  }
  return undefined
}

function parseHead(head: string): HttpRequest | HttpRefusal {
  const [requestLine = '', ...fieldLines] = head.split(/\r?\n/)
  const [, method, target, major, minor] = /^(\S+) (\S+) HTTP\/(\d)\.(\d)$/.exec(requestLine) ?? []
  if (method === undefined || target === undefined || !TOKEN.test(method)) return 400
  if (major !== '1') return 505
  if (target.length > MOST_TARGET_CHARACTERS) return 414
  const headers = parseFields(fieldLines)
  const path = pathOf(target)
  if (headers === undefined || path === undefined) return 400
  // RFC 9112, 3.2: a request of 1.1 names its host.
  if (minor !== '0' && !headers.has('host')) return 400
  const connection = headers.get('connection')?.toLowerCase() ?? ''
  const keepsAlive = minor === '0' ? connection.includes('keep-alive') : !connection.includes('close')
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  return { method, path, headers, keepsAlive, hasBody }
}

function parseFields(lines: readonly string[]): Map<string, string> | undefined {
  const headers = new Map<string, string>()
  for (const line of lines) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0))
    // Folded lines are not taken any more (RFC 9112, 5.2), nor is a space before the colon (5.1).
    if (!TOKEN.test(name)) return undefined
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

/** Of `/path?query` or `http://host/path?query` (RFC 9112, 3.2). */
function pathOf(target: string): string | undefined {
  const [, path] = /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(target) ?? []
  if (path === undefined) return undefined
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
