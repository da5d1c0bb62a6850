/**
 * What a client has sent, cut into messages.
 *
 * The transport feeds one chunk at a time. `claim(n)` makes the next n bytes contiguous: where they lie inside the
 * chunk nothing is copied; where they straddle chunks they are gathered, one copy, in a buffer that never grows
 * past the largest claim. So a client that sends one byte at a time costs no more memory than any other.
 */
const EMPTY = new Uint8Array(0)
/** A gathering buffer above this size is given back after use. Bytes. */
const KEPT_BYTES = 2 * 1024 * 1024

export class Incoming {
  /** The bytes claimed last lie at `start` in here; valid until the next call. */
  bytes: Uint8Array = EMPTY
  view: DataView = new DataView(EMPTY.buffer)
  start = 0

  #chunk: Uint8Array = EMPTY
  #chunkView = this.view
  #at = 0
  #held: Uint8Array<ArrayBuffer> = EMPTY
  #heldBytes = 0
  #skipped = 0

  /** The chunk must stay unchanged until it is used up. Call only when `exhausted`. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#chunkView = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#at = 0
  }

  get exhausted(): boolean {
    return this.#at === this.#chunk.length
  }

  /** Nothing received is still to be used, nor is a part of a message. */
  get empty(): boolean {
    return this.exhausted && this.#heldBytes === 0 && this.#skipped === 0
  }

  /** False: not all here yet; what is here is kept. Ask again with the same number after the next `feed`. */
  claim(count: number): boolean {
    if (this.#heldBytes === 0 && this.#chunk.length - this.#at >= count) {
      this.bytes = this.#chunk
      this.view = this.#chunkView
      this.start = this.#at
      this.#at += count
      return true
    }
    return this.#gather(count)
  }

  #gather(count: number): boolean {
    if (this.#heldBytes === 0 && (this.#held.length < count || this.#held.length > KEPT_BYTES))
      this.#held = new Uint8Array(count)
    const part = Math.min(count - this.#heldBytes, this.#chunk.length - this.#at)
    this.#held.set(this.#chunk.subarray(this.#at, this.#at + part), this.#heldBytes)
    this.#heldBytes += part
    this.#at += part
    if (this.#heldBytes < count) return false
    this.#heldBytes = 0
    this.bytes = this.#held
    this.view = new DataView(this.#held.buffer)
    this.start = 0
    return true
  }

  /** Throws the next `count` bytes away without keeping any; false as with `claim`. */
  skip(count: number): boolean {
    const part = Math.min(count - this.#skipped, this.#chunk.length - this.#at)
    this.#at += part
    this.#skipped += part
    if (this.#skipped < count) return false
    this.#skipped = 0
    return true
  }
}
