import { CleanPieces } from '../../clean-pieces.ts'
import type { HostFile } from './host-file.ts'

/** L2 tables and refcount blocks are read and written in slices: a table of 64 KiB or 2 MiB is rarely needed whole. */
export const MAX_SLICE_BYTES = 4096

/** Slices by their offset in the file. Clean ones are bounded, for all layers together; changed ones stay. */
export class SliceCache {
  readonly #host: HostFile
  readonly #sliceBytes: number
  readonly #clean = new CleanPieces<DataView<ArrayBuffer>>()
  readonly #changed = new Map<number, DataView<ArrayBuffer>>()
  #lastAt = -1
  #last: DataView<ArrayBuffer> | undefined

  constructor(host: HostFile, sliceBytes: number) {
    this.#host = host
    this.#sliceBytes = sliceBytes
  }

  get changedBytes(): number {
    return this.#changed.size * this.#sliceBytes
  }

  get(at: number): DataView<ArrayBuffer> {
    if (at === this.#lastAt) return this.#last!
    const slice = this.#changed.get(at) ?? this.#clean.get(at) ?? this.#load(at)
    this.#lastAt = at
    this.#last = slice
    return slice
  }

  #load(at: number): DataView<ArrayBuffer> {
    const bytes = new Uint8Array(this.#sliceBytes)
    this.#host.read(at, bytes)
    const slice = new DataView(bytes.buffer)
    this.#keep(at, slice)
    return slice
  }

  /** The slice, to be changed: it stays in memory until it has been written and `settle` was called. */
  change(at: number): DataView<ArrayBuffer> {
    const slice = this.get(at)
    this.#clean.delete(at)
    this.#changed.set(at, slice)
    return slice
  }

  /** Drops what is known of a range that holds something else now. */
  forget(at: number, length: number): void {
    for (let slice = at; slice < at + length; slice += this.#sliceBytes) {
      this.#clean.delete(slice)
      this.#changed.delete(slice)
    }
    this.#lastAt = -1
  }

  /** Writes the changed slices that `which` wants, in the order of the file. */
  write(which: (at: number) => boolean = () => true): void {
    for (const at of [...this.#changed.keys()].filter(which).sort((a, b) => a - b))
      this.#host.write(at, new Uint8Array(this.#changed.get(at)!.buffer))
  }

  /** All changed slices have been written. */
  settle(): void {
    for (const [at, slice] of this.#changed) this.#keep(at, slice)
    this.#changed.clear()
  }

  close(): void {
    this.#clean.clear()
  }

  #keep(at: number, slice: DataView<ArrayBuffer>): void {
    this.#clean.keep(at, slice, this.#sliceBytes)
  }
}
