import { FLAG, sequenceLength, type TcpSegment } from './segment.ts'
import { advance, distance } from './sequence.ts'

/**
 * The receiving half of a connection: what comes in order is handed on, what comes early is dropped (the peer sends it
 * again), and while the reader pauses what came waits here, within the window that was told.
 */

/** The largest window without scaling (RFC 7323, 2.2). */
const MOST_WAITING_BYTES = 0xffff

export class TcpReceiver {
  readonly #deliver: (bytes: Uint8Array) => void
  readonly #pieces: Uint8Array[] = []
  #waiting = 0
  #next: number
  #isPaused = false
  #hasEnded = false

  /** @param first sequence number of the first byte: the one after SYN */
  constructor(first: number, deliver: (bytes: Uint8Array) => void) {
    this.#next = first
    this.#deliver = deliver
  }

  /** What is acknowledged: everything before it has come. */
  get next(): number {
    return this.#next
  }

  get window(): number {
    return MOST_WAITING_BYTES - this.#waiting
  }

  /** The FIN has come, and all before it was handed on. */
  get isDone(): boolean {
    return this.#hasEnded && this.#waiting === 0
  }

  /** RFC 9293, 3.10.7.4, first: some of it lies in the window. */
  isAcceptable(segment: TcpSegment): boolean {
    const from = distance(this.#next, segment.sequence)
    const length = sequenceLength(segment)
    if (length === 0) return from === 0 || (from > 0 && from < this.window)
    return from < this.window && from + length > 0
  }

  /** @returns whether the segment is to be acknowledged: whatever carries data is, also what comes again. */
  receive(segment: TcpSegment): boolean {
    if (sequenceLength(segment) === 0) return false
    const from = distance(this.#next, segment.sequence)
    // Early: an acknowledgment at once, for the peer counts duplicates (RFC 5681, 3.2).
    if (from > 0 || this.#hasEnded) return true
    const fresh = segment.payload.subarray(-from)
    const taken = fresh.subarray(0, this.window)
    if (taken.length > 0) this.#take(taken)
    const finAt = advance(segment.sequence, segment.payload.length)
    if (segment.flags & FLAG.fin && this.#next === finAt) {
      this.#hasEnded = true
      this.#next = advance(finAt, 1)
    }
    return true
  }

  pause(): void {
    this.#isPaused = true
  }

  /** @returns whether the window has opened so far that the peer is to be told (RFC 9293, 3.8.6.2.2) */
  resume(): boolean {
    const before = this.window
    this.#isPaused = false
    while (!this.#isPaused && this.#pieces.length > 0) {
      const piece = this.#pieces.shift()!
      this.#waiting -= piece.length
      this.#deliver(piece)
    }
    return this.window - before >= MOST_WAITING_BYTES / 4
  }

  #take(bytes: Uint8Array): void {
    this.#next = advance(this.#next, bytes.length)
    if (!this.#isPaused) this.#deliver(bytes)
    else {
      // The frame is the switch's, and is used again once this returns.
      this.#pieces.push(bytes.slice())
      this.#waiting += bytes.length
    }
  }
}
