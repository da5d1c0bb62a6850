import type { ByteStore } from '../../../base/index.ts'
import { NO_GUID, randomGuid } from './guid.ts'
import type { HeaderPair } from './headers.ts'
import { formatEntry, MAX_PAGES_PER_ENTRY } from './log-entry.ts'

/**
 * Changes of the BAT and of sector bitmaps, through the log as MS-VHDX 2.3 demands. Each entry is a transaction:
 *
 *   1. everything written before is on stable storage (the caller's flush, or step 4 of the entry before);
 *   2. the entry goes into the log; flush. With the first one the headers name the log: never earlier, so that
 *      no header ever names a log without a whole entry;
 *   3. its pages go to their places in the file, which no flush has confirmed until the next 1;
 *   4. before another entry: flush.
 *
 * So at most one entry is needed at any time: its tail is itself. An entry takes less than half of the smallest
 * log, so the one before stays whole while the next is written; replaying it again changes nothing.
 */
export class LogWriter {
  readonly #store: ByteStore
  readonly #headers: HeaderPair
  readonly #guid = randomGuid()
  #sequence = 0n
  /** Where the next entry goes, in the log. */
  #head = 0

  constructor(store: ByteStore, headers: HeaderPair) {
    this.#store = store
    this.#headers = headers
  }

  /** The caller has flushed what the pages point at. On return they survive anything. */
  commit(pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[]): void {
    for (let first = 0; first < pages.length; first += MAX_PAGES_PER_ENTRY) {
      if (first > 0) this.#store.flush()
      const batch = pages.slice(first, first + MAX_PAGES_PER_ENTRY)
      this.#writeEntry(batch)
      this.#store.flush()
      if (this.#headers.current.logGuid !== this.#guid) this.#headers.update({ logGuid: this.#guid })
      for (const { offset, bytes } of batch) this.#store.write(offset, bytes)
    }
  }

  #writeEntry(pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[]): void {
    const { logOffset, logLength } = this.#headers.current
    const sequence = this.#sequence + 1n
    const fileSize = this.#store.size()
    const entry = formatEntry({ guid: this.#guid, tail: this.#head, sequence, fileSize, pages })
    const untilEnd = Math.min(entry.length, logLength - this.#head)
    this.#store.write(logOffset + this.#head, entry.subarray(0, untilEnd))
    if (untilEnd < entry.length) this.#store.write(logOffset, entry.subarray(untilEnd))
    this.#sequence = sequence
    this.#head = (this.#head + entry.length) % logLength
  }

  /** Makes the log empty. Nothing to do when it was not used. */
  close(): void {
    if (this.#headers.current.logGuid === NO_GUID) return
    this.#store.flush()
    this.#headers.update({ logGuid: NO_GUID })
  }
}
