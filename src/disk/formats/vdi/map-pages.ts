import { type ByteStore, viewOf } from '../../../base/index.ts'
import { CleanPieces } from '../../clean-pieces.ts'
import { readEntries, type VdiLayout } from './block-map.ts'

/**
 * The block map of an open disk, in pages that are read when they are asked for: that of 2 TB has 8 MiB, and a chain
 * can have a hundred of them. A changed page stays in memory until `settle`.
 */
const PAGE_SHIFT = 12
const PAGE_ENTRIES = 1 << PAGE_SHIFT
const PAGE_MASK = PAGE_ENTRIES - 1

export class MapPages {
  readonly #store: ByteStore
  readonly #layout: VdiLayout
  readonly #clean = new CleanPieces<Uint32Array>()
  readonly #changed = new Map<number, Uint32Array>()
  /** The last page asked for, which the next question is most often about. */
  #lastNumber = -1
  #last: Uint32Array | undefined

  constructor(store: ByteStore, layout: VdiLayout) {
    this.#store = store
    this.#layout = layout
  }

  entryOf(block: number): number {
    return this.#pageOf(block)[block & PAGE_MASK]!
  }

  set(block: number, entry: number): void {
    const page = this.#pageOf(block)
    page[block & PAGE_MASK] = entry
    this.#clean.delete(block >>> PAGE_SHIFT)
    this.#changed.set(block >>> PAGE_SHIFT, page)
  }

  /** Writes entries [first, end). */
  write(first: number, end: number): void {
    const bytes = new Uint8Array((end - first) * 4)
    const view = viewOf(bytes)
    for (let block = first; block < end; block++)
      view.setUint32((block - first) * 4, this.entryOf(block), true)
    this.#store.write(this.#layout.mapAt + first * 4, bytes)
  }

  /** The changed pages are in the file now. */
  settle(): void {
    for (const [number, page] of this.#changed) this.#clean.keep(number, page, page.byteLength)
    this.#changed.clear()
  }

  /** Gives up what is in memory. */
  close(): void {
    this.#clean.clear()
  }

  #pageOf(block: number): Uint32Array {
    const number = block >>> PAGE_SHIFT
    if (number === this.#lastNumber) return this.#last!
    const page = this.#changed.get(number) ?? this.#clean.get(number) ?? this.#load(number)
    this.#lastNumber = number
    this.#last = page
    return page
  }

  #load(number: number): Uint32Array {
    const first = number * PAGE_ENTRIES
    const end = Math.min(first + PAGE_ENTRIES, this.#layout.blocks)
    const page = readEntries(this.#store, this.#layout, first, end)
    this.#clean.keep(number, page, page.byteLength)
    return page
  }
}
