import { isZero, MiB, plural, VivariumError } from '../base/index.ts'
import type { Disk, Stored } from './disk.ts'
import { SECTOR } from './format.ts'
import type { DiskSource, UnitKind, UnitMap } from './layout.ts'
import { type DiskPiece, diskPieces, type FreeRanges, storedPieces } from './source-pieces.ts'
import { UnitKinds } from './unit-map.ts'

export interface SourceOptions {
  /** Capacity of the new image; the disk's when absent. More reads as zero, less leaves the end of the disk out. */
  readonly sizeBytes?: number
  /**
   * How many of the chain's layers, from the top, the new image takes the place of: what the others show is `below`.
   * Absent = all of them, for an image without a parent.
   */
  readonly layers?: number
  /** What nobody needs any more, free blocks of file systems: it is not stored. */
  readonly free?: FreeRanges
  /** False: stored bytes are taken for data without a look at them. */
  readonly detectZeroes?: boolean
}

/** What is read of a unit first; the rest of it in larger pieces. */
const FIRST_LOOK = 4096
const PIECE_BYTES = 256 << 10
/** Work between two steps of a scan, in bytes read; a look at a table counts like this many. */
const STEP_BYTES = MiB
const LOOK_COST = 8192

/**
 * The content of an opened disk for a new image. Bytes that are stored and zero count as zero: each unit is looked at
 * until it shows something else, which nearly always is in its first 4 KiB, so that data is not read twice. What the
 * host stores as a hole is not read at all. The disk must not change meanwhile, and stays the caller's to close.
 * @throws VivariumError kind `invalid` for a size of no whole sectors; what `disk.read` throws.
 */
export function sourceOf(disk: Disk, options: SourceOptions = {}): DiskSource {
  const sizeBytes = options.sizeBytes ?? disk.sizeBytes
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % SECTOR !== 0)
    throw new VivariumError(
      'invalid',
      'disk-size-invalid',
      `A disk cannot have ${plural(sizeBytes, 'byte')}.`,
      {
        next: 'Choose a positive multiple of 512 bytes.',
      },
    )
  const detect = options.detectZeroes !== false
  let known: UnitMap | undefined

  function* scan(unitBytes: number): Generator<number> {
    if (known?.unitBytes === unitBytes) return
    const map = new UnitKinds(unitBytes, Math.ceil(sizeBytes / unitBytes))
    const judge = new UnitJudge(disk, map, sizeBytes)
    const pieces = diskPieces(disk, 0, sizeBytes, options)
    for (const piece of detect ? storedPieces(disk, pieces) : pieces)
      for (let at = piece.offset; at < piece.offset + piece.length; ) {
        at = judge.take(piece, at, detect)
        if (judge.work < STEP_BYTES) continue
        judge.work = 0
        yield at
      }
    known = map
  }

  return {
    sizeBytes,
    scan,
    units(unitBytes) {
      if (known?.unitBytes !== unitBytes) for (const _ of scan(unitBytes));
      return known!
    },
    *sectorRuns(offset, length) {
      let pending: DiskPiece | undefined
      for (const piece of diskPieces(disk, offset, length, options)) {
        if (pending?.kind === piece.kind) pending = { ...pending, length: pending.length + piece.length }
        else {
          if (pending !== undefined) yield pending
          pending = piece
        }
      }
      if (pending !== undefined) yield pending
    },
    read(offset, into) {
      const inside = Math.max(0, Math.min(into.length, disk.sizeBytes - offset))
      if (inside > 0) disk.read(offset, into.subarray(0, inside))
      into.fill(0, inside)
    },
    storedAt(offset, length): Stored {
      if (offset >= disk.sizeBytes) return { kind: 'zero', length }
      return disk.storedAt(offset, Math.min(length, disk.sizeBytes - offset))
    },
  }
}

/** Puts the pieces of a disk together to units, and looks into them. */
class UnitJudge {
  /** Bytes read since the caller last set it to 0, and something for every question. */
  work = 0
  readonly #disk: Disk
  readonly #map: UnitKinds
  readonly #sizeBytes: number
  readonly #buffer = new Uint8Array(PIECE_BYTES)
  /** Of the unit that is not finished yet. */
  readonly #seen: Record<UnitKind, boolean> = { data: false, zero: false, below: false }

  constructor(disk: Disk, map: UnitKinds, sizeBytes: number) {
    this.#disk = disk
    this.#map = map
    this.#sizeBytes = sizeBytes
  }

  /** Takes what of the piece lies from `at` on, at most to the end of a unit, or several whole units at once. */
  take({ offset, length, kind, computed }: DiskPiece, at: number, detect: boolean): number {
    const { unitBytes, count } = this.#map
    const end = offset + length
    const unit = Math.floor(at / unitBytes)
    const unitEnd = Math.min((unit + 1) * unitBytes, this.#sizeBytes)
    const certain = kind !== 'data' || !detect || computed === true
    this.work += LOOK_COST
    if (certain && at === unit * unitBytes && end >= unitEnd) {
      const last = end === this.#sizeBytes ? count : Math.floor(end / unitBytes)
      this.#map.set(unit, last, kind)
      return Math.min(last * unitBytes, end)
    }
    const partEnd = Math.min(end, unitEnd)
    // A part that the parent shows makes data of a unit with anything stored, whatever that is.
    const decided = this.#seen.data || (this.#seen.below && kind !== 'below')
    if (certain || decided) this.#seen[decided ? 'data' : kind] = true
    else this.#seen[this.#isZero(at, partEnd) ? 'zero' : 'data'] = true
    if (partEnd === unitEnd) this.#finish(unit)
    return partEnd
  }

  #finish(unit: number): void {
    const { data, zero, below } = this.#seen
    this.#map.set(unit, unit + 1, data || (zero && below) ? 'data' : below ? 'below' : 'zero')
    this.#seen.data = this.#seen.zero = this.#seen.below = false
  }

  #isZero(from: number, end: number): boolean {
    let length = FIRST_LOOK
    for (let at = from; at < end; at += length) {
      if (at > from) length = PIECE_BYTES
      const piece = this.#buffer.subarray(0, Math.min(length, end - at))
      this.#disk.read(at, piece)
      this.work += piece.length
      if (!isZero(piece)) return false
    }
    return true
  }
}

/** A new disk with nothing on it; with `below` one that shows its parent everywhere. */
export function emptySource(sizeBytes: number, kind: 'zero' | 'below' = 'zero'): DiskSource {
  let known: UnitMap | undefined
  return {
    sizeBytes,
    *scan() {},
    units(unitBytes) {
      if (known?.unitBytes !== unitBytes)
        known = new UnitKinds(unitBytes, Math.ceil(sizeBytes / unitBytes), kind)
      return known
    },
    *sectorRuns(offset, length) {
      yield { offset, length, kind }
    },
    read: (_offset, into) => void into.fill(0),
    storedAt: (_offset, length) => ({ kind: 'zero', length }),
  }
}
