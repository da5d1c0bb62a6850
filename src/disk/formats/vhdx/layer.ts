import { type ByteStore, MiB } from '../../../base/index.ts'
import type { Layer, Run } from '../../format.ts'
import { BITMAP_PRESENT, type BlockTable, STATE, usedBytesOf } from './bat.ts'
import { damaged } from './damage.ts'
import { randomGuid } from './guid.ts'
import type { HeaderPair } from './headers.ts'
import type { LogWriter } from './log-writer.ts'
import type { MetadataPages } from './pages.ts'
import { BITMAP_BYTES, SectorBitmaps } from './sector-bitmap.ts'

/**
 * Disks of every kind: fixed ones only differ in that their blocks keep their place.
 *
 * Writing is ordered so that the file is whole after any prefix of our writes, and after losing any of those that
 * no flush has confirmed:
 *
 *   1. Before the first write the headers get a new file write GUID and a new data write GUID.
 *   2. Data goes into blocks that the guest sees, or into new ones that nothing points at: behind the end of the
 *      file, where bytes start as zeroes, or in the place of a block that was given up before the last flush.
 *   3. `flush`: data, then the changed pages of BAT and bitmaps through the log (see log-writer.ts).
 *   4. `close`: the log is made empty.
 *
 * A block that loses its content as a whole becomes a state without data (zero, unmapped): nothing is written for
 * it but its entry.
 */
const ZEROES = new Uint8Array(MiB)
/** Metadata that may wait for a flush: 4 MiB of pages. Beyond it we flush ourselves. */
const MAX_CHANGED_PAGES = 1024

export interface LayerParts {
  readonly store: ByteStore
  readonly table: BlockTable
  readonly pages: MetadataPages
  /** Blocks stay where they are, whatever is in them. */
  readonly fixed: boolean
  /** Absent: read-only. */
  readonly writing?: Writing
}

export interface Writing {
  readonly headers: HeaderPair
  readonly log: LogWriter
  /** Children go on with the new content: the data write GUID, by which they know their parent, stays. */
  readonly keepId: boolean
}

export class VhdxLayer implements Layer {
  readonly format = 'vhdx'
  readonly store: ByteStore
  readonly sizeBytes: number
  /** With sectors of 4 KiB the bitmap cannot tell smaller pieces apart. */
  readonly allocationUnit?: number
  readonly #table: BlockTable
  readonly #pages: MetadataPages
  readonly #bitmaps: SectorBitmaps
  readonly #fixed: boolean
  readonly #differencing: boolean
  readonly #blockSize: number
  readonly #sector: number
  readonly #writing: Writing | undefined
  /** Where the file ends. */
  #end: number
  /** Places of blocks that the file, as it was last flushed, does not use. */
  readonly #free: number[] = []
  /** Places that are free once the next flush is through. */
  readonly #freed: number[] = []
  #started = false
  #dirty = false

  constructor({ store, table, pages, fixed, writing }: LayerParts) {
    const { layout } = table
    this.store = store
    this.sizeBytes = layout.sizeBytes
    this.#table = table
    this.#pages = pages
    this.#bitmaps = new SectorBitmaps(table, pages)
    this.#fixed = fixed
    this.#differencing = layout.differencing
    this.#blockSize = layout.blockSize
    this.#sector = layout.logicalSector
    this.#writing = writing
    this.#end = store.size()
    if (layout.differencing && layout.logicalSector > 512) this.allocationUnit = layout.logicalSector
  }

