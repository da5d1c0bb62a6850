/**
 * Pieces of tables and bitmaps (of any format) as they are in the file, so that they can be dropped and read again.
 * All open layers of this process share one bound, the oldest piece goes first: a chain can have a hundred layers,
 * and each of them has read its tables after a while. Changed pieces are not kept here: they stay with their layer,
 * which bounds them by flushing.
 */
export const MAX_CLEAN_BYTES = 32 << 20
/** What a piece takes besides its bytes: array, view, map entry. */
const PIECE_OVERHEAD_BYTES = 256

interface Piece {
  readonly owner: Map<number, Piece>
  readonly key: number
  readonly value: unknown
  readonly bytes: number
}

/** Pieces of all layers, the oldest first. */
const kept = new Set<Piece>()
let keptBytes = 0

/** Bytes that clean pieces of all layers take. */
export function cleanBytes(): number {
  return keptBytes
}

/** The clean pieces of one layer, by number or place. */
export class CleanPieces<Value> {
  readonly #pieces = new Map<number, Piece>()

  get(key: number): Value | undefined {
    return this.#pieces.get(key)?.value as Value | undefined
  }

  /** @param bytes What it takes in memory. */
  keep(key: number, value: Value, bytes: number): void {
    this.delete(key)
    const piece: Piece = { owner: this.#pieces, key, value, bytes: bytes + PIECE_OVERHEAD_BYTES }
    this.#pieces.set(key, piece)
    kept.add(piece)
    keptBytes += piece.bytes
    for (const oldest of kept) {
      if (keptBytes <= MAX_CLEAN_BYTES || oldest === piece) break
      forget(oldest)
    }
  }

  /** True when it was there. */
  delete(key: number): boolean {
    const piece = this.#pieces.get(key)
    if (piece === undefined) return false
    forget(piece)
    return true
  }

  /** The layer is closed: its share is free for others. */
  clear(): void {
    for (const piece of this.#pieces.values()) forget(piece)
  }
}

function forget(piece: Piece): void {
  kept.delete(piece)
  keptBytes -= piece.bytes
  piece.owner.delete(piece.key)
}
