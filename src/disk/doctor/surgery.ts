import { type ByteStore, bytesEqual, MiB, VivariumError } from '../../base/index.ts'
import { SECTOR } from '../format.ts'

/**
 * A repair that is only thought of. What would be done to a file is kept in memory over the file as it is, act by
 * act, and everybody who reads `store` sees the file as it would be then: so a plan is made step by step, each on
 * the outcome of those before it, and is proven by the format's own reader before a single byte is changed.
 */
export interface Act {
  readonly kind: 'write' | 'copy' | 'resize'
  /** What is done, in words. */
  readonly what: string
  readonly why: string
  /** Guest data that was readable, or a part of the disk, is given up by it. */
  readonly loses: boolean
  readonly offset: number
  readonly length: number
  /** Only with `write`. */
  readonly before?: Uint8Array
  readonly after?: Uint8Array
  /** Only with `copy`: where the bytes come from. */
  readonly from?: number
}

export interface Reason {
  readonly what: string
  readonly why: string
  readonly loses?: boolean
}

/** A range whose bytes the plan changes. Shorter on one side where it lies behind that side's end of the file. */
export interface ChangedRange {
  readonly offset: number
  readonly before: Uint8Array
  readonly after: Uint8Array
}

/** More than a BAT of 2 TB or the refcounts of 1 TiB; keeps a plan, and its backup, within memory. */
const MAX_CHANGED_BYTES = 64 * MiB
/** More than this is not kept in order to be cut off. */
export const MAX_CUT_BYTES = 16 * MiB
const PIECE = MiB
/** The last ranges of a repair are made durable one after another; of many before them, all at once. */
const ORDERED_RANGES = 32

interface Copied {
  readonly from: number
  readonly to: number
  readonly length: number
}

export class Surgery {
  readonly acts: Act[] = []
  /** The file as it will be; read-only. */
  readonly store: ByteStore
  readonly #file: ByteStore
  readonly #sizeBefore: number
  readonly #sectors = new Map<number, Uint8Array>()
  readonly #copies: Copied[] = []
  #size: number
  /** Below it the file's own bytes count. */
  #ownEnd: number

  constructor(file: ByteStore) {
    this.#file = file
    this.#sizeBefore = file.size()
    this.#size = this.#sizeBefore
    this.#ownEnd = this.#sizeBefore
    this.store = {
      name: file.name,
      writable: false,
      size: () => this.#size,
      read: (at, into) => this.#read(at, into),
      write: refuse,
      truncate: refuse,
      flush: () => undefined,
      close: () => undefined,
    }
  }

  get size(): number {
    return this.#size
  }

  get sizeBefore(): number {
    return this.#sizeBefore
  }

  bytesAt(at: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    this.#read(at, bytes)
    return bytes
  }

