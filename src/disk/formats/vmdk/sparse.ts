import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { type Layer, type Run, SECTOR } from '../../format.ts'
import { GRAIN_ABSENT, GRAIN_ZERO, type GrainTables } from './grain-tables.ts'
import type { PackedGrains } from './packed-grains.ts'
import { type SparseLayout, UNCLEAN_SHUTDOWN_AT } from './sparse-header.ts'

/**
 * A hosted sparse extent.
 *
 *   [header][descriptor][directory copy][its tables][directory][tables] [grain] [grain] ...
 *
 * Writing is ordered so that the file is whole after any prefix of our writes, and after losing any of those that
 * no flush has confirmed:
 *
 *   1. New grains, and new tables, are put behind the end of the file, which reads as zero. Nothing points at them.
 *   2. `flush`: fdatasync; then the changed tables, both copies, and the directory entries of new ones; fdatasync.
 *
 * If the power fails before the end of 2, some grains show what they showed before, and some space is wasted.
 */
const ZEROES = new Uint8Array(1 << 20)
/** Changed tables that may wait for a flush; beyond it we flush ourselves. Fewer than are kept in memory. */
const MAX_CHANGED_TABLES = 256
/** A table entry is a sector of 32 bits. */
const MAX_FILE_SECTORS = 2 ** 32

export interface SparseParts {
  readonly store: ByteStore
  readonly layout: SparseLayout
  readonly tables: GrainTables
  readonly hasParent: boolean
  readonly packed: PackedGrains | undefined
}

export class SparseLayer implements Layer {
  readonly format = 'vmdk'
  readonly store: ByteStore
  readonly sizeBytes: number
  readonly allocationUnit: number
  readonly #tables: GrainTables
  readonly #packed: PackedGrains | undefined
  readonly #zeroedGrains: boolean
  readonly #absentKind: 'zero' | 'below'
  /** Where the next grain goes: behind the end, on a multiple of the grain size. */
  #end: number
  #dirty = false
  #markedUnclean = false

  constructor({ store, layout, tables, hasParent, packed }: SparseParts) {
    this.store = store
    this.sizeBytes = layout.sizeBytes
    this.allocationUnit = layout.grainBytes
    this.#tables = tables
    this.#packed = packed
    this.#zeroedGrains = layout.zeroedGrains
    this.#absentKind = hasParent ? 'below' : 'zero'
    this.#end = alignUp(store.size(), layout.grainBytes)
  }

  locate(offset: number, length: number, into: Run): void {
    const grain = Math.floor(offset / this.allocationUnit)
    const inGrain = offset - grain * this.allocationUnit
    const entry = this.#tables.entry(grain)
    if (this.#isStored(entry) && this.#packed !== undefined) {
      into.kind = 'packed'
      into.at = entry * SECTOR
      into.length = Math.min(length, this.allocationUnit - inGrain)
      return
    }
    // Grains that lie one behind the other, or are all absent, are one run as far as their table goes.
    const step = this.#isStored(entry) ? this.allocationUnit / SECTOR : 0
    into.kind = this.#kindOf(entry)
    into.at = entry * SECTOR + inGrain
    into.length = this.#runLength(grain, inGrain, length, step)
  }

  #isStored(entry: number): boolean {
    return entry > GRAIN_ZERO || (entry === GRAIN_ZERO && !this.#zeroedGrains)
  }

  #kindOf(entry: number): 'data' | 'zero' | 'below' {
    if (this.#isStored(entry)) return 'data'
    return entry === GRAIN_ABSENT ? this.#absentKind : 'zero'
  }

  #runLength(grain: number, inGrain: number, wanted: number, step: number): number {
    const end = this.#tables.endOfTable(grain)
    let expected = this.#tables.entry(grain) + step
    let length = this.allocationUnit - inGrain
    for (let next = grain + 1; length < wanted && next < end; next++) {
      if (this.#tables.entry(next) !== expected) break
      expected += step
      length += this.allocationUnit
    }
    return Math.min(length, wanted)
  }

  unpack(offset: number, into: Uint8Array): void {
    const grain = Math.floor(offset / this.allocationUnit)
    this.#packed!.read(grain, this.#tables.entry(grain), offset - grain * this.allocationUnit, into)
  }

