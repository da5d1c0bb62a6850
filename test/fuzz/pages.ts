import { type ByteStore, VivariumError } from '../../src/base/index.ts'

const PAGE = 4096

/**
 * A file in memory that is the same again and again: what is written lies on top, and `reset` takes it off. Nothing
 * outside of it can be read; a file that is said to be huge takes no more memory than what was written to it.
 */
export interface PagedStore extends ByteStore {
  /** Takes back every write and every change of the size. */
  reset(): void
  /** Keeps what was written as the state to go back to. */
  keep(): void
  /** Every range that was read since the last `watch`. */
  watch(): { readonly at: number; readonly length: number }[]
  readonly reads: number
}

/** More than this no operation may write to an image of a few MiB: it would be a loop. Bytes. */
const MOST_WRITTEN_BYTES = 256 << 20
const MOST_SIZE_BYTES = 2 ** 46

export function pagedStore(name: string): PagedStore {
  const kept = new Map<number, Uint8Array>()
  const top = new Map<number, Uint8Array>()
  let keptSize = 0
  let size = 0
  let written = 0
  let seen: { at: number; length: number }[] = []
  let reads = 0

  function pageFor(index: number): Uint8Array {
    const own = top.get(index)
    if (own !== undefined) return own
    const page = kept.get(index)?.slice() ?? new Uint8Array(PAGE)
    top.set(index, page)
    return page
  }

  function each(
    at: number,
    length: number,
    act: (page: number, from: number, to: number, done: number) => void,
  ) {
    for (let done = 0; done < length; ) {
      const from = (at + done) % PAGE
      const count = Math.min(PAGE - from, length - done)
      act(Math.floor((at + done) / PAGE), from, from + count, done)
      done += count
    }
  }

  return {
    name,
    writable: true,
    get reads() {
      return reads
    },
    size: () => size,
    read(at, into) {
      reads++
      if (at < 0 || at + into.length > size) {
        throw new VivariumError('corrupt', 'store-short-read', 'The file ends before the data it promises.', {
          where: { path: name, offset: size },
        })
      }
      if (seen.length < 10_000) seen.push({ at, length: into.length })
      each(at, into.length, (page, from, to, done) => {
        const bytes = top.get(page) ?? kept.get(page)
        if (bytes === undefined) into.fill(0, done, done + to - from)
        else into.set(bytes.subarray(from, to), done)
      })
    },
    write(at, from) {
      written += from.length
      if (at < 0 || at + from.length > MOST_SIZE_BYTES || written > MOST_WRITTEN_BYTES)
        throw new VivariumError('io', 'host-enospc', 'No room.', { where: { path: name } })
      size = Math.max(size, at + from.length)
      each(at, from.length, (page, start, end, done) =>
        pageFor(page).set(from.subarray(done, done + end - start), start),
      )
    },
    truncate(wanted) {
      if (wanted > MOST_SIZE_BYTES)
        throw new VivariumError('io', 'host-efbig', 'Too large.', { where: { path: name } })
      for (const index of new Set([...kept.keys(), ...top.keys()])) {
        if ((index + 1) * PAGE > wanted && index * PAGE < size)
          pageFor(index).fill(0, Math.max(0, wanted - index * PAGE))
      }
      size = wanted
    },
    flush: () => undefined,
    close: () => undefined,
    reset() {
      top.clear()
      size = keptSize
      written = 0
    },
    keep() {
      for (const [index, page] of top) kept.set(index, page)
      top.clear()
      keptSize = size
      written = 0
    },
    watch() {
      const ranges = seen
      seen = []
      return ranges
    },
  }
}
