import type { ByteStore } from '../base/index.ts'
import { descriptorOf } from './files.ts'
import { nativeFiles } from './native.ts'

/** A piece of a file. */
export interface FileRange {
  readonly store: ByteStore
  readonly at: number
  readonly length: number
}

/** One call of the kernel asks for no more. */
const ASK_BYTES = 2 << 20
/** Written between two calls that start the writing out. */
const START_BYTES = 32 << 20

/** Has the host read a range while something else is done; it is read for good later. A hint. */
export function askFor({ store, at, length }: FileRange): void {
  const fd = descriptorOf(store)
  const native = fd === undefined ? undefined : nativeFiles()
  if (fd === undefined || native === undefined) return
  for (let done = 0; done < length; done += ASK_BYTES)
    native.readAhead(fd, at + done, Math.min(ASK_BYTES, length - done))
}

/** Has the host write a file out while it is still being written, so that the flush at the end finds little left. */
export class WriteBehind {
  #waiting = 0

  /** So many bytes were written to the file. */
  wrote(bytes: number, store: ByteStore | undefined): void {
    this.#waiting += bytes
    if (this.#waiting < START_BYTES) return
    this.#waiting = 0
    const fd = store && descriptorOf(store)
    if (fd !== undefined) nativeFiles()?.startWriting(fd, 0, 0)
  }
}
