import { type ByteStore, VivariumError } from '../../../base/index.ts'
import type { Layer, Run } from '../../format.ts'
import { ABSENT, isStored, placeOf, type VdiLayout, ZERO } from './block-map.ts'
import { ALLOCATED_AT, MODIFICATION_ID_AT, randomGuid } from './header.ts'
import type { MapPages } from './map-pages.ts'

/**
 *   [header][block map] [block] [block] ...
 *
 * Blocks have numbers, not addresses, and other programs put the next one behind as many as the header counts. So:
 *
 *   1. A new block takes the next number. What lies there already (a crash left it) is overwritten whole.
 *   2. `flush`: the header's count; fdatasync (data and count are on stable storage); then the map; fdatasync.
 *
 * The count is therefore never smaller than what the map uses, after a failure at any point.
 */
const ZEROES = new Uint8Array(1 << 20)
/** Map entries that may wait for a flush; beyond it we flush ourselves. */
const MAX_CHANGED = 4096
/** Gap between two changed entries up to which one write takes both. */
const JOIN_ENTRIES = 1024

export interface BlockParts {
  readonly store: ByteStore
  readonly layout: VdiLayout
  readonly map: MapPages
  readonly hasParent: boolean
  /** The number of the next new block. */
  readonly nextEntry: number
}

export class BlockLayer implements Layer {
  readonly format = 'vdi'
  readonly store: ByteStore
  readonly sizeBytes: number
  readonly allocationUnit: number
  readonly #layout: VdiLayout
  readonly #map: MapPages
  readonly #absentKind: 'zero' | 'below'
  readonly #changed = new Set<number>()
  #nextEntry: number
  #writtenCount: number
  #dirty = false
  #modified = false

  constructor({ store, layout, map, hasParent, nextEntry }: BlockParts) {
    this.store = store
    this.sizeBytes = layout.sizeBytes
    this.allocationUnit = layout.blockSize
    this.#layout = layout
    this.#map = map
    this.#absentKind = hasParent ? 'below' : 'zero'
    this.#nextEntry = nextEntry
    this.#writtenCount = -1
  }

  locate(offset: number, length: number, into: Run): void {
    const unit = this.allocationUnit
    const block = Math.floor(offset / unit)
    const entry = this.#map.entryOf(block)
    const stored = isStored(entry)
    into.kind = stored ? 'data' : entry === ABSENT ? this.#absentKind : 'zero'
    into.at = stored ? placeOf(this.#layout, entry) + offset - block * unit : 0
    // Blocks that lie one behind the other, or are all absent, are one run.
    const step = stored && this.#layout.blockExtra === 0 ? 1 : 0
    let end = (block + 1) * unit
    if (!stored || step === 1) {
      for (let next = block + 1; end < offset + length; next++, end += unit)
        if (this.#map.entryOf(next) !== entry + step * (next - block)) break
    }
    into.length = Math.min(end - offset, length)
  }

  write(offset: number, from: Uint8Array): void {
    this.#prepareToWrite()
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < from.length; ) {
      this.locate(offset + done, from.length - done, run)
      if (run.kind !== 'data') {
        done += this.#writeNew(offset + done, from.subarray(done))
        continue
      }
      this.store.write(run.at, from.subarray(done, done + run.length))
      done += run.length
    }
    this.#boundDirt()
  }

  zero(offset: number, length: number): void {
    this.#prepareToWrite()
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < length; done += run.length) {
      this.locate(offset + done, length - done, run)
      if (run.kind === 'data') this.#zeroStored(run.at, run.length)
      else if (run.kind === 'below') this.#zeroAbsent(offset + done, run.length)
    }
    this.#boundDirt()
  }

  #zeroStored(at: number, length: number): void {
    if (this.store.punch !== undefined) {
      this.store.punch(at, length)
      return
    }
    for (let done = 0; done < length; done += ZEROES.length)
      this.store.write(at + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
  }

  /** Whole blocks, as `allocationUnit` promises. */
  #zeroAbsent(offset: number, length: number): void {
    const end = Math.ceil((offset + length) / this.allocationUnit)
    for (let block = Math.floor(offset / this.allocationUnit); block < end; block++) {
      this.#map.set(block, ZERO)
      this.#changed.add(block)
    }
  }

  /** Puts one new block into the file; what `from` leaves of it is zero. Returns how much of `from` it took. */
  #writeNew(offset: number, from: Uint8Array): number {
    const block = Math.floor(offset / this.allocationUnit)
    const inBlock = offset - block * this.allocationUnit
    const count = Math.min(from.length, this.allocationUnit - inBlock)
    const entry = this.#nextEntry
    if (entry >= ZERO) throw this.#full()
    const at = placeOf(this.#layout, entry)
    const before = this.store.size()
    try {
      this.#clearPlace(at, inBlock, count, before)
      this.store.write(at + inBlock, from.subarray(0, count))
    } catch (error) {
      // Nothing points there: cut off what the failed write may have added, and nothing happened.
      this.store.truncate(before)
      throw error
    }
    this.#nextEntry++
    this.#map.set(block, entry)
    this.#changed.add(block)
    return count
  }

  /** Zeroes around the data, where an earlier file end does not give them for nothing. */
  #clearPlace(at: number, inBlock: number, count: number, fileSize: number): void {
    const end = at + this.allocationUnit
    if (inBlock > 0 && fileSize > at) this.#zeroStored(at, Math.min(inBlock, fileSize - at))
    const behind = at + inBlock + count
    if (fileSize > behind) this.#zeroStored(behind, Math.min(end, fileSize) - behind)
    if (fileSize < end) this.store.truncate(end)
  }

  #full(): VivariumError {
    return new VivariumError('unsupported', 'vdi-file-full', 'The map can count no more blocks.', {
      where: { path: this.store.name },
      next: 'Convert the disk to another format.',
    })
  }

  discard(offset: number, length: number): void {
    if (this.store.punch === undefined) return
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < length; done += run.length) {
      this.locate(offset + done, length - done, run)
      if (run.kind !== 'data') continue
      this.#prepareToWrite()
      this.store.punch(run.at, run.length)
    }
  }

  /** Children compare the modification id: it is new, and on stable storage, before the content changes. */
  #prepareToWrite(): void {
    this.#dirty = true
    if (this.#modified) return
    this.store.write(MODIFICATION_ID_AT, randomGuid())
    this.store.flush()
    this.#modified = true
  }

  #boundDirt(): void {
    if (this.#changed.size >= MAX_CHANGED) this.flush()
  }

  flush(): void {
    if (!this.#dirty) return
    if (this.#writtenCount !== this.#nextEntry && this.#changed.size > 0) this.#writeCount()
    this.store.flush()
    if (this.#changed.size > 0) {
      this.#writeEntries()
      this.store.flush()
      this.#map.settle()
      this.#changed.clear()
    }
    this.#dirty = false
  }

  #writeCount(): void {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, this.#nextEntry, true)
    this.store.write(ALLOCATED_AT, bytes)
    this.#writtenCount = this.#nextEntry
  }

  #writeEntries(): void {
    const blocks = Uint32Array.from(this.#changed).sort()
    for (let i = 0; i < blocks.length; ) {
      const first = blocks[i]!
      let last = first
      while (++i < blocks.length && blocks[i]! - last <= JOIN_ENTRIES) last = blocks[i]!
      this.#map.write(first, last + 1)
    }
  }

  close(): void {
    this.#map.close()
    this.store.close()
  }
}
