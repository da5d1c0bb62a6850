import type { Disk } from './disk.ts'
import type { UnitKind } from './layout.ts'

/** A stretch of a disk of one kind, as its tables tell it. */
export interface DiskPiece {
  readonly offset: number
  readonly length: number
  readonly kind: UnitKind
  /** The bytes are packed: looking at them costs as much as storing them. */
  readonly computed?: boolean
}

/** Ranges of a disk without content. */
export interface FreeRanges {
  /** In order, apart from each other, in whole sectors. Asked for again and again: it must yield the same. */
  readonly ranges: Iterable<{ readonly offset: number; readonly length: number }>
  /** The same without those that end before a byte of the disk, where that is cheaper than leaving them out. */
  rangesFrom?(offset: number): FreeRanges['ranges']
  /** What they show afterwards where the new image has a parent: zeroes, which may need room, or the parent. */
  readonly as?: 'zero' | 'below'
}

export interface PieceOptions {
  readonly layers?: number
  readonly free?: FreeRanges
}

/** The range in pieces, in order and without gaps; what lies behind the disk's end is zero, or the parent's. */
export function diskPieces(
  disk: Disk,
  offset: number,
  length: number,
  options: PieceOptions,
): Generator<DiskPiece> {
  const pieces = tablePieces(disk, offset, length, options.layers)
  return options.free === undefined ? pieces : withoutFree(pieces, offset, options.free)
}

function* tablePieces(
  disk: Disk,
  offset: number,
  length: number,
  layers = Number.POSITIVE_INFINITY,
): Generator<DiskPiece> {
  const rest = layers === Number.POSITIVE_INFINITY ? 'zero' : 'below'
  const end = offset + length
  const diskEnd = Math.min(end, disk.sizeBytes)
  if (diskEnd > offset)
    for (const { layer = Number.POSITIVE_INFINITY, ...extent } of disk.extents(offset, diskEnd - offset)) {
      const own = layer < layers
      yield { offset: extent.offset, length: extent.length, kind: own ? extent.kind : rest }
    }
  const behind = Math.max(offset, disk.sizeBytes)
  if (end > behind) yield { offset: behind, length: end - behind, kind: rest }
}

/** Only stored bytes are given up: what the parent shows stays as it is, and zeroes stay zeroes. */
function* withoutFree(pieces: Iterable<DiskPiece>, from: number, free: FreeRanges): Generator<DiskPiece> {
  const ranges = (free.rangesFrom?.(from) ?? free.ranges)[Symbol.iterator]()
  const next = () => {
    const { done, value } = ranges.next()
    return done ? { offset: Number.POSITIVE_INFINITY, length: 0 } : value
  }
  let range = next()
  while (range.offset + range.length <= from) range = next()
  for (const piece of pieces) {
    const end = piece.offset + piece.length
    for (let at = piece.offset; at < end; ) {
      while (range.offset + range.length <= at) range = next()
      const inside = range.offset <= at
      const until = Math.min(end, inside ? range.offset + range.length : range.offset)
      const kind = inside && piece.kind === 'data' ? (free.as ?? 'zero') : piece.kind
      yield { offset: at, length: until - at, kind }
      at = until
    }
  }
}

/** The same, where bytes that the host stores as holes are zero, and those that no store holds as they are are marked. */
export function* storedPieces(disk: Disk, pieces: Iterable<DiskPiece>): Generator<DiskPiece> {
  for (const piece of pieces) {
    if (piece.kind !== 'data') {
      yield piece
      continue
    }
    const end = piece.offset + piece.length
    for (let at = piece.offset; at < end; ) {
      const part = storedPiece(disk, at, end - at)
      yield part
      at += part.length
    }
  }
}

function storedPiece(disk: Disk, offset: number, wanted: number): DiskPiece {
  const { kind, length, store, at = 0 } = disk.storedAt(offset, wanted)
  if (kind === 'zero') return { offset, length, kind }
  if (kind === 'computed') return { offset, length, kind: 'data', computed: true }
  if (store?.nextData === undefined || store.nextHole === undefined) return { offset, length, kind: 'data' }
  const data = store.nextData(at)
  if (data > at) return { offset, length: Math.min(length, data - at), kind: 'zero' }
  return { offset, length: Math.min(length, Math.max(store.nextHole(at) - at, 1)), kind: 'data' }
}
