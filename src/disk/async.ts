import { type ByteStore, VivariumError } from '../base/index.ts'

/**
 * The seam to slow places (a file dropped on a web page, a range of a download): the same synchronous format code
 * runs over pages that are in memory. When it touches a page that is not, the store throws a private signal; the
 * adapter fetches the pages and runs the code again from the start. Read-only. The code must therefore change
 * nothing but its own caches before it has read what it needs, which is true of opening, reading and inspecting.
 *
 * Pages that one run of the code has used stay until it ends, so every retry gets further; between runs the
 * oldest go. A caller that reads much should read in pieces.
 */
export interface AsyncSource {
  /** What to call it in an error. */
  readonly name: string
  readonly sizeBytes: number
  /** Exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array>
}

export interface AsyncReader {
  /** Calls `work` with a store over the source until it needs no more bytes. Runs one at a time, in order. */
  run<Result>(work: (store: ByteStore) => Result): Promise<Result>
}

const PAGE_BYTES = 64 << 10
/** Pages kept between runs: 16 MiB. */
const MAX_IDLE_PAGES = 256
/** Missing neighbours are fetched together, up to this many bytes at a time. */
const MAX_FETCH_BYTES = 4 << 20

/** Not an error: control flow that never leaves this file. */
class NeedBytes extends Error {
  readonly first: number
  readonly end: number
  constructor(first: number, end: number) {
    super('bytes are still to be fetched')
    this.first = first
    this.end = end
  }
}

/**
 * @example
 * const reader = readAsynchronously(blobSource(droppedFile))
 * const size = await reader.run((store) => readImage(store).facts.sizeBytes)
 */
export function readAsynchronously(source: AsyncSource): AsyncReader {
  const pages = new Map<number, Uint8Array>()
  const used = new Set<number>()
  const store = storeOver(source, pages, used)
  let last: Promise<unknown> = Promise.resolve()

  async function runToEnd<Result>(work: (store: ByteStore) => Result): Promise<Result> {
    used.clear()
    for (;;) {
      try {
        const result = work(store)
        evict(pages)
        return result
      } catch (error) {
        if (!(error instanceof NeedBytes)) throw error
        await fetchPages(source, pages, error)
      }
    }
  }

  return {
    run(work) {
      const result = last.then(() => runToEnd(work))
      last = result.catch(() => undefined)
      return result
    },
  }
}

function storeOver(source: AsyncSource, pages: Map<number, Uint8Array>, used: Set<number>): ByteStore {
  return {
    name: source.name,
    writable: false,
    size: () => source.sizeBytes,
    read(at, into) {
      requireInside(source, at, into.length)
      const first = Math.floor(at / PAGE_BYTES)
      const end = Math.ceil((at + into.length) / PAGE_BYTES)
      for (let page = first; page < end; page++) if (!pages.has(page)) throw new NeedBytes(page, end)
      for (let page = first; page < end; page++) {
        touch(pages, used, page)
        const start = Math.max(at, page * PAGE_BYTES)
        const stop = Math.min(at + into.length, (page + 1) * PAGE_BYTES)
        const bytes = pages.get(page)!
        into.set(bytes.subarray(start - page * PAGE_BYTES, stop - page * PAGE_BYTES), start - at)
      }
    },
    write: () => refuse(source),
    truncate: () => refuse(source),
    flush: () => undefined,
    close: () => undefined,
  }
}

function requireInside(source: AsyncSource, at: number, length: number): void {
  if (at + length <= source.sizeBytes) return
  throw new VivariumError('corrupt', 'store-short-read', 'The file ends before the data it promises.', {
    where: { path: source.name, offset: source.sizeBytes },
    next: 'It was cut short: copy it again from its source.',
  })
}

function refuse(source: AsyncSource): never {
  throw new VivariumError('denied', 'store-read-only', 'It can only be read here.', {
    where: { path: source.name },
  })
}

/** The first use in a run moves a page to the young end. */
function touch(pages: Map<number, Uint8Array>, used: Set<number>, page: number): void {
  if (used.has(page)) return
  used.add(page)
  const bytes = pages.get(page)!
  pages.delete(page)
  pages.set(page, bytes)
}

function evict(pages: Map<number, Uint8Array>): void {
  for (const page of pages.keys()) {
    if (pages.size <= MAX_IDLE_PAGES) return
    pages.delete(page)
  }
}

async function fetchPages(
  source: AsyncSource,
  pages: Map<number, Uint8Array>,
  { first, end }: NeedBytes,
): Promise<void> {
  for (let page = first; page < end; ) {
    if (pages.has(page)) {
      page++
      continue
    }
    let stop = page + 1
    while (stop < end && !pages.has(stop) && (stop - page) * PAGE_BYTES < MAX_FETCH_BYTES) stop++
    await fetchRun(source, pages, page, stop)
    page = stop
  }
}

async function fetchRun(
  source: AsyncSource,
  pages: Map<number, Uint8Array>,
  first: number,
  end: number,
): Promise<void> {
  const offset = first * PAGE_BYTES
  const length = Math.min(end * PAGE_BYTES, source.sizeBytes) - offset
  const bytes = await source.read(offset, length)
  if (bytes.length !== length) {
    throw new VivariumError(
      'io',
      'source-short-read',
      `${bytes.length} of ${length} bytes came from the source.`,
      {
        where: { path: source.name, offset },
        next: 'Try again.',
      },
    )
  }
  for (let page = first; page < end; page++)
    pages.set(page, bytes.slice((page - first) * PAGE_BYTES, (page - first + 1) * PAGE_BYTES))
}

/** A file that was dropped on, or chosen in, a web page. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'file'): AsyncSource {
  return {
    name,
    sizeBytes: blob.size,
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  }
}

/** A file on a web server that answers range requests. @throws VivariumError kind `io` or `unsupported`. */
export async function httpSource(url: string, fetchLike: typeof fetch = fetch): Promise<AsyncSource> {
  const head = await fetchLike(url, { method: 'HEAD' })
  const sizeBytes = Number(head.headers.get('content-length') ?? Number.NaN)
  if (!head.ok || !Number.isSafeInteger(sizeBytes) || head.headers.get('accept-ranges') !== 'bytes') {
    throw new VivariumError(
      'unsupported',
      'http-no-ranges',
      `The server answered ${head.status} and offers no ranges.`,
      {
        where: { path: url },
        next: 'Download the file and open it from there.',
      },
    )
  }
  return {
    name: url,
    sizeBytes,
    async read(offset, length) {
      const answer = await fetchLike(url, { headers: { range: `bytes=${offset}-${offset + length - 1}` } })
      if (answer.status === 206) return new Uint8Array(await answer.arrayBuffer())
      throw new VivariumError(
        'io',
        'http-range-failed',
        `The server answered ${answer.status} to a range request.`,
        {
          where: { path: url, offset },
          next: 'Try again.',
        },
      )
    },
  }
}
