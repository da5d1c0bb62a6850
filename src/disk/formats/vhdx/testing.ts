import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { writeMaybeTorn } from '../testing.ts'

/** What a store was asked to do; `flush` confirms everything before it. */
export type JournalEntry =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'flush' }

export interface SparseStore extends ByteStore {
  /** Another file with the same content. */
  copy(): SparseStore
  /** Notes everything from now on. */
  journal: JournalEntry[] | undefined
}

const PAGE = 4096

/** A file in memory that only keeps what was written: a VHDX has at least 4 MiB, and nearly all of it is zero. */
export function sparseStore(name = 'memory.vhdx'): SparseStore {
  return storeOf(name, new Map(), 0)
}

function storeOf(name: string, pages: Map<number, Uint8Array>, initialSize: number): SparseStore {
  let size = initialSize

  /** Calls back for each page of a range: its number, the offset in it, the offset in the range, the length. */
  function eachPage(
    at: number,
    length: number,
    visit: (page: number, inPage: number, done: number, count: number) => void,
  ) {
    for (let done = 0; done < length; ) {
      const inPage = (at + done) % PAGE
      const count = Math.min(PAGE - inPage, length - done)
      visit(Math.floor((at + done) / PAGE), inPage, done, count)
      done += count
    }
  }

  const store: SparseStore = {
    name,
    writable: true,
    journal: undefined,
    size: () => size,
    read(at, into) {
      if (at + into.length > size)
        throw new VivariumError('corrupt', 'store-short-read', 'The file ends before the data it promises.', {
          where: { path: name, offset: size },
        })
      eachPage(at, into.length, (page, inPage, done, count) => {
        const bytes = pages.get(page)
        if (bytes === undefined) into.fill(0, done, done + count)
        else into.set(bytes.subarray(inPage, inPage + count), done)
      })
    },
    write(at, from) {
      store.journal?.push({ kind: 'write', at, bytes: from.slice() })
      size = Math.max(size, at + from.length)
      eachPage(at, from.length, (page, inPage, done, count) => {
        let bytes = pages.get(page)
        if (bytes === undefined) {
          bytes = new Uint8Array(PAGE)
          pages.set(page, bytes)
        }
        bytes.set(from.subarray(done, done + count), inPage)
      })
    },
    truncate(wanted) {
      store.journal?.push({ kind: 'truncate', size: wanted })
      for (const [page, bytes] of wanted < size ? pages : []) {
        if (page * PAGE >= wanted) pages.delete(page)
        else if ((page + 1) * PAGE > wanted) bytes.fill(0, wanted - page * PAGE)
      }
      size = wanted
    },
    flush: () => void store.journal?.push({ kind: 'flush' }),
    close: () => undefined,
    copy: () => storeOf(name, new Map(Array.from(pages, ([page, bytes]) => [page, bytes.slice()])), size),
  }
  return store
}

/** The file after a failure behind `length` journal entries. `lossy`: what no flush confirmed may be lost, or half there. */
export function rebuild(
  initial: SparseStore,
  journal: readonly JournalEntry[],
  length: number,
  lossy: boolean,
  next: (limit: number) => number,
): SparseStore {
  const store = initial.copy()
  const confirmed = journal.slice(0, length).findLastIndex(({ kind }) => kind === 'flush')
  for (const [index, entry] of journal.slice(0, length).entries()) {
    const certain = index <= confirmed || (!lossy && index < length - 1)
    if (!certain && lossy && next(10) < 4) continue
    if (entry.kind === 'truncate') store.truncate(entry.size)
    if (entry.kind === 'write')
      writeMaybeTorn(store, entry, !certain && next(10) < 4, () => next(1000) / 1000)
  }
  return store
}
