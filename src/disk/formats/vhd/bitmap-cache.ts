import type { ByteStore } from '../../../base/index.ts'
import { CleanPieces } from '../../clean-pieces.ts'

/**
 * Bitmaps of blocks that are only partly filled. Clean ones are bounded, for all layers together; pinned ones were
 * changed and stay until they are written.
 */
export class BitmapCache {
  readonly #store: ByteStore
  readonly #bitmapBytes: number
  readonly #clean = new CleanPieces<Uint8Array>()
  readonly #pinned = new Map<number, Uint8Array>()

  constructor(store: ByteStore, bitmapBytes: number) {
    this.#store = store
    this.#bitmapBytes = bitmapBytes
  }

  get pinnedBytes(): number {
    return this.#pinned.size * this.#bitmapBytes
  }

  get(block: number): Uint8Array | undefined {
    return this.#clean.get(block) ?? this.#pinned.get(block)
  }

  load(block: number, at: number): Uint8Array {
    const bitmap = new Uint8Array(this.#bitmapBytes)
    this.#store.read(at, bitmap)
    this.#keep(block, bitmap)
    return bitmap
  }

  /** Keeps a changed bitmap until `unpinAll`. */
  pin(block: number, bitmap: Uint8Array): void {
    this.#clean.delete(block)
    this.#pinned.set(block, bitmap)
  }

  unpinAll(): void {
    for (const [block, bitmap] of this.#pinned) this.#keep(block, bitmap)
    this.#pinned.clear()
  }

  drop(block: number): void {
    this.#clean.delete(block)
    this.#pinned.delete(block)
  }

  close(): void {
    this.#clean.clear()
  }

  #keep(block: number, bitmap: Uint8Array): void {
    this.#clean.keep(block, bitmap, this.#bitmapBytes)
  }
}
