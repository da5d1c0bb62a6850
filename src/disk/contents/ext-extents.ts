import { viewOf } from '../../base/index.ts'
import type { FilePiece } from './file-piece.ts'
import type { Volume } from './volume.ts'

const MAGIC = 0xf30a
const ENTRY_BYTES = 12
/** A longer one was reserved and never written: it reads as zeroes. */
const MAX_WRITTEN = 32_768
const MAX_DEPTH = 5

interface Extent {
  /** Bytes of the file. */
  readonly start: number
  readonly length: number
  /** Byte of the volume; undefined where it was never written. */
  readonly offset: number | undefined
}

/**
 * The pieces of a file that is kept as a tree of extents (Documentation/filesystems/ext4, "Extent Tree"). What the tree
 * leaves out is a hole; what cannot be, or lies before what came already, ends the list early.
 * @param root The 60 bytes of the inode in which other files have their block pointers.
 */
export function* extentPieces(
  volume: Volume,
  blockBytes: number,
  root: Uint8Array,
  size: number,
): Generator<FilePiece> {
  let at = 0
  for (const extent of extentsOf({ volume, blockBytes }, root, viewOf(root).getUint16(6, true))) {
    if (extent === undefined || extent.start < at) return
    const start = Math.min(extent.start, size)
    if (start > at) yield { kind: 'hole', length: start - at }
    const length = Math.min(extent.length, size - start)
    const { offset } = extent
    if (offset !== undefined && offset + length > volume.sizeBytes) return
    at = start + length
    if (length > 0) yield offset === undefined ? { kind: 'hole', length } : { kind: 'data', offset, length }
  }
  if (size > at) yield { kind: 'hole', length: size - at }
}

/** In their order; undefined for a node that is none, and then no more. */
function* extentsOf(
  where: { readonly volume: Volume; readonly blockBytes: number },
  node: Uint8Array | undefined,
  depth: number,
): Generator<Extent | undefined, boolean> {
  const view = node && viewOf(node)
  const count = view?.getUint16(2, true) ?? 0
  if (view?.getUint16(0, true) !== MAGIC || view.getUint16(6, true) !== depth || depth > MAX_DEPTH) {
    yield undefined
    return false
  }
  const { volume, blockBytes } = where
  for (let entry = ENTRY_BYTES; entry <= count * ENTRY_BYTES; entry += ENTRY_BYTES) {
    if (entry + ENTRY_BYTES > view.byteLength) {
      yield undefined
      return false
    }
    if (depth === 0) yield extentAt(view, entry, blockBytes)
    else {
      const child = volume.bytes(wide(view, entry + 8, entry + 4) * blockBytes, blockBytes)
      if (!(yield* extentsOf(where, child, depth - 1))) return false
    }
  }
  return true
}

function extentAt(view: DataView, entry: number, blockBytes: number): Extent {
  const blocks = view.getUint16(entry + 4, true)
  const isWritten = blocks <= MAX_WRITTEN
  return {
    start: view.getUint32(entry, true) * blockBytes,
    length: (isWritten ? blocks : blocks - MAX_WRITTEN) * blockBytes,
    offset: isWritten ? wide(view, entry + 6, entry + 8) * blockBytes : undefined,
  }
}

/** A block number of 48 bits, in two parts. */
function wide(view: DataView, high: number, low: number): number {
  return view.getUint16(high, true) * 2 ** 32 + view.getUint32(low, true)
}
