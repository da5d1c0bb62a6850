import { asciiBytes } from '../../../base/index.ts'
import { formatIpv4 } from '../../addresses.ts'
import type { Clock } from '../../clock.ts'
import type { TcpConnection } from '../../tcp/connection.ts'
import type { BootFile } from '../../world.ts'
import type { BootRequestLog, BootRequestRecord } from '../requests.ts'
import { type ByteRange, rangeOf } from './range.ts'
import type { HttpRefusal, HttpRequest } from './request.ts'
import { contentTypeOf, type HttpStatus, REASON, responseHead } from './response.ts'

export interface HttpSurroundings {
  readonly clock: Clock
  readonly open: (path: string) => Promise<BootFile | undefined>
  readonly log: BootRequestLog
}

const PIECE_BYTES = 64 << 10

/** The answer to one request: GET or HEAD of a file (RFC 9110, 9.3). */
export class HttpAnswer {
  readonly #connection: TcpConnection
  readonly #surroundings: HttpSurroundings
  readonly #request: HttpRequest | HttpRefusal
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(connection: TcpConnection, surroundings: HttpSurroundings, request: HttpRequest | HttpRefusal) {
    this.#connection = connection
    this.#surroundings = surroundings
    this.#request = request
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  drained(): void {
    this.#wake?.()
  }

  /** The connection is over. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** @returns whether the connection is kept for another request */
  async run(): Promise<boolean> {
    const request = this.#request
    if (typeof request === 'number') return this.#refuse(request)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return this.#refuse(405, { Allow: 'GET, HEAD' })
    const file = await this.#surroundings.open(request.path).catch(() => undefined)
    try {
      if (file !== undefined && !this.#isClosed) return await this.#answerWith(file, request)
      this.#note('not-found', 0)
      return this.#refuse(404)
    } catch {
      // The length is told already: only a connection that is cut says that the rest is missing.
      this.#note('failed', 0)
      this.#connection.reset()
      return false
    } finally {
      file?.close()
    }
  }

  get #keepsAlive(): boolean {
    return typeof this.#request !== 'number' && this.#request.keepsAlive && !this.#request.hasBody
  }

  async #answerWith(file: BootFile, { method, path, headers }: HttpRequest): Promise<boolean> {
    // A condition on a validator, of which there are none here, never holds (RFC 9110, 13.1.5).
    const wanted = headers.has('if-range') ? undefined : headers.get('range')
    const range = rangeOf(wanted, file.size)
    if (range === 'unsatisfiable') return this.#refuse(416, { 'Content-Range': `bytes */${file.size}` })
    const { start, end } = range === 'whole' ? { start: 0, end: file.size } : range
    this.#writeHead(range === 'whole' ? 200 : 206, {
      'Content-Type': contentTypeOf(path),
      'Content-Length': end - start,
      'Accept-Ranges': 'bytes',
      ...(range !== 'whole' && { 'Content-Range': `bytes ${start}-${end - 1}/${file.size}` }),
    })
    if (method === 'HEAD') return this.#keepsAlive
    const sent = await this.#send(file, { start, end })
    this.#note(sent === end - start ? 'done' : 'aborted', sent)
    return this.#keepsAlive
  }

  /** @returns bytes handed to the connection */
  async #send(file: BootFile, { start, end }: ByteRange): Promise<number> {
    let at = start
    while (at < end && !this.#isClosed) {
      const bytes = await file.read(at, Math.min(PIECE_BYTES, end - at))
      if (bytes.length === 0) throw new RangeError('the file has become shorter')
      at += bytes.length
      const drained = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      if (!this.#isClosed && !this.#connection.write(bytes)) await drained
    }
    return at - start
  }

  #refuse(status: HttpStatus, headers: Readonly<Record<string, string>> = {}): boolean {
    const text = asciiBytes(`${status} ${REASON[status]}\n`)
    this.#writeHead(status, { ...headers, 'Content-Type': 'text/plain', 'Content-Length': text.length })
    const isHead = typeof this.#request !== 'number' && this.#request.method === 'HEAD'
    if (!isHead) this.#connection.write(text)
    return this.#keepsAlive
  }

  #writeHead(status: HttpStatus, headers: Readonly<Record<string, string | number>>): void {
    const how = { now: this.#surroundings.clock.now(), keepsAlive: this.#keepsAlive }
    this.#connection.write(responseHead(status, headers, how))
  }

  #note(outcome: BootRequestRecord['outcome'], bytes: number): void {
    const { clock, log } = this.#surroundings
    const client = formatIpv4(this.#connection.remote.address)
    const path = typeof this.#request === 'number' ? '' : this.#request.path
    log.add({ at: new Date(clock.now()).toISOString(), client, protocol: 'http', path, outcome, bytes })
  }
}
