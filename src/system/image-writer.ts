import { type ByteStore, isZero, MiB } from '../base/index.ts'
import type { DiskSource, LaidFile, Segment, Stored } from '../disk/index.ts'
import { descriptorOf } from './files.ts'
import { nativeFiles } from './native.ts'

/**
 * Writes a laid-out file from its first byte to its last: tables and small pieces gathered to large writes, zeroes
 * left out as holes. On file systems that share blocks between files, stored bytes of the guest are copied without
 * being looked at; elsewhere all of them pass through one buffer, which is as quick as a copy in the kernel, and
 * shows the zeroes among them.
 */

/** Small enough to stay in a core's second-level cache between the read and the write. */
const PIECE_BYTES = 512 << 10
/** Zeroes found by looking are looked for in pages of the file. */
const PAGE_BYTES = 4096
/** Fewer zeroes than this are written: a file in very many fragments is slow for ever after. */
const MIN_HOLE_BYTES = 64 << 10
/** After this many bytes the kernel is asked to begin writing, so that little is left to wait for at the end. */
const WRITE_OUT_BYTES = 16 * MiB
/** Bytes that one shared copy takes between two looks at the clock. */
const SHARED_PIECE_BYTES = 64 * MiB

export interface WriteOptions {
  /** The file system copies by sharing: see `sharesBlocks`. */
  readonly shares?: boolean
}

/**
 * Yields after each piece how many bytes that took, known holes left out; the caller may stop there. The store must be empty.
 * Does not flush. @throws VivariumError kind `io`, code `host-enospc`; what reading the source throws.
 */
export function* writeSegments(
  file: LaidFile,
  source: DiskSource,
  store: ByteStore,
  options: WriteOptions = {},
): Generator<number, void> {
  const writer = new SparseWriter(store)
  for (const segment of file.segments()) {
    if (segment.kind === 'guest') yield* writeGuest(segment, source, writer, options.shares === true)
    else if (segment.kind === 'zero') writer.skip(segment.length)
    else writer.put(segment.bytes)
    const moved = writer.moved()
    if (moved > 0) yield moved
  }
  writer.finish()
  yield writer.moved()
}

function* writeGuest(
  { offset, length }: Extract<Segment, { kind: 'guest' }>,
  source: DiskSource,
  writer: SparseWriter,
  shares: boolean,
): Generator<number, void> {
  for (let done = 0; done < length; ) {
    const left = length - done
    const stored = source.storedAt(offset + done, left)
    if (stored.kind === 'zero' && stored.length >= MIN_HOLE_BYTES) done += writer.leaveOut(stored.length)
    else {
      const shared = shares ? writer.share(stored) : 0
      done += shared > 0 ? shared : writer.fill(left, source, offset + done)
    }
    const moved = writer.moved()
    if (moved > 0) yield moved
  }
}

class SparseWriter {
  readonly #store: ByteStore
  readonly #buffer = Buffer.alloc(PIECE_BYTES)
  /** Where in the file the buffer's first byte goes, and how many of its bytes are filled. */
  #at = 0
  #filled = 0
  #moved = 0
  #writtenOut = 0

  constructor(store: ByteStore) {
    this.#store = store
  }

  /** Bytes that are done since the last question, without the holes that the layout knows of. */
  moved(): number {
    const moved = this.#moved
    this.#moved = 0
    return moved
  }

  put(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const count = Math.min(bytes.length - done, PIECE_BYTES - this.#filled)
      this.#buffer.set(bytes.subarray(done, done + count), this.#filled)
      this.#advance(count)
      done += count
    }
  }

  skip(length: number): void {
    if (length < MIN_HOLE_BYTES && length <= PIECE_BYTES - this.#filled) {
      this.#buffer.fill(0, this.#filled, this.#filled + length)
      this.#advance(length)
      return
    }
    this.#drain()
    this.#at += length
  }

  /** Takes what fits into the buffer. Returns how many bytes. */
  fill(wanted: number, source: DiskSource, offset: number): number {
    const count = Math.min(wanted, PIECE_BYTES - this.#filled)
    source.read(offset, this.#buffer.subarray(this.#filled, this.#filled + count))
    this.#advance(count)
    return count
  }

  /** Zeroes of the guest become a hole. */
  leaveOut(length: number): number {
    this.skip(length)
    this.#moved += length
    return length
  }

  /** Copies without looking, where one file stores the bytes. Returns how many; 0 = not possible. */
  share({ store, at, length }: Stored): number {
    const { copyFrom } = this.#store
    if (store === undefined || at === undefined || copyFrom === undefined) return 0
    this.#drain()
    const count = copyFrom.call(this.#store, store, at, this.#at, Math.min(length, SHARED_PIECE_BYTES))
    this.#at += count
    this.#moved += count
    return count
  }

  finish(): void {
    this.#drain()
    if (this.#store.size() < this.#at) this.#store.truncate(this.#at)
  }

  #advance(count: number): void {
    this.#filled += count
    if (this.#filled === PIECE_BYTES) this.#drain()
  }

  #drain(): void {
    const filled = this.#filled
    for (let from = 0; from < filled; ) {
      const data = this.#endOf(true, from)
      if (data === filled) break
      let end = this.#endOf(false, data)
      for (let next = 0; end < filled; end = next) {
        // A short gap is written with its neighbours; at the buffer's end it is a hole, whatever follows.
        const zeroes = this.#endOf(true, end)
        if (zeroes - end >= MIN_HOLE_BYTES || zeroes === filled) break
        next = this.#endOf(false, zeroes)
      }
      this.#store.write(this.#at + data, this.#buffer.subarray(data, end))
      from = end
    }
    this.#at += filled
    this.#moved += filled
    this.#filled = 0
    this.#writeOut()
  }

  /** Where the pages that are zero (or are not) end. */
  #endOf(zero: boolean, from: number): number {
    let at = from
    while (at < this.#filled) {
      const end = Math.min(this.#filled, at + PAGE_BYTES - ((this.#at + at) % PAGE_BYTES))
      if (this.#isZeroPage(at, end) !== zero) return at
      at = end
    }
    return at
  }

  #isZeroPage(from: number, end: number): boolean {
    // Most pages show at once that they are not.
    if (this.#buffer[from] !== 0 || this.#buffer[end - 1] !== 0) return false
    return isZero(this.#buffer.subarray(from, end))
  }

  #writeOut(): void {
    const fd = descriptorOf(this.#store)
    if (fd === undefined || this.#at - this.#writtenOut < WRITE_OUT_BYTES) return
    nativeFiles()?.startWriting(fd, this.#writtenOut, this.#at - this.#writtenOut)
    this.#writtenOut = this.#at
  }
}
