import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { type Layer, type Run, SECTOR, type StoredTable } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { ABSENT, type BatLayout, DATA_ALIGNMENT, isBlockInside, usedBytesOf } from './bat.ts'
import { BatPages, indexOf } from './bat-pages.ts'
import { allSet, equalBits, hasBit, setBits } from './bitmap.ts'
import { BitmapCache } from './bitmap-cache.ts'
import { alignUp, FooterPair, type FooterPairParts } from './footer-pair.ts'

/**
 * Dynamic and differencing disks.
 *
 *   [footer copy][dynamic header][BAT][locators] [bitmap][block data] [bitmap][block data] ... [footer]
 *
 * Writing is ordered so that the file is whole after any prefix of our writes, and after losing any of those
 * that no flush has confirmed:
 *
 *   1. A new block is put at or behind the place of the old tail footer, always behind the end of the file, so
 *      that its data starts as zeroes; the footer is written again behind it. Nothing points at the block yet.
 *   2. `flush`: bitmaps of new blocks; fdatasync (data, bitmaps and footer are on stable storage);
 *      then the BAT entries, and the bitmaps of older blocks whose bits now promise data; fdatasync.
 *
 * If the power fails before the end of 2, some blocks or sectors show what they showed before, and some space is
 * wasted. A lost tail footer is found again by its copy at the start, which is never written while the tail is
 * not sound.
 */
/** Metadata that may wait for a flush: entries, and bytes of changed bitmaps. Beyond it we flush ourselves. */
const MAX_DIRTY_BLOCKS = 4096
const MAX_DIRTY_BITMAP_BYTES = 8 << 20
/** Gap between two changed BAT entries up to which one write takes both. */
const BAT_JOIN_ENTRIES = 1024

export interface SparseParts extends FooterPairParts {
  readonly layout: BatLayout
  readonly differencing: boolean
  /** Where blocks must end: the tail footer, or the end of the file when that is lost. */
  readonly blocksEnd: number
}

const ZEROES = new Uint8Array(1 << 20)
const ONES = new Uint8Array(64 << 10).fill(0xff)

export class SparseLayer implements Layer {
  readonly format = 'vhd'
  readonly store: ByteStore
  readonly sizeBytes: number
  readonly #layout: BatLayout
  readonly #blockSize: number
  readonly #bitmapBytes: number
  readonly #bat: BatPages
  readonly #absentKind: 'zero' | 'below'
  #blocksEnd: number
  readonly #footers: FooterPair
  readonly #bitmaps: BitmapCache
  /** Blocks allocated since the last flush: bitmap and BAT entry are still to be written. */
  readonly #newBlocks = new Set<number>()
  /** Older blocks whose bitmap changed since the last flush. */
  readonly #changedBitmaps = new Set<number>()
  #dirty = false

  constructor(parts: SparseParts) {
    this.store = parts.store
    this.#layout = parts.layout
    this.sizeBytes = parts.layout.sizeBytes
    this.#blockSize = parts.layout.blockSize
    this.#bitmapBytes = parts.layout.bitmapBytes
    this.#bat = new BatPages(parts.store, parts.layout)
    this.#absentKind = parts.differencing ? 'below' : 'zero'
    this.#blocksEnd = parts.blocksEnd
    this.#footers = new FooterPair(parts)
    this.#bitmaps = new BitmapCache(parts.store, parts.layout.bitmapBytes)
  }

  locate(offset: number, length: number, into: Run): void {
    const blockSize = this.#blockSize
    const block = Math.floor(offset / blockSize)
    const inBlock = offset - block * blockSize
    const page = this.#bat.pageOf(block)
    const index = indexOf(block)
    const entry = page.entries[index]!
    if (entry === ABSENT) {
      into.kind = this.#absentKind
      into.length = this.#absentLength(block, offset, length)
      return
    }
    const left = blockSize - inBlock
    const wanted = Math.min(length, left)
    if (page.full[index] === 1) {
      into.kind = 'data'
      into.at = entry * SECTOR + this.#bitmapBytes + inBlock
      into.length = wanted
      return
    }
    this.#locateBySector(block, inBlock, wanted, into)
  }

