import type { ByteStore } from '../../../base/index.ts'
import { ABSENT, type BatLayout, decodeEntries } from './bat.ts'

/**
 * The block allocation table of an open disk, in pages that are read when they are asked for: that of 2 TB has 4 MiB,
 * and a chain can have a hundred of them. All open disks together keep a bounded number of pages, the oldest goes
 * first; a page with an entry that is not in the file yet stays until it is.
 */
const PAGE_SHIFT = 12
const PAGE_ENTRIES = 1 << PAGE_SHIFT
const PAGE_MASK = PAGE_ENTRIES - 1
/** 16 MiB for all disks of this process: the tables of some 6 TB in blocks of 2 MiB. */
const MAX_PAGES = (16 << 20) / (PAGE_ENTRIES * 5)

/** Pages of all open disks, the oldest first. */
const loaded = new Set<BatPage>()

export class BatPage {
  readonly number: number
  readonly entries: Uint32Array
  /** 1 = every sector of the block is known to be in the file: no bitmap is needed. */
  readonly full: Uint8Array
  /** It has entries that the file has not. */
  pending = false
  readonly #owner: (BatPage | undefined)[]

  constructor(number: number, entries: Uint32Array, owner: (BatPage | undefined)[]) {
    this.number = number
    this.entries = entries
    this.full = new Uint8Array(entries.length)
    this.#owner = owner
  }

  forget(): void {
    loaded.delete(this)
    this.#owner[this.number] = undefined
  }
}

export class BatPages {
  readonly #store: ByteStore
  readonly #layout: BatLayout
  readonly #pages: (BatPage | undefined)[] = []
  readonly #pending = new Set<BatPage>()

  constructor(store: ByteStore, layout: BatLayout) {
    this.#store = store
    this.#layout = layout
  }

  /** Entry and mark of a block are at `indexOf` in its page. Not to be kept: another page may take its place. */
  pageOf(block: number): BatPage {
    return this.#pages[block >>> PAGE_SHIFT] ?? this.#load(block >>> PAGE_SHIFT)
  }

  entryOf(block: number): number {
    return this.pageOf(block).entries[block & PAGE_MASK]!
  }

  isFull(block: number): boolean {
    return this.pageOf(block).full[block & PAGE_MASK] === 1
  }

  markFull(block: number): void {
    this.pageOf(block).full[block & PAGE_MASK] = 1
  }

  /** Stays in memory until `settle`, for the file does not have it yet. */
  set(block: number, entry: number): void {
    const page = this.pageOf(block)
    page.entries[block & PAGE_MASK] = entry
    page.pending = true
    this.#pending.add(page)
  }

  /** The first block from `block` on that is in the file, or `end`. */
  endOfAbsence(block: number, end: number): number {
    for (let at = block; at < end; ) {
      const { entries } = this.pageOf(at)
      const first = indexOf(at)
      const stop = Math.min(entries.length, first + end - at)
      let index = first
      while (index < stop && entries[index] === ABSENT) index++
      at += index - first
      if (index < stop) return at
    }
    return end
  }

  /** Writes entries [first, end) as the file has them. */
  write(first: number, end: number): void {
    const bytes = new Uint8Array((end - first) * 4)
    const view = new DataView(bytes.buffer)
    for (let block = first; block < end; block++) view.setUint32((block - first) * 4, this.entryOf(block))
    this.#store.write(this.#layout.offset + first * 4, bytes)
  }

  /** All entries are in the file now. */
  settle(): void {
    for (const page of this.#pending) page.pending = false
    this.#pending.clear()
  }

  close(): void {
    for (const page of this.#pages) page?.forget()
  }

  #load(number: number): BatPage {
    const first = number * PAGE_ENTRIES
    const entries = new Uint32Array(Math.min(PAGE_ENTRIES, this.#layout.entries - first))
    const bytes = new Uint8Array(entries.buffer)
    this.#store.read(this.#layout.offset + first * 4, bytes)
    decodeEntries(bytes, entries)
    const page = new BatPage(number, entries, this.#pages)
    this.#pages[number] = page
    loaded.add(page)
    for (const oldest of loaded) {
      if (loaded.size <= MAX_PAGES || oldest === page) break
      if (!oldest.pending) oldest.forget()
    }
    return page
  }
}

export function indexOf(block: number): number {
  return block & PAGE_MASK
}
