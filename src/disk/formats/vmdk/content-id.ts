import { asciiBytes, type ByteStore } from '../../../base/index.ts'
import { contentIdText, type Descriptor, NO_PARENT, randomContentId } from './descriptor.ts'

/**
 * The content id says to the children whether their parent is still what it was: it is changed before the first
 * write after opening, and is on stable storage before the content changes (Virtual Disk Format 5.0, "The
 * Descriptor File"). Its digits are replaced in place, so that the change is whole or not there.
 */
export class ContentIdUpdate {
  readonly #store: ByteStore
  readonly #at: number
  readonly #digits: number
  readonly #old: number
  #renewed = false

  constructor(store: ByteStore, at: number, digits: number, old: number) {
    this.#store = store
    this.#at = at
    this.#digits = digits
    this.#old = old
  }

  renew(): void {
    if (this.#renewed) return
    this.#store.write(this.#at, asciiBytes(contentIdText(this.#different()).slice(-this.#digits)))
    this.#store.flush()
    this.#renewed = true
  }

  /** Eight digits are the rule; where a program wrote fewer, as many must do. */
  #different(): number {
    for (;;) {
      const id = randomContentId() % 16 ** this.#digits
      if (id !== this.#old && id !== NO_PARENT) return id
    }
  }
}

/** `undefined` for a descriptor without an id: then there is nothing that a child could compare. */
export function contentIdUpdate(
  store: ByteStore,
  descriptorAt: number,
  { contentId, contentIdPlace: place }: Descriptor,
): ContentIdUpdate | undefined {
  if (contentId === undefined || place === undefined) return undefined
  return new ContentIdUpdate(store, descriptorAt + place.at, place.length, contentId)
}
