import type { NbdExport } from './export.ts'
import { Handshake } from './handshake.ts'
import { Incoming } from './incoming.ts'
import { Replies } from './replies.ts'
import { Transmission } from './transmission.ts'

/**
 * What `advance` stopped for. `starved`: everything received is dealt with. `output-full`: send the replies, then
 * advance again. `working`: a long request goes on; let others have a turn, then advance again. `start-tls`: send the
 * replies as they are, secure the transport, then say `secured` and go on with what comes out of it. `ended`: send
 * the replies and close.
 */
export type Advance = 'starved' | 'output-full' | 'working' | 'start-tls' | 'ended'

/** Replies beyond this wait until the client has taken some; a single reply may be larger. Bytes. */
const OUTPUT_BYTES = 1024 * 1024

/**
 * The server's side of one NBD connection: bytes in, bytes out, no sockets.
 *
 *     receive(chunk)  ->  advance()  ->  replies.take() ... replies.release()
 *
 * Whatever the client sends, memory stays bounded: one request's payload (32 MiB), one reply's, and OUTPUT_BYTES.
 */
export class NbdSession {
  readonly replies = new Replies()
  readonly #incoming = new Incoming()
  readonly #waiting: Uint8Array[] = []
  #phase: Handshake | Transmission | undefined
  #securing = false
  #chosen: NbdExport | undefined

  constructor(exports: readonly NbdExport[], options: { readonly requireTls?: boolean } = {}) {
    this.#phase = new Handshake(exports, this.#incoming, this.replies, options.requireTls === true)
  }

  /** The export in use, from the end of the handshake on. */
  get chosen(): NbdExport | undefined {
    return this.#chosen
  }

  /** Nothing is begun and not ended: the client may be silent for as long as it likes. */
  get idle(): boolean {
    return this.#phase instanceof Transmission && this.#phase.idle && this.#incoming.empty
  }

  /** From here on what is received was sent over TLS. */
  secured(): void {
    this.#securing = false
  }

  /** Takes over a chunk, which must stay unchanged until `advance` says `starved`. */
  receive(chunk: Uint8Array): void {
    if (this.#phase === undefined) return
    if (this.#securing) {
      this.#phase = undefined
      return
    }
    if (this.#incoming.exhausted) this.#incoming.feed(chunk)
    else this.#waiting.push(chunk)
  }

  advance(): Advance {
    while (this.#phase !== undefined) {
      if (this.replies.pendingBytes >= OUTPUT_BYTES) return 'output-full'
      const outcome = this.#phase.step()
      if (outcome === 'next') continue
      if (outcome === 'working') return 'working'
      if (outcome === 'ended') this.#phase = undefined
      else if (outcome === 'start-tls') {
        // What followed STARTTLS in the clear anybody may have put there: it must never count as sent over TLS.
        this.#securing = this.#incoming.empty && this.#waiting.length === 0
        if (this.#securing) return 'start-tls'
        this.#phase = undefined
      } else if (outcome === 'starved') {
        const chunk = this.#waiting.shift()
        if (chunk === undefined) return 'starved'
        this.#incoming.feed(chunk)
      } else {
        this.#chosen = outcome.chosen
        this.#phase = new Transmission(outcome, this.#incoming, this.replies)
      }
    }
    return 'ended'
  }
}
