/** Bytes that have arrived and wait to be read, in the order they came. */
export class ByteQueue {
  #bytes = new Uint8Array(0)

  get length(): number {
    return this.#bytes.length
  }

  push(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes.slice() : Buffer.concat([this.#bytes, bytes])
  }

  /** The first bytes, left in the queue; undefined when there are not so many. */
  peek(count: number): Uint8Array | undefined {
    return this.#bytes.length < count ? undefined : this.#bytes.subarray(0, count)
  }

  /** Takes the first bytes out; undefined, and nothing taken, when there are not so many. */
  take(count: number): Uint8Array | undefined {
    const taken = this.peek(count)
    if (taken) this.#bytes = this.#bytes.subarray(count)
    return taken
  }
}
