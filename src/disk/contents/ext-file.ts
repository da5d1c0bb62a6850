import { viewOf } from '../../base/index.ts'
import { extentPieces } from './ext-extents.ts'
import type { FilePiece } from './file-piece.ts'
import type { Volume } from './volume.ts'

/**
 * A file of ext2, ext3 or ext4 by its inode: where its bytes lie. Blocks are found through the direct, indirect, double
 * and triple indirect pointers of the inode, where a pointer of 0 is a hole, or through its tree of extents.
 * (Documentation/filesystems/ext4 of the Linux kernel, "Index Nodes" and "Direct/Indirect Block Addressing".)
 */
const SUPERBLOCK_AT = 1024
const INCOMPAT_META_GROUPS = 0x10
const INCOMPAT_64BIT = 0x80
const ENCRYPTED_FLAG = 0x800
const EXTENTS_FLAG = 0x80000
const INLINE_FLAG = 0x10000000
const DIRECT_POINTERS = 12
const POINTERS_AT = 40
/** Several blocks in a row are told as one piece, up to this. */
const MAX_PIECE = 1 << 20

interface Layout {
  readonly blockBytes: number
  readonly inodeBytes: number
  readonly inodesPerGroup: number
  readonly inodes: number
  readonly descriptorBytes: number
  readonly descriptorsAt: number
}

/** The pieces of a file in order; undefined when there is no such inode, or it is kept in another way (within it). */
export function extFilePieces(volume: Volume, inode: number): Iterable<FilePiece> | undefined {
  const found = extInode(volume, inode)
  if (found === undefined) return undefined
  const view = viewOf(found.inode)
  const flags = view.getUint32(32, true)
  const size = view.getUint32(108, true) * 2 ** 32 + view.getUint32(4, true)
  if ((flags & (ENCRYPTED_FLAG | INLINE_FLAG)) !== 0 || !Number.isSafeInteger(size)) return undefined
  const blocks =
    (flags & EXTENTS_FLAG) !== 0
      ? extentPieces(volume, found.blockBytes, found.inode.subarray(POINTERS_AT, POINTERS_AT + 60), size)
      : blocksOf(volume, found.blockBytes, view, size)
  return joined(blocks)
}

/** The first 128 bytes of an inode. */
export function extInode(
  volume: Volume,
  number: number,
): { readonly inode: Uint8Array; readonly blockBytes: number } | undefined {
  const layout = layoutOf(volume)
  const inode = layout && inodeOf(volume, layout, number)
  return layout && inode && { inode, blockBytes: layout.blockBytes }
}

function layoutOf(volume: Volume): Layout | undefined {
  const bytes = volume.bytes(SUPERBLOCK_AT, 1024)
  if (bytes === undefined) return undefined
  const view = viewOf(bytes)
  const shift = view.getUint32(24, true)
  const inodesPerGroup = view.getUint32(40, true)
  if (view.getUint16(56, true) !== 0xef53 || shift > 6 || inodesPerGroup === 0) return undefined
  const blockBytes = 1024 << shift
  // Their descriptors lie elsewhere.
  if ((view.getUint32(96, true) & INCOMPAT_META_GROUPS) !== 0) return undefined
  const is64 = (view.getUint32(96, true) & INCOMPAT_64BIT) !== 0
  return {
    blockBytes,
    inodeBytes: view.getUint32(76, true) === 0 ? 128 : view.getUint16(88, true),
    inodesPerGroup,
    inodes: view.getUint32(0, true),
    descriptorBytes: is64 ? Math.max(32, view.getUint16(254, true)) : 32,
    descriptorsAt: (view.getUint32(20, true) + 1) * blockBytes,
  }
}

function inodeOf(volume: Volume, layout: Layout, inode: number): Uint8Array | undefined {
  if (!(inode >= 1 && inode <= layout.inodes) || layout.inodeBytes < 128) return undefined
  const group = Math.floor((inode - 1) / layout.inodesPerGroup)
  const descriptor = volume.bytes(
    layout.descriptorsAt + group * layout.descriptorBytes,
    layout.descriptorBytes,
  )
  if (descriptor === undefined) return undefined
  const view = viewOf(descriptor)
  const high = layout.descriptorBytes >= 64 ? view.getUint32(40, true) : 0
  const table = (high * 2 ** 32 + view.getUint32(8, true)) * layout.blockBytes
  return volume.bytes(table + ((inode - 1) % layout.inodesPerGroup) * layout.inodeBytes, 128)
}

/** One piece a block or hole; what cannot be read ends the list early. */
function* blocksOf(volume: Volume, blockBytes: number, inode: DataView, size: number): Generator<FilePiece> {
  let left = size
  function* walk(pointer: number, depth: number): Generator<FilePiece, boolean> {
    const span = blockBytes * (blockBytes / 4) ** depth
    const length = Math.min(left, span)
    if (pointer === 0) {
      left -= length
      yield { kind: 'hole', length }
      return true
    }
    if (depth === 0) {
      if (pointer * blockBytes + length > volume.sizeBytes) return false
      left -= length
      yield { kind: 'data', offset: pointer * blockBytes, length }
      return true
    }
    const table = volume.bytes(pointer * blockBytes, blockBytes)
    if (table === undefined) return false
    const view = viewOf(table)
    for (let at = 0; at < blockBytes && left > 0; at += 4)
      if (!(yield* walk(view.getUint32(at, true), depth - 1))) return false
    return true
  }
  for (let index = 0; index < DIRECT_POINTERS + 3 && left > 0; index++) {
    const depth = Math.max(0, index - DIRECT_POINTERS + 1)
    if (!(yield* walk(inode.getUint32(POINTERS_AT + index * 4, true), depth))) return
  }
}

function* joined(pieces: Iterable<FilePiece>): Generator<FilePiece> {
  let pending: FilePiece | undefined
  for (const piece of pieces) {
    const both = pending && together(pending, piece)
    if (pending !== undefined && both === undefined) yield pending
    pending = both ?? piece
  }
  if (pending !== undefined) yield pending
}

function together(a: FilePiece, b: FilePiece): FilePiece | undefined {
  if (a.kind === 'hole' && b.kind === 'hole') return { kind: 'hole', length: a.length + b.length }
  if (a.kind !== 'data' || b.kind !== 'data' || a.offset + a.length !== b.offset) return undefined
  return a.length + b.length > MAX_PIECE ? undefined : { ...a, length: a.length + b.length }
}
