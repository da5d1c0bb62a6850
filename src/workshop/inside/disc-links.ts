import { rockRidgeLinks, type volumeOf } from '../../disk/index.ts'
import type { ListedItem } from './listing.ts'

/** The longest name of Joliet, and what it does not take in one ("Joliet Specification", 1995). */
const JOLIET_NAME = 64
const NOT_IN_JOLIET = /[*:;?\\]/g

/**
 * The links of a disc. 7-Zip shows the names of Joliet where there are any, and with them every link as an empty file; a
 * link is found again by its name, as the programs that make discs shorten it.
 */
export class DiscLinks {
  readonly #links: ReadonlyMap<string, string | undefined>
  /** By the name in Joliet: the whole one; undefined where two have the same. */
  readonly #short = new Map<string, string | undefined>()

  constructor(volume: ReturnType<typeof volumeOf>) {
    this.#links = rockRidgeLinks(volume)
    for (const path of this.#links.keys()) {
      const short = path
        .split('/')
        .map((name) => name.replace(NOT_IN_JOLIET, '_').slice(0, JOLIET_NAME))
        .join('/')
      this.#short.set(short, this.#short.has(short) ? undefined : path)
    }
  }

  apply(item: ListedItem): ListedItem {
    const maybeLink = (item.kind === 'file' && item.sizeBytes === 0) || item.kind === 'link'
    const path = this.#links.has(item.path) ? item.path : this.#short.get(item.path)
    if (!maybeLink || path === undefined) return item
    const target = this.#links.get(path)
    return { ...item, kind: 'link', ...(target !== undefined && { target }) }
  }
}
