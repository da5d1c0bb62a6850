import { viewOf } from '../../base/index.ts'
import { extFilePieces, extInode } from './ext-file.ts'
import type { Volume } from './volume.ts'

/**
 * Where a symbolic link of ext2 to ext4 leads, byte for byte as the guest wrote it: in the inode when it is short, else
 * in a block. Short is what the length says; a block that is counted may be that of extended attributes, such as a
 * label of SELinux. (Documentation/filesystems/ext4 of the Linux kernel, "Symbolic Links" and "Extent Tree".)
 */
const FILE_TYPE = 0xf000
const LINK = 0xa000
const ENCRYPTED_FLAG = 0x800
const EXTENTS_FLAG = 0x80000
const INLINE_DATA_FLAG = 0x10000000
const POINTERS_AT = 40
const POINTERS_BYTES = 60
const EXTENT_MAGIC = 0xf30a
/** A target fits into one block. */
const MAX_TARGET = 64 << 10

/** Undefined when it is no link, damaged, encrypted, or no text in UTF-8. */
export function extLinkTarget(volume: Volume, number: number): string | undefined {
  const found = extInode(volume, number)
  if (found === undefined) return undefined
  const inode = viewOf(found.inode)
  const length = inode.getUint32(4, true)
  const flags = inode.getUint32(32, true)
  if ((inode.getUint16(0, true) & FILE_TYPE) !== LINK || (flags & ENCRYPTED_FLAG) !== 0) return undefined
  if (length === 0 || length > MAX_TARGET) return undefined
  if (length < POINTERS_BYTES) return textOf(found.inode.subarray(POINTERS_AT, POINTERS_AT + length))
  if ((flags & INLINE_DATA_FLAG) !== 0) return undefined
  const offset =
    (flags & EXTENTS_FLAG) !== 0 ? firstExtent(inode) * found.blockBytes : firstPiece(volume, number)
  const bytes = offset > 0 ? volume.bytes(offset, length) : undefined
  return bytes && textOf(bytes)
}

/** The block that the first extent begins with; NaN when there is none in the inode. */
function firstExtent(inode: DataView): number {
  const [magic, entries, depth] = [0, 2, 6].map((at) => inode.getUint16(POINTERS_AT + at, true))
  if (magic !== EXTENT_MAGIC || entries === 0 || depth !== 0) return Number.NaN
  return inode.getUint16(POINTERS_AT + 18, true) * 2 ** 32 + inode.getUint32(POINTERS_AT + 20, true)
}

function firstPiece(volume: Volume, number: number): number {
  for (const piece of extFilePieces(volume, number) ?? [])
    return piece.kind === 'data' ? piece.offset : Number.NaN
  return Number.NaN
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
