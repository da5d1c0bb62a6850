import { configure, TextReader, ZipWriter, type ZipWriterAddDataOptions } from '@zip.js/zip.js'
import { plural } from '../../base/index.ts'
import { ArchiveNames } from './archive-names.ts'
import type { ExtractEvent } from './entry.ts'
import { timeOf } from './host-link.ts'

// Its threads are a browser's; here the compression of the runtime has threads of its own.
configure({ useWebWorkers: false })

const FILE_MODE = 0o100644
const FOLDER_MODE = 0o40755
const LINK_MODE = 0o120777
/** Names of what was left out, in the note; there may be very many. */
const NAMED_LEFT_OUT = 1000
export const LEFT_OUT_NOTE = 'READ ME - not everything is here.txt'

/**
 * Turns what an extraction tells into a zip archive, written as it comes: no more than a piece of a file is held, beside
 * the list of names that stands at the archive's end. Sizes are known afterwards, so each file has them behind it, in 64
 * bits (APPNOTE 4.3.9, 4.5.3). Symbolic links are links, as Info-ZIP keeps them: the target as content, the type in
 * the Unix mode. What an archive cannot have is named in a text file at its end.
 */
export class FolderArchive {
  readonly #zip: ZipWriter<unknown>
  readonly #names = new ArchiveNames()
  readonly #leftOut: string[] = []
  #leftOutCount = 0
  #file:
    | { readonly writer: WritableStreamDefaultWriter<Uint8Array>; readonly added: Promise<unknown> }
    | undefined

  constructor(output: WritableStream<Uint8Array>) {
    this.#zip = new ZipWriter(output, { keepOrder: true })
  }

  async take(event: ExtractEvent): Promise<void> {
    switch (event.event) {
      case 'folder':
        await this.#zip.add(`${this.#names.folder(event.path)}/`, undefined, {
          directory: true,
          ...optionsOf(FOLDER_MODE, event.modified),
        })
        return
      case 'file':
        this.#begin(event.path, event.modified)
        return
      case 'data':
        await this.#file!.writer.write(event.bytes)
        return
      case 'hole':
        for (let left = event.length; left > 0; left -= ZEROES.length)
          await this.#file!.writer.write(ZEROES.subarray(0, Math.min(left, ZEROES.length)))
        return
      case 'end':
        await this.#file!.writer.close()
        await this.#file!.added
        return
      case 'link':
        await this.#link(event.path, event.target, event.modified)
        return
      case 'skipped':
        this.leaveOut(
          event.path,
          event.kind === 'link' ? 'it cannot be read where this link leads' : 'it is no plain file',
        )
    }
  }

  #begin(path: string, modified: string | undefined): void {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const added = this.#zip.add(this.#names.file(path), readable, optionsOf(FILE_MODE, modified))
    // Whoever waits for the next piece hears of it.
    added.catch(() => undefined)
    this.#file = { writer: writable.getWriter(), added }
  }

  async #link(path: string, target: string, modified: string | undefined): Promise<void> {
    const name = this.#names.link(path)
    if (name === undefined) this.leaveOut(path, 'it would lie behind another link')
    else await this.#zip.add(name, new TextReader(target), { ...optionsOf(LINK_MODE, modified), level: 0 })
  }

  /** @param why Not a sentence of its own: it stands in brackets. */
  leaveOut(path: string, why: string): void {
    this.#leftOutCount++
    if (this.#leftOut.length < NAMED_LEFT_OUT)
      this.#leftOut.push(`/${path.replace(/\p{Cc}/gu, '_')} (${why})`)
  }

  /** @param damage What of the volume could not be read, in a sentence. */
  async end(damage?: string): Promise<void> {
    const note = [
      ...(damage === undefined ? [] : [damage]),
      ...(this.#leftOutCount === 0 ? [] : [`Left out: ${plural(this.#leftOutCount, 'thing')}.`]),
      ...this.#leftOut,
      ...(this.#leftOutCount > this.#leftOut.length ? ['... and so on.'] : []),
    ]
    if (note.length > 0)
      await this.#zip.add(this.#names.file(LEFT_OUT_NOTE), new TextReader(`${note.join('\r\n')}\r\n`))
    await this.#zip.close()
  }
}

const ZEROES = new Uint8Array(256 << 10)
/** The first and the last year that a zip archive has (APPNOTE 4.4.6). */
const [FIRST_YEAR, LAST_YEAR] = [1980, 2107]

function optionsOf(unixMode: number, modified: string | undefined): ZipWriterAddDataOptions {
  const time = timeOf(modified)
  const year = time?.getFullYear() ?? 0
  const fits = year >= FIRST_YEAR && year <= LAST_YEAR
  // Without a time that fits it gets the first one there is: "now" would be wrong.
  return { unixMode, lastModDate: fits ? time! : new Date(FIRST_YEAR, 0, 1) }
}
