import { VivariumError } from '../base/index.ts'
import { readUint32, writeUint32 } from './addresses.ts'

/**
 * Frames on a byte stream, as QEMU's `-netdev stream` and `-netdev socket` have them: a 32-bit big-endian length,
 * then that many bytes of Ethernet frame (without the frame check sequence).
 *
 *     | length | frame ........ | length | frame ... | length | frame ............ |
 *     |<------------------------- a run ------------------------->|
 *
 * A RUN is whole frames back to back, each with its length. It is the unit that links and the switch hand on: one
 * read from a socket is one run or two, and where all its frames go the same way, one write. Nobody changes the
 * bytes of a run after handing it on, so it may be shared, kept and sent to several ports without a copy.
 */

export const LENGTH_BYTES = 4
/** QEMU's own bound for one frame (NET_BUFSIZE in net/net.h: 4096 + 65536). */
export const MAXIMUM_FRAME_BYTES = 69_632

/** Puts frames into one run. */
export function runOf(...frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const run = new Uint8Array(frames.reduce((sum, frame) => sum + LENGTH_BYTES + frame.length, 0))
  let at = 0
  for (const frame of frames) {
    writeUint32(run, at, frame.length)
    run.set(frame, at + LENGTH_BYTES)
    at += LENGTH_BYTES + frame.length
  }
  return run
}

/** The frames of a run, as views. */
export function* framesOf(run: Uint8Array): Generator<Uint8Array, void> {
  let at = 0
  while (at < run.length) {
    const end = at + LENGTH_BYTES + readUint32(run, at)
    yield run.subarray(at + LENGTH_BYTES, end)
    at = end
  }
}

/**
 * Cuts a byte stream into runs. Whole frames are passed on as views of the chunk they came in; only a frame that
 * is split between chunks is put together in a buffer of its own (at most one, so memory is bounded).
 */
export class RunReader {
  /** The length prefix of a split frame while it is itself split, then prefix and frame. */
  #partial: Uint8Array = new Uint8Array(LENGTH_BYTES)
  #filled = 0

  /**
   * @throws VivariumError kind `malformed` on a length above the limit: the stream has lost its place (or its
   * sender is hostile) and nothing after it can be trusted, so it is refused, never cut to size.
   */
  push(chunk: Uint8Array, emit: (run: Uint8Array) => void): void {
    const start = this.#filled > 0 ? this.#completeSplitFrame(chunk, emit) : 0
    let at = start
    while (chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + checkedLength(chunk, at)
      if (end > chunk.length) break
      at = end
    }
    if (at > start) emit(chunk.subarray(start, at))
    if (at < chunk.length) this.#hold(chunk.subarray(at))
  }

  #hold(rest: Uint8Array): void {
    const whole = rest.length < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + checkedLength(rest, 0)
    this.#partial = new Uint8Array(whole)
    this.#partial.set(rest)
    this.#filled = rest.length
  }

  /** Takes what the split frame lacks from the front of a chunk; gives back how much that was. */
  #completeSplitFrame(chunk: Uint8Array, emit: (run: Uint8Array) => void): number {
    let taken = this.#fill(chunk, 0)
    if (this.#filled === LENGTH_BYTES && this.#partial.length === LENGTH_BYTES) {
      const length = checkedLength(this.#partial, 0)
      const prefix = this.#partial
      this.#partial = new Uint8Array(LENGTH_BYTES + length)
      this.#partial.set(prefix)
      taken = this.#fill(chunk, taken)
    }
    if (this.#filled === this.#partial.length) {
      this.#filled = 0
      emit(this.#partial)
    }
    return taken
  }

  #fill(chunk: Uint8Array, from: number): number {
    const count = Math.min(this.#partial.length - this.#filled, chunk.length - from)
    this.#partial.set(chunk.subarray(from, from + count), this.#filled)
    this.#filled += count
    return from + count
  }
}

function checkedLength(bytes: Uint8Array, at: number): number {
  const length = readUint32(bytes, at)
  if (length <= MAXIMUM_FRAME_BYTES) return length
  throw new VivariumError(
    'malformed',
    'frame-too-long',
    `A frame claims ${length} bytes; the limit is ${MAXIMUM_FRAME_BYTES}.`,
    { next: 'Connect a program that sends a 32-bit big-endian length before each Ethernet frame.' },
  )
}