  locate(offset: number, length: number, into: Run): void {
    const block = Math.floor(offset / this.#blockSize)
    const inBlock = offset - block * this.#blockSize
    const entry = this.#table.payloadEntry(block)
    const state = this.#table.stateAt(entry)
    if (state <= STATE.unmapped) {
      into.kind = this.#kindOf(state)
      into.length = this.#absentLength(block, into.kind, offset, length)
      return
    }
    into.kind = 'data'
    into.at = this.#placeOf(block, entry, state) + inBlock
    into.length = Math.min(length, this.#blockSize - inBlock)
    if (state === STATE.partial) this.#locateBySector(offset, into)
  }

  #kindOf(state: number): 'zero' | 'below' {
    return state === STATE.notPresent && this.#differencing ? 'below' : 'zero'
  }

  #absentLength(block: number, kind: 'zero' | 'below', offset: number, length: number): number {
    const wanted = offset + length
    let next = block + 1
    while (next * this.#blockSize < wanted) {
      const state = this.#table.stateAt(this.#table.payloadEntry(next))
      if (state > STATE.unmapped || this.#kindOf(state) !== kind) break
      next++
    }
    return Math.min(next * this.#blockSize, wanted) - offset
  }

  #locateBySector(offset: number, into: Run): void {
    const first = Math.floor(offset / this.#sector)
    const last = Math.ceil((offset + into.length) / this.#sector)
    const run = this.#bitmaps.run(first, last - first)
    if (run < 0) into.kind = 'below'
    into.length = Math.min(into.length, (first + Math.abs(run)) * this.#sector - offset)
  }

  /** Where a block with data lies. @throws VivariumError kind `corrupt` when it cannot lie there. */
  #placeOf(block: number, entry: number, state: number): number {
    const place = this.#table.placeAt(entry)
    const end = place + usedBytesOf(this.#table.layout, block)
    const known = state === STATE.full || (state === STATE.partial && this.#hasBitmap(block))
    if (end > this.#end) this.#end = this.store.size()
    if (known && place >= MiB && end <= this.#end) return place
    throw damaged(
      known ? 'vhdx-block-outside-file' : 'vhdx-block-state',
      known
        ? `Block ${block} should lie at byte ${place}, which is not within the file.`
        : `Block ${block} is in state ${state}, which this disk cannot have.`,
      { path: this.store.name, offset: entry, field: 'BAT' },
    )
  }

  #hasBitmap(block: number): boolean {
    if (!this.#differencing) return false
    const entry = this.#table.bitmapEntry(Math.floor(block / this.#table.layout.chunkRatio))
    const place = this.#table.placeAt(entry)
    return this.#table.stateAt(entry) === BITMAP_PRESENT && place >= MiB && place + BITMAP_BYTES <= this.#end
  }

  write(offset: number, from: Uint8Array): void {
    this.#prepareToWrite()
    for (let done = 0; done < from.length; ) {
      const block = Math.floor((offset + done) / this.#blockSize)
      const inBlock = offset + done - block * this.#blockSize
      const count = Math.min(from.length - done, this.#blockSize - inBlock)
      const piece = count === from.length ? from : from.subarray(done, done + count)
      this.#put(block, inBlock, count, (place) => this.store.write(place, piece))
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
      if (this.#isWhole(block, count) && !this.#fixed) this.#giveUp(block, STATE.zero)
      else this.#put(block, inBlock, count, (place) => this.#zeroStored(place, count))
      done += count
      this.#boundDirt()
    }
  }

  discard(offset: number, length: number): void {
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let at = offset; at < offset + length; at += run.length) {
      this.locate(at, offset + length - at, run)
      const block = Math.floor(at / this.#blockSize)
      const left = Math.min(offset + length - at, this.#blockSize)
      const wholeBlock =
        at % this.#blockSize === 0 && this.#isWhole(block, Math.min(left, this.sizeBytes - at))
      if (wholeBlock && !this.#fixed && this.#isStored(block)) {
        this.#prepareToWrite()
        this.#giveUp(block, STATE.unmapped)
        run.length = Math.min(left, this.sizeBytes - at)
      } else if (run.kind === 'data' && this.store.punch !== undefined) {
        this.#prepareToWrite()
        this.store.punch(run.at, run.length)
      }
    }
    this.#boundDirt()
  }

  #isWhole(block: number, count: number): boolean {
    return count === usedBytesOf(this.#table.layout, block)
  }

  #isStored(block: number): boolean {
    return this.#table.stateAt(this.#table.payloadEntry(block)) > STATE.unmapped
  }

  /** Puts content into a range of one block: `put` writes it at the place it is given. */
  #put(block: number, inBlock: number, count: number, put: (place: number) => void): void {
    const entry = this.#table.payloadEntry(block)
    const state = this.#table.stateAt(entry)
    if (state <= STATE.unmapped) {
      this.#storeNew(block, inBlock, count, put)
      return
    }
    const place = this.#placeOf(block, entry, state)
    put(place + inBlock)
    if (state === STATE.full) return
    // Only now: had it failed, the sectors would still show what they showed before.
    if (this.#isWhole(block, count)) this.#table.set(entry, STATE.full, place)
    else this.#markStored(block, inBlock, count)
  }

  #storeNew(block: number, inBlock: number, count: number, put: (place: number) => void): void {
    const entry = this.#table.payloadEntry(block)
    const whole = this.#isWhole(block, count)
    const partial = !whole && this.#kindOf(this.#table.stateAt(entry)) === 'below'
    if (partial) this.#requireBitmap(block)
    const place = this.#allocate(whole)
    try {
      put(place + inBlock)
    } catch (error) {
      this.#free.push(place)
      throw error
    }
    if (partial) {
      const sectors = usedBytesOf(this.#table.layout, block) / this.#sector
      // The bits of a block that is not present mean nothing, so they may be anything.
      this.#bitmaps.fill((block * this.#blockSize) / this.#sector, sectors, false)
      this.#markStored(block, inBlock, count)
    }
    this.#table.set(entry, partial ? STATE.partial : STATE.full, place)
  }

  #markStored(block: number, inBlock: number, count: number): void {
    const at = block * this.#blockSize + inBlock
    // A part of a sector is only written where the whole of it is stored already (`allocationUnit`).
    const first = Math.floor(at / this.#sector)
    this.#bitmaps.fill(first, Math.ceil((at + count) / this.#sector) - first, true)
  }

  /** The block's content is gone; nothing is stored for it any more. */
  #giveUp(block: number, state: number): void {
    const entry = this.#table.payloadEntry(block)
    const before = this.#table.stateAt(entry)
    if (before > STATE.unmapped) this.#freed.push(this.#placeOf(block, entry, before))
    this.#table.set(entry, state, 0)
  }

  /** The place of a block of zeroes; of anything if it will be `overwritten`. */
  #allocate(overwritten: boolean): number {
    const reused = this.#free.pop()
    if (reused === undefined) return this.#extend(this.#blockSize)
    try {
      if (!overwritten) this.#zeroStored(reused, this.#blockSize)
    } catch (error) {
      this.#free.push(reused)
      throw error
    }
    return reused
  }

  /** Behind the end of the file, never in a hole of it: an earlier crash may have left old data there. */
  #extend(length: number): number {
    const place = Math.ceil(this.#end / MiB) * MiB
    this.store.truncate(place + length)
    this.#end = place + length
    return place
  }

  #requireBitmap(block: number): void {
    const entry = this.#table.bitmapEntry(Math.floor(block / this.#table.layout.chunkRatio))
    if (this.#table.stateAt(entry) === BITMAP_PRESENT) return
    this.#table.set(entry, BITMAP_PRESENT, this.#extend(BITMAP_BYTES))
  }

  #zeroStored(place: number, length: number): void {
    if (this.store.punch !== undefined) {
      this.store.punch(place, length)
      return
    }
    for (let done = 0; done < length; done += ZEROES.length)
      this.store.write(place + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
  }

  #prepareToWrite(): void {
    this.#dirty = true
    if (this.#started) return
    const { headers, keepId } = this.#writing!
    headers.update({ fileWriteGuid: randomGuid(), ...(!keepId && { dataWriteGuid: randomGuid() }) })
    this.#started = true
  }

  #boundDirt(): void {
    if (this.#pages.changedCount >= MAX_CHANGED_PAGES) this.flush()
  }

  flush(): void {
    if (!this.#dirty) return
    this.store.flush()
    if (this.#pages.changedCount > 0) {
      this.#writing!.log.commit(this.#changedPages())
      this.#pages.settle()
      this.#free.push(...this.#freed.splice(0))
    }
    this.#dirty = false
  }

  /**
   * In an order in which every part of them is right without the rest, for more pages than one log entry takes:
   * bitmaps before the blocks that need them, and of the BAT the later pages first, because the entry of a chunk's
   * bitmap lies behind those of its blocks.
   */
  #changedPages(): ReturnType<MetadataPages['changedPages']> {
    const { offset: start, chunks, chunkRatio } = this.#table.layout
    const end = start + chunks * (chunkRatio + 1) * 8
    const inBat = ({ offset }: { offset: number }) => offset >= start && offset < end
    return this.#pages
      .changedPages()
      .sort((a, b) => Number(inBat(a)) - Number(inBat(b)) || b.offset - a.offset)
  }

  close(): void {
    try {
      if (this.#writing !== undefined && this.#started) this.#writing.log.close()
    } catch {
      // What is flushed is safe: the log stays as it is and is replayed when the disk is opened again.
    } finally {
      this.#pages.close()
      this.store.close()
    }
  }
}