  #absentLength(block: number, offset: number, length: number): number {
    const wanted = offset + length
    const next = this.#bat.endOfAbsence(block + 1, Math.ceil(wanted / this.#blockSize))
    return Math.min(next * this.#blockSize, wanted) - offset
  }

  #locateBySector(block: number, inBlock: number, wanted: number, into: Run): void {
    const bitmap = this.#bitmapOf(block)
    const at = this.#bat.entryOf(block) * SECTOR + this.#bitmapBytes + inBlock
    if (this.#bat.isFull(block)) {
      into.kind = 'data'
      into.at = at
      into.length = wanted
      return
    }
    const first = Math.floor(inBlock / SECTOR)
    const sectors = equalBits(bitmap, first, Math.ceil((inBlock + wanted) / SECTOR))
    into.kind = hasBit(bitmap, first) ? 'data' : this.#absentKind
    into.at = at
    into.length = Math.min(wanted, (first + sectors) * SECTOR - inBlock)
  }

  /** The bitmaps that are not in memory. */
  *tables(offset: number, length: number): Generator<StoredTable> {
    const end = Math.ceil((offset + length) / this.#blockSize)
    for (let block = Math.floor(offset / this.#blockSize); block < end; block++) {
      block = this.#bat.endOfAbsence(block, end)
      if (block >= end || this.#bat.isFull(block) || this.#bitmaps.get(block) !== undefined) continue
      yield { store: this.store, at: this.#bat.entryOf(block) * SECTOR, length: this.#bitmapBytes }
    }
  }

  /** Reads the bitmap where it is not in memory, and learns whether the block is full. */
  #bitmapOf(block: number): Uint8Array {
    const cached = this.#bitmaps.get(block)
    if (cached !== undefined) return cached
    this.#requireInside(block)
    const bitmap = this.#bitmaps.load(block, this.#bat.entryOf(block) * SECTOR)
    if (allSet(bitmap, usedBytesOf(this.#layout, block) / SECTOR)) {
      this.#bat.markFull(block)
      this.#bitmaps.drop(block)
    }
    return bitmap
  }

  #requireInside(block: number): void {
    const entry = this.#bat.entryOf(block)
    if (isBlockInside(this.#layout, entry, block, this.#blocksEnd)) return
    throw new VivariumError(
      'corrupt',
      'vhd-block-outside-file',
      `Block ${block} should lie at sector ${entry}, which is not within the file.`,
      {
        where: { path: this.store.name, offset: this.#layout.offset + block * 4, field: 'BAT' },
        next: NEXT_CHECK,
      },
    )
  }

  write(offset: number, from: Uint8Array): void {
    this.#prepareToWrite()
    for (let done = 0; done < from.length; ) {
      const block = Math.floor((offset + done) / this.#blockSize)
      const inBlock = offset + done - block * this.#blockSize
      const count = Math.min(from.length - done, this.#blockSize - inBlock)
      const bitmap = this.#openBlock(block)
      const piece = count === from.length ? from : from.subarray(done, done + count)
      this.store.write(this.#bat.entryOf(block) * SECTOR + this.#bitmapBytes + inBlock, piece)
      // Only now: had the write failed, the sectors would still show what they showed before.
      if (bitmap !== undefined) this.#markStored(block, bitmap, inBlock, count)
      done += count
    }
    this.#boundDirt()
  }

  zero(offset: number, length: number): void {
    this.#prepareToWrite()
    for (let done = 0; done < length; ) {
      const block = Math.floor((offset + done) / this.#blockSize)
      const inBlock = offset + done - block * this.#blockSize
      const count = Math.min(length - done, this.#blockSize - inBlock)
      const fresh = this.#bat.entryOf(block) === ABSENT
      const bitmap = this.#openBlock(block)
      if (!fresh) this.#zeroStored(this.#bat.entryOf(block) * SECTOR + this.#bitmapBytes + inBlock, count)
      if (bitmap !== undefined) this.#markStored(block, bitmap, inBlock, count)
      done += count
      this.#boundDirt()
    }
  }

  #zeroStored(at: number, length: number): void {
    if (this.store.punch !== undefined) {
      this.store.punch(at, length)
      return
    }
    for (let done = 0; done < length; done += ZEROES.length)
      this.store.write(at + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
  }

  discard(offset: number, length: number): void {
    if (this.store.punch === undefined) return
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < length; done += run.length) {
      this.locate(offset + done, length - done, run)
      if (run.kind !== 'data') continue
      this.#dirty = true
      this.store.punch(run.at, run.length)
    }
  }

  /** The bitmap of a block that can be written now (allocated if need be); undefined when it is full. */
  #openBlock(block: number): Uint8Array | undefined {
    if (this.#bat.entryOf(block) === ABSENT) return this.#allocate(block)
    if (this.#bat.isFull(block)) return undefined
    const bitmap = this.#bitmapOf(block)
    return this.#bat.isFull(block) ? undefined : bitmap
  }

  #markStored(block: number, bitmap: Uint8Array, inBlock: number, length: number): void {
    if (!setBits(bitmap, inBlock / SECTOR, (inBlock + length) / SECTOR)) return
    if (!this.#newBlocks.has(block)) this.#changedBitmaps.add(block)
    this.#bitmaps.pin(block, bitmap)
  }

  #allocate(block: number): Uint8Array | undefined {
    // Behind the end of the file, never in a hole of it: an earlier crash may have left old data there.
    const dataAt = alignUp(this.#footers.end + this.#bitmapBytes, DATA_ALIGNMENT)
    const entry = (dataAt - this.#bitmapBytes) / SECTOR
    if (entry >= ABSENT) {
      throw new VivariumError(
        'unsupported',
        'vhd-file-full',
        'The VHD file has reached 2 TiB, its largest size.',
        {
          where: { path: this.store.name },
          next: 'Convert the disk to another format, or compact it.',
        },
      )
    }
    this.#footers.moveTail(dataAt + this.#blockSize)
    this.#blocksEnd = this.#footers.end
    this.#bat.set(block, entry)
    this.#newBlocks.add(block)
    if (this.#absentKind === 'zero') {
      this.#bat.markFull(block)
      return undefined
    }
    const bitmap = new Uint8Array(this.#bitmapBytes)
    this.#bitmaps.pin(block, bitmap)
    return bitmap
  }

  #prepareToWrite(): void {
    this.#dirty = true
    if (this.#footers.restore()) this.#blocksEnd = this.#footers.end
  }

  #boundDirt(): void {
    const blocks = this.#newBlocks.size + this.#changedBitmaps.size
    if (blocks >= MAX_DIRTY_BLOCKS || this.#bitmaps.pinnedBytes >= MAX_DIRTY_BITMAP_BYTES) this.flush()
  }

  flush(): void {
    if (!this.#dirty) return
    for (const block of this.#newBlocks) this.#writeBitmap(block)
    this.store.flush()
    if (this.#newBlocks.size + this.#changedBitmaps.size > 0) {
      this.#writeEntries()
      for (const block of this.#changedBitmaps) this.#writeBitmap(block)
      this.store.flush()
      this.#settleBitmaps()
    }
    this.#dirty = false
  }

  #writeBitmap(block: number): void {
    const at = this.#bat.entryOf(block) * SECTOR
    const bitmap = this.#bitmaps.get(block)
    if (bitmap !== undefined) this.store.write(at, bitmap)
    else this.store.write(at, ONES.subarray(0, this.#bitmapBytes))
  }

  #writeEntries(): void {
    const blocks = Uint32Array.from(this.#newBlocks).sort()
    for (let i = 0; i < blocks.length; ) {
      const first = blocks[i]!
      let last = first
      while (++i < blocks.length && blocks[i]! - last <= BAT_JOIN_ENTRIES) last = blocks[i]!
      this.#bat.write(first, last + 1)
    }
  }

  #settleBitmaps(): void {
    for (const block of [...this.#newBlocks, ...this.#changedBitmaps]) {
      const bitmap = this.#bitmaps.get(block)
      if (bitmap === undefined || !allSet(bitmap, usedBytesOf(this.#layout, block) / SECTOR)) continue
      this.#bat.markFull(block)
      this.#bitmaps.drop(block)
    }
    this.#bitmaps.unpinAll()
    this.#bat.settle()
    this.#newBlocks.clear()
    this.#changedBitmaps.clear()
  }

  close(): void {
    this.#bat.close()
    this.#bitmaps.close()
    this.store.close()
  }
}