  /** False, and nothing noted, when the bytes are there already. */
  write(at: number, bytes: Uint8Array, { what, why, loses = false }: Reason): boolean {
    const known = Math.max(0, Math.min(bytes.length, this.#size - at))
    const before = known === 0 ? new Uint8Array(0) : this.bytesAt(at, known)
    if (bytesEqual(before, bytes)) return false
    const after = bytes.slice()
    this.acts.push({ kind: 'write', what, why, loses, offset: at, length: bytes.length, before, after })
    this.#put(at, after)
    return true
  }

  /** Gives a copy of a range a place behind the end of the file, which is extended for it. */
  copyToEnd(from: number, to: number, length: number, { what, why, loses = false }: Reason): void {
    if (to < Math.max(this.#size, this.#sizeBefore) || from + length > this.#size)
      throw new Error('a copy goes behind the end')
    this.acts.push({ kind: 'copy', what, why, loses, offset: to, length, from })
    // What was changed in the source so far is in memory; the rest of it never changes by the copy.
    const changed: [number, Uint8Array][] = []
    for (const [index, bytes] of this.#sectors) {
      const at = index * SECTOR
      if (at + SECTOR > from && at < from + length) changed.push([at, bytes])
    }
    this.#size = to + length
    this.#copies.push({ from, to, length })
    for (const [at, bytes] of changed) {
      const start = Math.max(at, from)
      const end = Math.min(at + SECTOR, from + length)
      this.#put(to + start - from, bytes.subarray(start - at, end - at))
    }
  }

  resize(size: number, { what, why, loses = false }: Reason): void {
    if (size === this.#size) return
    if (size < this.#size && (this.#copies.length > 0 || size % SECTOR !== 0))
      throw new Error('cut at whole sectors, before anything is copied')
    if (size > this.#size && this.#ownEnd < this.#sizeBefore) throw new Error('cut or extend, not both')
    this.acts.push({ kind: 'resize', what, why, loses, offset: size, length: Math.abs(size - this.#size) })
    for (const [index, bytes] of this.#sectors) {
      if ((index + 1) * SECTOR <= size) continue
      if (index * SECTOR >= size) this.#sectors.delete(index)
      else bytes.fill(0, size - index * SECTOR)
    }
    this.#ownEnd = Math.min(this.#ownEnd, size)
    this.#size = size
  }

  /** Everything that differs in the end, in whole sectors as far as the file has them; copies are apart. */
  changedRanges(): ChangedRange[] {
    const ranges: ChangedRange[] = []
    let run: { offset: number; before: Uint8Array[]; after: Uint8Array[] } | undefined
    const close = () => {
      if (run) ranges.push({ offset: run.offset, before: joined(run.before), after: joined(run.after) })
      run = undefined
    }
    let end = -1
    for (const index of [...this.#sectors.keys()].sort((a, b) => a - b)) {
      const offset = index * SECTOR
      const before = this.#original(offset, SECTOR)
      const after = this.#sectors.get(index)!.subarray(0, Math.min(SECTOR, this.#size - offset))
      if (bytesEqual(before, after)) continue
      if (offset !== end) close()
      run ??= { offset, before: [], after: [] }
      run.before.push(before)
      run.after.push(after)
      end = offset + SECTOR
      if (run.after.length * SECTOR >= PIECE) close()
    }
    close()
    for (let at = this.#size; at < this.#sizeBefore; at += PIECE)
      ranges.push({ offset: at, before: this.#original(at, PIECE), after: new Uint8Array(0) })
    return ranges
  }

  /**
   * Does it to the file: what is added first, then every changed range once, so that each sector is at any moment as
   * before or as after all of it. Repeating it from the start after a failure is not possible: take it back first.
   */
  perform(store: ByteStore): void {
    const ranges = this.changedRanges()
    for (const { kind, offset, from, length } of this.acts) {
      if (kind === 'resize') store.truncate(offset)
      if (kind === 'copy') copyWithin(store, { from: from!, to: offset, length })
    }
    store.flush()
    // In every format what points lies in front of what it points at: headers and marks come last, one by one.
    const written = ranges.filter(({ after }) => after.length > 0).reverse()
    for (const [index, { offset, after }] of written.entries()) {
      store.write(offset, after)
      if (written.length - index <= ORDERED_RANGES) store.flush()
    }
  }

  #original(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#sizeBefore - at)))
    if (bytes.length > 0) this.#file.read(at, bytes)
    return bytes
  }

  #put(at: number, bytes: Uint8Array): void {
    if (at > this.#size && this.#ownEnd < this.#sizeBefore) throw new Error('no gaps behind a cut')
    this.#size = Math.max(this.#size, at + bytes.length)
    for (let done = 0; done < bytes.length; ) {
      const index = Math.floor((at + done) / SECTOR)
      const inSector = at + done - index * SECTOR
      const count = Math.min(bytes.length - done, SECTOR - inSector)
      let sector = this.#sectors.get(index)
      if (sector === undefined) {
        sector = new Uint8Array(SECTOR)
        const length = Math.min(SECTOR, this.#size - index * SECTOR)
        this.#read(index * SECTOR, sector.subarray(0, length))
        this.#sectors.set(index, sector)
      }
      sector.set(bytes.subarray(done, done + count), inSector)
      done += count
    }
    if (this.#sectors.size * SECTOR > MAX_CHANGED_BYTES) throw tooMuch(this.#file.name)
  }

  #read(at: number, into: Uint8Array): void {
    if (at < 0 || at + into.length > this.#size) {
      // The file's own error: it ends before the data it promises.
      this.#file.read(Math.max(at, this.#sizeBefore), new Uint8Array(1))
    }
    const own = Math.max(0, Math.min(into.length, this.#ownEnd - at))
    if (own > 0) this.#file.read(at, into.subarray(0, own))
    into.fill(0, own)
    for (const { from, to, length } of this.#copies) {
      const start = Math.max(at, to)
      const end = Math.min(at + into.length, to + length)
      if (start < end) this.#readSource(from + start - to, into.subarray(start - at, end - at))
    }
    if (this.#sectors.size === 0) return
    const last = Math.floor((at + into.length - 1) / SECTOR)
    for (let index = Math.floor(at / SECTOR); index <= last; index++) {
      const sector = this.#sectors.get(index)
      if (sector === undefined) continue
      const start = Math.max(at, index * SECTOR)
      const end = Math.min(at + into.length, (index + 1) * SECTOR)
      into.set(sector.subarray(start - index * SECTOR, end - index * SECTOR), start - at)
    }
  }

  /** As the file has it, behind its end zeroes. */
  #readSource(at: number, into: Uint8Array): void {
    const own = Math.max(0, Math.min(into.length, this.#ownEnd - at))
    if (own > 0) this.#file.read(at, into.subarray(0, own))
    into.fill(0, own)
  }
}

function refuse(): never {
  throw new Error('a plan is not written through its store')
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function tooMuch(path: string): VivariumError {
  return new VivariumError(
    'unsupported',
    'repair-too-large',
    `The repair would change more than ${MAX_CHANGED_BYTES} bytes.`,
    { where: { path }, next: 'Copy the file again from its source.' },
  )
}

function copyWithin(store: ByteStore, { from, to, length }: Copied): void {
  const buffer = new Uint8Array(Math.min(PIECE, length))
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done))
    readOrZero(store, from + done, piece)
    store.write(to + done, piece)
  }
}

function readOrZero(store: ByteStore, at: number, into: Uint8Array): void {
  const own = Math.max(0, Math.min(into.length, store.size() - at))
  if (own > 0) store.read(at, into.subarray(0, own))
  into.fill(0, own)
}
