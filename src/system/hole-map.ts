import { fstatSync } from 'node:fs'
import { nativeFiles } from './native.ts'

/**
 * Where a file has holes. The kernel looks for the end of a stored range page by page on some file systems, so asking
 * it again for every piece of a large range takes longer than reading it: a file that is not written to here is asked
 * once for each range. (Whoever else writes to it is kept away by claims.)
 */
export class HoleMap {
  readonly #fd: number
  readonly #remembers: boolean
  /** The stored range [from, end) that was found last, and the hole before it. */
  #hole = 0
  #from = 0
  #end = 0

  constructor(fd: number, writable: boolean) {
    this.#fd = fd
    this.#remembers = !writable
  }

  /** The first stored byte from `at` on, or the size of the file. */
  nextData(at: number): number {
    if (this.#remembers && at >= this.#hole && at < this.#end) return Math.max(at, this.#from)
    const size = fstatSync(this.#fd).size
    const native = nativeFiles()
    if (at >= size) return size
    if (native === undefined) return at
    const data = native.seekData(this.#fd, at) ?? size
    if (!this.#remembers) return data
    this.#hole = at
    this.#from = data
    this.#end = data === size ? size : Math.min(size, native.seekHole(this.#fd, data))
    return data
  }

  /** The first byte from `at` on that is not stored, or the size of the file. */
  nextHole(at: number): number {
    const data = this.nextData(at)
    if (data > at) return at
    if (this.#remembers && at >= this.#from && at < this.#end) return this.#end
    const size = fstatSync(this.#fd).size
    return at >= size ? size : Math.min(size, nativeFiles()?.seekHole(this.#fd, at) ?? size)
  }
}
