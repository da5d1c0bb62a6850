import { createWriteStream, rmSync, type WriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import type { CaptureFile } from '../../network/index.ts'
import { systemError } from '../../system/index.ts'

/** The file of a capture, or a row of them: when one is full the next begins, and the oldest goes. */

/** What may wait for the disk before frames are lost. */
const QUEUE_BYTES = 8 * 1024 * 1024

export class CaptureFileWriter {
  /** The last file is full, or the disk is. */
  onEnd: () => void = () => undefined
  readonly #settings: CaptureFile
  readonly #paths: string[] = []
  #stream: WriteStream
  #number = 1
  #bytes = 0
  #openedAt = performance.now()
  #isClosed = false

  /** @throws VivariumError when the file cannot be made. */
  static async open(settings: CaptureFile): Promise<CaptureFileWriter> {
    const path = numbered(settings, 1)
    try {
      const file = await open(path, 'w', 0o600)
      return new CaptureFileWriter(settings, path, file.createWriteStream())
    } catch (error) {
      throw systemError(error as Error, path)
    }
  }

  private constructor(settings: CaptureFile, path: string, stream: WriteStream) {
    this.#settings = settings
    this.#paths.push(path)
    this.#stream = this.#watch(stream)
  }

  write(bytes: Uint8Array): 'taken' | 'no-room' | 'new-file' {
    if (this.#isClosed || this.#stream.writableLength + bytes.length > QUEUE_BYTES) return 'no-room'
    if (this.#isFull(bytes.length)) return this.#turn() ? 'new-file' : 'no-room'
    this.#bytes += bytes.length
    this.#stream.write(bytes)
    return 'taken'
  }

  /** Resolves when all is in the file. */
  close(): Promise<void> {
    this.#isClosed = true
    return new Promise((resolve) => {
      if (this.#stream.closed) resolve()
      this.#stream.once('close', resolve)
      this.#stream.end()
    })
  }

  #isFull(more: number): boolean {
    const { maximumBytes = Number.POSITIVE_INFINITY, maximumSeconds = Number.POSITIVE_INFINITY } =
      this.#settings
    if (this.#bytes === 0) return false
    return this.#bytes + more > maximumBytes || performance.now() - this.#openedAt > maximumSeconds * 1000
  }

  /** False: there is no next file. */
  #turn(): boolean {
    const { maximumFiles } = this.#settings
    if (maximumFiles === 1) {
      this.#isClosed = true
      queueMicrotask(this.onEnd)
      return false
    }
    this.#stream.end()
    const path = numbered(this.#settings, ++this.#number)
    this.#stream = this.#watch(createWriteStream(path, { mode: 0o600 }))
    this.#paths.push(path)
    if (this.#paths.length > maximumFiles) rmSync(this.#paths.shift()!, { force: true })
    this.#bytes = 0
    this.#openedAt = performance.now()
    return true
  }

  #watch(stream: WriteStream): WriteStream {
    stream.on('error', () => {
      this.#isClosed = true
      this.onEnd()
    })
    return stream
  }
}

function numbered({ path, maximumFiles }: CaptureFile, number: number): string {
  if (maximumFiles === 1) return path
  const extension = extname(path)
  return `${path.slice(0, path.length - extension.length)}.${number}${extension}`
}
