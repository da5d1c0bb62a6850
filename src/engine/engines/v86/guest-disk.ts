import { VivariumError } from '../../../base/index.ts'
import type { GuestBuffer } from './emulator.ts'

/** What the guest's drive is made of: a Disk, or a file that is a CD or a floppy. */
export interface Medium {
  /** The file to name in an error. */
  readonly path: string
  readonly sizeBytes: number
  readonly writable: boolean
  read(offset: number, into: Uint8Array): void
  write(offset: number, from: Uint8Array): void
  flush(): void
  close(): void
}

/** A guest that never flushes loses at most this much when the host dies. */
const FLUSH_MILLISECONDS = 1000
const SECTOR = 512

type Operation =
  | { readonly kind: 'get'; readonly offset: number; readonly length: number; done(data: Uint8Array): void }
  | { readonly kind: 'set'; readonly offset: number; readonly data: Uint8Array; done(): void }

/**
 * A medium as a drive of v86.
 *
 * v86 tells the guest that a write has ended before it has begun, and cannot report a failure at all. So a failure
 * of the host stops the machine instead (`onFailure`), as Virtual Server did when the host's disk was full; the
 * operation and all that follow wait, in order, and are tried again by `retry` when the machine goes on. Guests
 * see no write cache and never flush: a timer does it for them, and so does `close`.
 */
export class GuestDisk implements GuestBuffer {
  readonly byteLength: number
  onload?: (event: object) => void
  /** Called instead of `done` for a write to a read-only medium: the drive reports the error to the guest. */
  onWriteRefused?: () => void
  readonly #medium: Medium
  readonly #onFailure: (error: VivariumError) => void
  #waiting: Operation[] = []
  #scratch = new Uint8Array(64 * 1024)
  #flushTimer: NodeJS.Timeout | undefined

  constructor(medium: Medium, sectorBytes: number, onFailure: (error: VivariumError) => void) {
    this.#medium = medium
    this.#onFailure = onFailure
    this.byteLength = Math.ceil(medium.sizeBytes / sectorBytes) * sectorBytes
  }

  load(): void {
    this.onload?.({})
  }

  get(offset: number, length: number, done: (data: Uint8Array) => void): void {
    this.#submit({ kind: 'get', offset, length, done })
  }

  set(offset: number, data: Uint8Array, done: () => void): void {
    this.#submit({ kind: 'set', offset, data, done })
  }

  get_and_cache(offset: number, length: number, done: (data: Uint8Array) => void): void {
    this.get(offset, length, done)
  }

  get_from_cache(offset: number, length: number): Uint8Array | undefined {
    return offset === 0 && length === SECTOR ? this.#read(0, SECTOR) : undefined
  }

  get_buffer(done: (buffer?: ArrayBuffer) => void): void {
    done()
  }

  /** What is on a disk is not part of a machine's state. */
  get_state(): unknown[] {
    return []
  }

  set_state(): void {}

  /** Does what waits since a failure; what fails again reports again and stays. */
  retry(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const operation of waiting) this.#submit(operation)
  }

  /** Everything written so far is on stable storage. @throws VivariumError. */
  flush(): void {
    if (this.#flushTimer === undefined) return
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    try {
      this.#medium.flush()
    } catch (error) {
      this.#flushLater()
      throw error
    }
  }

  /** Flushes; a failure stops the machine. */
  flushOrFail(): void {
    try {
      this.flush()
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
      this.#onFailure(error)
    }
  }

  /** Flushes and lets go of the files, even when the flush fails. @throws VivariumError. */
  close(): void {
    try {
      this.retry()
      this.flush()
    } finally {
      clearTimeout(this.#flushTimer)
      this.#medium.close()
    }
  }

  #submit(operation: Operation): void {
    if (this.#waiting.length > 0) {
      this.#wait(operation)
      return
    }
    if (operation.kind === 'get') {
      const data = this.#attempt(operation, () => this.#read(operation.offset, operation.length))
      if (data) operation.done(data)
    } else if (this.#medium.writable || this.onWriteRefused === undefined) {
      if (this.#attempt(operation, () => this.#write(operation))) operation.done()
    } else {
      this.onWriteRefused()
    }
  }

  #attempt<Result>(operation: Operation, action: () => Result): Result | undefined {
    try {
      return action()
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
      this.#wait(operation)
      this.#onFailure(error)
      return undefined
    }
  }

  #write({ offset, data }: { offset: number; data: Uint8Array }): true {
    this.#medium.write(offset, data)
    this.#flushLater()
    return true
  }

  #wait(operation: Operation): void {
    this.#waiting.push(operation.kind === 'get' ? operation : { ...operation, data: operation.data.slice() })
  }

  /** v86 copies what it gets before it asks again, so one array serves all reads. */
  #read(offset: number, length: number): Uint8Array {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length)
    const data = this.#scratch.subarray(0, length)
    const stored = Math.max(0, Math.min(length, this.#medium.sizeBytes - offset))
    this.#medium.read(offset, data.subarray(0, stored))
    data.fill(0, stored)
    return data
  }

  #flushLater(): void {
    this.#flushTimer ??= setTimeout(() => this.flushOrFail(), FLUSH_MILLISECONDS)
  }
}
