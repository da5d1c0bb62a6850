import type { ByteStore } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'

export interface FooterPairParts {
  readonly store: ByteStore
  /** 512 bytes with a right checksum. */
  readonly footer: Uint8Array
  readonly tailOffset: number | undefined
  readonly tailSound: boolean
  readonly headSound: boolean
}

/**
 * The footer at the end of a dynamic or differencing disk and its copy at the start. One of them is whole at any
 * moment: each is written only while the other is sound.
 */
export class FooterPair {
  readonly #store: ByteStore
  readonly #footer: Uint8Array
  #end: number
  #tailSound: boolean
  #headSound: boolean

  constructor({ store, footer, tailOffset, tailSound, headSound }: FooterPairParts) {
    this.#store = store
    this.#footer = footer
    this.#end = tailOffset ?? alignUp(store.size(), SECTOR)
    this.#tailSound = tailSound
    this.#headSound = headSound
  }

  /** Where the tail footer is, or has to be written. */
  get end(): number {
    return this.#end
  }

  /** Puts the tail footer at byte `at`, behind new blocks. The old one stays until something is written over it. */
  moveTail(at: number): void {
    const before = this.#store.size()
    try {
      this.#store.write(at, this.#footer)
    } catch (error) {
      // The old footer is untouched so far: cut off what the failed write may have added, and nothing happened.
      this.#store.truncate(before)
      throw error
    }
    this.#end = at
    this.#tailSound = true
  }

  /**
   * Restores damaged footers before anything else changes: first the one that no sound one depends on.
   * @returns Whether the tail was written anew, at `end`.
   */
  restore(): boolean {
    if (!this.#headSound) {
      this.#store.write(0, this.#footer)
      this.#store.flush()
      this.#headSound = true
    }
    if (this.#tailSound) return false
    this.moveTail(alignUp(this.#end, SECTOR))
    this.#store.flush()
    return true
  }
}

export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