  write(offset: number, from: Uint8Array): void {
    this.#prepareToWrite()
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < from.length; done += run.length) {
      this.locate(offset + done, from.length - done, run)
      const piece = from.subarray(done, done + run.length)
      if (run.kind === 'data') this.store.write(run.at, piece)
      else this.#writeNew(offset + done, piece.length, piece)
      this.#boundDirt()
    }
  }

  zero(offset: number, length: number): void {
    this.#prepareToWrite()
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < length; done += run.length) {
      this.locate(offset + done, length - done, run)
      if (run.kind === 'data') this.#zeroStored(run.at, run.length)
      else if (run.kind === 'below') this.#zeroAbsent(offset + done, run.length)
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

  /** Whole grains, as `allocationUnit` promises. */
  #zeroAbsent(offset: number, length: number): void {
    if (this.#zeroedGrains) this.#setEntries(offset, length, () => GRAIN_ZERO)
    else this.#writeNew(offset, length, undefined)
  }

  /** Puts new grains behind the end of the file, all in one piece; what `content` leaves of them is zero. */
  #writeNew(offset: number, length: number, content: Uint8Array | undefined): void {
    const unit = this.allocationUnit
    const inGrain = offset % unit
    const before = this.store.size()
    const start = this.#end
    const end = start + alignUp(inGrain + length, unit)
    this.#requireRoom(end)
    try {
      if (content === undefined || start + inGrain + length < end) this.store.truncate(end)
      if (content !== undefined) this.store.write(start + inGrain, content)
    } catch (error) {
      // Nothing points there: cut off what the failed write may have added, and nothing happened.
      this.store.truncate(before)
      throw error
    }
    this.#end = end
    const first = Math.floor(offset / unit)
    this.#setEntries(offset, length, (grain) => (start + (grain - first) * unit) / SECTOR)
  }

  #setEntries(offset: number, length: number, entryOf: (grain: number) => number): void {
    const first = Math.floor(offset / this.allocationUnit)
    const last = Math.floor((offset + length - 1) / this.allocationUnit)
    for (let grain = first; grain <= last; grain++)
      this.#tables.set(grain, entryOf(grain), (bytes) => this.#allocateTable(bytes))
  }

  /** The room is claimed here and filled by `flush`. In sectors. */
  #allocateTable(bytes: number): number {
    const at = this.#end
    this.#requireRoom(at + bytes)
    this.#end = alignUp(at + bytes, this.allocationUnit)
    return at / SECTOR
  }

  #requireRoom(end: number): void {
    if (end / SECTOR <= MAX_FILE_SECTORS) return
    throw new VivariumError(
      'unsupported',
      'vmdk-file-full',
      'The file has reached 2 TiB, the largest size of an extent.',
      {
        where: { path: this.store.name },
        next: 'Convert the disk to one of several extents, or to another format.',
      },
    )
  }

  discard(offset: number, length: number): void {
    if (this.store.punch === undefined || this.#packed !== undefined) return
    const run: Run = { kind: 'zero', at: 0, length: 0 }
    for (let done = 0; done < length; done += run.length) {
      this.locate(offset + done, length - done, run)
      if (run.kind !== 'data') continue
      this.#dirty = true
      this.store.punch(run.at, run.length)
    }
  }

  /** VMware looks over a disk that says so when it is opened next; `close` takes it back. */
  #prepareToWrite(): void {
    this.#dirty = true
    if (this.#markedUnclean) return
    this.store.write(UNCLEAN_SHUTDOWN_AT, Uint8Array.of(1))
    this.#markedUnclean = true
  }

  #boundDirt(): void {
    if (this.#tables.changedTables >= MAX_CHANGED_TABLES) this.flush()
  }

  flush(): void {
    if (!this.#dirty) return
    this.#tables.writeNew()
    this.store.flush()
    if (this.#tables.changedTables > 0) {
      this.#tables.writeChanged()
      this.store.flush()
    }
    this.#dirty = false
  }

  close(): void {
    try {
      if (this.#markedUnclean && !this.#dirty) this.store.write(UNCLEAN_SHUTDOWN_AT, Uint8Array.of(0))
    } finally {
      this.#tables.close()
      this.store.close()
    }
  }
}

function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
