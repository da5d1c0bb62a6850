/** Bytes that were written and are not acknowledged yet, addressed by their distance from the first of them. */
export class SendQueue {
  readonly #pieces: Uint8Array[] = []
  /** Of the first piece: acknowledged already. */
  #skip = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Keeps the bytes themselves: the writer does not change them any more. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }

  copy(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const copied = new Uint8Array(length)
    let skip = offset + this.#skip
    let filled = 0
    for (const piece of this.#pieces) {
      if (filled === length) break
      if (skip >= piece.length) {
        skip -= piece.length
        continue
      }
      const part = piece.subarray(skip, skip + length - filled)
      copied.set(part, filled)
      filled += part.length
      skip = 0
    }
    return copied
  }

  drop(count: number): void {
    this.#length -= count
    this.#skip += count
    while (this.#pieces.length > 0 && this.#skip >= this.#pieces[0]!.length)
      this.#skip -= this.#pieces.shift()!.length
  }
}
