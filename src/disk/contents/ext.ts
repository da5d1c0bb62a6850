import { viewOf } from '../../base/index.ts'
import { type FileSystem, type Volume, withLabel } from './volume.ts'

/**
 * ext2, ext3, ext4: superblock at 1024, magic EF53 at 56, feature words at 92 (compatible), 96 (incompatible),
 * 100 (read-only compatible), label at 120.
 */
const HAS_JOURNAL = 0x4
/** Extents, 64 bit, flexible groups, inline data ...: what only ext4 has. */
const EXT4_INCOMPATIBLE = 0x40 | 0x80 | 0x200 | 0x400 | 0x2000 | 0x8000
/** Huge files, group checksums, many subfolders, large inodes, metadata checksums. */
const EXT4_READ_ONLY = 0x8 | 0x10 | 0x20 | 0x40 | 0x400

export function recogniseExt(volume: Volume): FileSystem | undefined {
  const superblock = volume.bytes(1024, 136)
  if (superblock === undefined) return undefined
  const view = viewOf(superblock)
  if (view.getUint16(56, true) !== 0xef53) return undefined
  const ext4 =
    (view.getUint32(96, true) & EXT4_INCOMPATIBLE) !== 0 || (view.getUint32(100, true) & EXT4_READ_ONLY) !== 0
  const kind = ext4 ? 'ext4' : (view.getUint32(92, true) & HAS_JOURNAL) !== 0 ? 'ext3' : 'ext2'
  return withLabel(kind, new TextDecoder().decode(superblock.subarray(120, 136)))
}
