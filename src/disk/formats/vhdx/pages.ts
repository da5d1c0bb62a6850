import { type ByteStore, viewOf } from '../../../base/index.ts'
import { CleanPieces } from '../../clean-pieces.ts'

/**
 * The BAT and the sector bitmaps in pieces of 4 KiB, which is also what the log moves. They are read when they are
 * asked for: the BAT of a disk of 2 TiB has 8 MiB, and a chain can have a hundred of them.
 */
export const PAGE_BYTES = 4096

export interface Page {
  readonly bytes: Uint8Array
  readonly view: DataView
}

export class MetadataPages {
  readonly #store: ByteStore
  readonly #clean = new CleanPieces<Page>()
  readonly #changed = new Map<number, Page>()

  constructor(store: ByteStore) {
    this.#store = store
  }

  /** The page that holds byte `at` of the file. */
  at(at: number): Page {
    const index = Math.floor(at / PAGE_BYTES)
    return this.#changed.get(index) ?? this.#clean.get(index) ?? this.#load(index)
  }

  /** The same, to be changed: it stays in memory until `settle`. */
  changing(at: number): Page {
    const index = Math.floor(at / PAGE_BYTES)
    const page = this.at(at)
    this.#clean.delete(index)
    this.#changed.set(index, page)
    return page
  }

  get changedCount(): number {
    return this.#changed.size
  }

  changedPages(): { readonly offset: number; readonly bytes: Uint8Array }[] {
    return Array.from(this.#changed, ([index, { bytes }]) => ({ offset: index * PAGE_BYTES, bytes }))
  }

  /** The changed pages are in the file now. */
  settle(): void {
    for (const [index, page] of this.#changed) this.#keep(index, page)
    this.#changed.clear()
  }

  #load(index: number): Page {
    const bytes = new Uint8Array(PAGE_BYTES)
    this.#store.read(index * PAGE_BYTES, bytes)
    const page = { bytes, view: viewOf(bytes) }
    this.#keep(index, page)
    return page
  }

  /** Gives up what is in memory. */
  close(): void {
    this.#clean.clear()
  }

  #keep(index: number, page: Page): void {
    this.#clean.keep(index, page, PAGE_BYTES)
  }
}
