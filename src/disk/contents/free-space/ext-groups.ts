import { viewOf } from '../../../base/index.ts'
import { updateCrc32c } from '../../formats/vhdx/crc32c.ts'
import type { Volume } from '../volume.ts'
import { damaged, demand } from './allocation.ts'
import type { ExtSuperblock } from './ext-superblock.ts'

/**
 * Group descriptors of ext2, ext3 and ext4 (Linux: Documentation/filesystems/ext4/group_descr.rst): where a group's
 * two bitmaps and its table of inodes lie, how much of it is free, and whether its bitmap was ever written.
 *
 * They follow the superblock; with meta_bg, from some group on, each block of them lies in the first of the groups
 * that it describes.
 */
const BITMAP_NEVER_WRITTEN = 0x2
const ZERO_FIELD = new Uint8Array(2)
const CHECKSUM_AT = 30

export interface ExtGroup {
  readonly blockBitmap: number
  readonly inodeBitmap: number
  readonly inodeTable: number
  /** In units of the bitmap. */
  readonly free: number
  readonly bitmapWritten: boolean
  /** Of the bitmap, 32 or 16 bits of it; absent where there are none. */
  readonly bitmapChecksum?: { readonly value: number; readonly mask: number }
}

/** Reads descriptors one after the other at the cost of one read a block. @throws Doubt */
export function extGroupReader(volume: Volume, superblock: ExtSuperblock): (group: number) => ExtGroup {
  const { blockBytes, descriptorBytes } = superblock
  const perBlock = blockBytes / descriptorBytes
  let held = -1
  let bytes = new Uint8Array(0)
  return (group) => {
    const index = Math.floor(group / perBlock)
    if (index !== held) {
      bytes = demand(volume, descriptorBlock(superblock, index, perBlock) * blockBytes, blockBytes)
      held = index
    }
    const at = (group % perBlock) * descriptorBytes
    return parseGroup(superblock, group, bytes.subarray(at, at + descriptorBytes))
  }
}

/** The block where the `index`th block of descriptors lies. */
function descriptorBlock(superblock: ExtSuperblock, index: number, perBlock: number): number {
  const { blockBytes, firstBlock, firstMetaGroup, groupBlocks, hasCopyOfSuperblock } = superblock
  if (index < firstMetaGroup) return (blockBytes === 1024 ? 1 : 0) + 1 + index
  const group = index * perBlock
  return firstBlock + group * groupBlocks + (hasCopyOfSuperblock(group) ? 1 : 0)
}

function parseGroup(superblock: ExtSuperblock, group: number, bytes: Uint8Array): ExtGroup {
  const view = viewOf(bytes)
  const isLong = bytes.length >= 64
  const { checksums, blocks, inodeTableBlocks } = superblock
  if (checksums !== 'none' && checksumOf(superblock, group, bytes) !== view.getUint16(CHECKSUM_AT, true))
    throw damaged(`The checksum of its group ${group} is wrong.`)
  const wide = (low: number, high: number) =>
    view.getUint32(low, true) + (isLong ? view.getUint32(high, true) * 2 ** 32 : 0)
  const found: ExtGroup = {
    blockBitmap: wide(0, 32),
    inodeBitmap: wide(4, 36),
    inodeTable: wide(8, 40),
    free: view.getUint16(12, true) + (isLong ? view.getUint16(44, true) * 2 ** 16 : 0),
    bitmapWritten: checksums === 'none' || (view.getUint16(18, true) & BITMAP_NEVER_WRITTEN) === 0,
    ...(checksums === 'crc32c' && { bitmapChecksum: bitmapChecksum(view, isLong) }),
  }
  for (const end of [found.blockBitmap + 1, found.inodeBitmap + 1, found.inodeTable + inodeTableBlocks])
    if (end > blocks) throw damaged(`Its group ${group} has structures behind its end.`)
  return found
}

function bitmapChecksum(view: DataView, isLong: boolean): { value: number; mask: number } {
  const low = view.getUint16(24, true)
  return isLong
    ? { value: (low | (view.getUint16(56, true) << 16)) >>> 0, mask: 0xffff_ffff }
    : { value: low, mask: 0xffff }
}

function checksumOf({ checksums, seed, uuid }: ExtSuperblock, group: number, bytes: Uint8Array): number {
  const number = new Uint8Array(4)
  viewOf(number).setUint32(0, group, true)
  const before = bytes.subarray(0, CHECKSUM_AT)
  const after = bytes.subarray(CHECKSUM_AT + 2)
  if (checksums === 'crc16') return [uuid, number, before, after].reduce(updateCrc16, 0xffff)
  return [number, before, ZERO_FIELD, after].reduce(updateCrc32c, seed) & 0xffff
}

/** CRC-16 with the reflected polynomial A001 (Linux: lib/crc16.c). */
function updateCrc16(crc: number, bytes: Uint8Array): number {
  let value = crc
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xa001 : value >>> 1
  }
  return value
}
