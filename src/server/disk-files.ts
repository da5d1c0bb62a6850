import { basename, extname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import type { GuestReport } from '../disk/index.ts'
import {
  type ExtractEvent,
  type Inside,
  type InsideVolume,
  type Listing,
  openInside,
} from '../workshop/index.ts'
import { startArchive } from './disk-archive.ts'
import type { InspectOptions } from './inspection.ts'

/** A reader that nobody asked for so long ends. */
const IDLE_MS = 60_000
/** Disks that are kept open for looking into; the one that was not asked for longest makes room. */
const MOST_KEPT = 4
/** Downloads at a time, each with a process of its own. */
const MOST_DOWNLOADS = 8

export interface Download {
  readonly name: string
  readonly sizeBytes: number | undefined
  /** Read as fast as it is taken; cancelling it ends the reading. */
  readonly bytes: ReadableStream<Uint8Array>
}

interface Kept {
  readonly inside: Inside
  timer: NodeJS.Timeout
}

/** Looking into disks for the site: readers are kept for a while, so that the next folder comes at once. */
export class DiskFiles {
  readonly #optionsFor: (path: string) => InspectOptions
  /** By path; the least recently used first. */
  readonly #kept = new Map<string, Kept>()
  readonly #downloads = new Set<Inside>()
  #closed = false

  constructor(optionsFor: (path: string) => InspectOptions) {
    this.#optionsFor = optionsFor
  }

  volumes(path: string): Promise<InsideVolume[]> {
    return this.#reader(path).volumes()
  }

  list(path: string, volume: number, inside: string): Promise<Listing> {
    return this.#reader(path).list(volume, inside)
  }

  guest(path: string): Promise<GuestReport | undefined> {
    return this.#reader(path).guest()
  }

  /** @throws VivariumError kind `busy`, code `too-many-downloads`; `invalid` for a folder; what looking into it threw. */
  download(path: string, volume: number, file: string): Promise<Download> {
    return this.#download(path, (inside, done) => startDownload(inside, volume, file, done))
  }

  /** A folder with everything in it as a zip archive, made while it is sent. @throws VivariumError as `download`. */
  archive(path: string, volume: number, folder: string): Promise<Download> {
    const name = folder.split('/').findLast((part) => part !== '')
    const ofDisk = `${basename(path, extname(path))}-${volume}`
    return this.#download(path, (inside, done) =>
      startArchive(inside, { volume, folder, name: `${name ?? ofDisk}.zip` }, done),
    )
  }

  async #download(
    path: string,
    start: (inside: Inside, done: () => void) => Promise<Download>,
  ): Promise<Download> {
    if (this.#downloads.size >= MOST_DOWNLOADS) {
      throw new VivariumError('busy', 'too-many-downloads', `${MOST_DOWNLOADS} downloads are going on.`, {
        next: 'Wait until one has ended.',
      })
    }
    const inside = openInside(path, this.#optionsFor(path))
    this.#downloads.add(inside)
    const done = () => {
      inside.close()
      this.#downloads.delete(inside)
    }
    try {
      return await start(inside, done)
    } catch (error) {
      done()
      throw error
    }
  }

  close(): void {
    this.#closed = true
    for (const { inside, timer } of this.#kept.values()) {
      clearTimeout(timer)
      inside.close()
    }
    this.#kept.clear()
    for (const inside of this.#downloads) inside.close()
  }

  #reader(path: string): Inside {
    if (this.#closed)
      throw new VivariumError('unavailable', 'server-stopping', 'The server is being stopped.', {
        where: { path },
      })
    const known = this.#kept.get(path)
    if (known !== undefined) clearTimeout(known.timer)
    const inside = known?.inside ?? openInside(path, this.#optionsFor(path))
    this.#kept.delete(path)
    this.#kept.set(path, { inside, timer: setTimeout(() => this.#end(path), IDLE_MS).unref() })
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break
      this.#end(oldest)
    }
    return inside
  }

  #end(path: string): void {
    const kept = this.#kept.get(path)
    if (kept === undefined) return
    clearTimeout(kept.timer)
    kept.inside.close()
    this.#kept.delete(path)
  }
}

/** Resolves with the first sign of the file, so that what is wrong before it is an answer of its own. */
function startDownload(inside: Inside, volume: number, file: string, done: () => void): Promise<Download> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  // The reader of the stream hears of it; here it is only a cancelled download.
  writer.closed.catch(() => undefined)
  return new Promise((resolve, reject) => {
    const sink = async (event: ExtractEvent) => {
      if (event.event === 'folder') throw isFolder(file)
      if (event.event === 'file')
        resolve({ name: basename(event.path), sizeBytes: event.sizeBytes, bytes: readable })
      else if (event.event === 'data') await writer.write(event.bytes)
      else if (event.event === 'hole') await writeZeroes(writer, event.length)
    }
    inside
      .extract(volume, file, sink)
      .then(
        () => writer.close(),
        (error: unknown) => {
          reject(error)
          return writer.abort(error)
        },
      )
      .catch(() => undefined)
      .finally(done)
  })
}

const ZEROES = new Uint8Array(64 << 10)

async function writeZeroes(writer: WritableStreamDefaultWriter<Uint8Array>, length: number): Promise<void> {
  for (let left = length; left > 0; left -= ZEROES.length)
    await writer.write(ZEROES.subarray(0, Math.min(left, ZEROES.length)))
}

function isFolder(path: string): VivariumError {
  return new VivariumError('invalid', 'inside-is-a-folder', `/${path} is a folder.`, {
    next: 'Download it as a zip archive, or copy it with "vivarium disk cp".',
  })
}
