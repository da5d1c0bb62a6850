/**
 * What the server is about to send, in pages.
 *
 * Replies are laid one after the other into a page, so a burst of small requests is answered by one write to the
 * socket, and a read goes from the file straight to where the socket takes it from. Pages are used again when the
 * transport has sent them.
 */
export interface ReplyPage {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly view: DataView
  /** Bytes of it that hold replies. */
  used: number
}

/** Room for a busy guest's 32 reads of 4 KiB, or for one of 256 KiB with its headers. Bytes. */
const PAGE_BYTES = 257 * 1024
/** Unused pages kept for the next burst, in bytes. */
const SPARE_BYTES = 4 * 1024 * 1024

export class Replies {
  /** The page that the last `reserve` reserved in. */
  bytes!: Uint8Array<ArrayBuffer>
  view!: DataView
  /** Bytes reserved and not taken yet. */
  pendingBytes = 0

  #current: ReplyPage | undefined
  readonly #full: ReplyPage[] = []
  readonly #spare: ReplyPage[] = []
  #spareBytes = 0

  /** Where in `bytes` the next `count` bytes are to be written by the caller, all of them, now. */
  reserve(count: number): number {
    let page = this.#current
    if (page === undefined || page.bytes.length - page.used < count) page = this.#open(count)
    const at = page.used
    page.used += count
    this.pendingBytes += count
    return at
  }

  /** Takes back the last `count` bytes of the last reservation. */
  withdraw(count: number): void {
    this.#current!.used -= count
    this.pendingBytes -= count
  }

  /** The next page to send, oldest first; the transport gives it back with `release`. */
  take(): ReplyPage | undefined {
    let page = this.#full.shift()
    if (page === undefined) {
      page = this.#current
      this.#current = undefined
    }
    if (page !== undefined) this.pendingBytes -= page.used
    return page
  }

  release(page: ReplyPage): void {
    if (this.#spareBytes + page.bytes.length > SPARE_BYTES) return
    page.used = 0
    this.#spareBytes += page.bytes.length
    this.#spare.push(page)
  }

  #open(count: number): ReplyPage {
    if (this.#current !== undefined) this.#full.push(this.#current)
    const index = this.#spare.findIndex((page) => page.bytes.length >= count)
    let page = index < 0 ? undefined : this.#spare.splice(index, 1)[0]!
    if (page === undefined) {
      const bytes = new Uint8Array(Math.max(count, PAGE_BYTES))
      page = { bytes, view: new DataView(bytes.buffer), used: 0 }
    } else this.#spareBytes -= page.bytes.length
    this.#current = page
    this.bytes = page.bytes
    this.view = page.view
    return page
  }
}
