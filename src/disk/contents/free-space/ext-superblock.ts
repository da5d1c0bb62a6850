import { viewOf } from '../../../base/index.ts'
import { updateCrc32c } from '../../formats/vhdx/crc32c.ts'
import type { Volume } from '../volume.ts'
import { damaged, demand, notClean, notKnown } from './allocation.ts'

/**
 * The superblock of ext2, ext3 and ext4 at byte 1024 (Linux: Documentation/filesystems/ext4/super.rst). Features that
 * a reader need not know to tell which blocks are used are allowed; of any other it must keep away.
 */
const AT = 1024
const BYTES = 1024

/** Features, by the word they stand in. */
const COMPATIBLE = { journal: 0x4, sparseSuper2: 0x200, excludeBitmap: 0x100 } as const
const INCOMPATIBLE = { recover: 0x4, metaGroups: 0x10, bits64: 0x80, checksumSeed: 0x2000 } as const
const READ_ONLY = {
  sparseSuper: 0x1,
  groupChecksums: 0x10,
  bigAlloc: 0x200,
  metadataChecksums: 0x400,
} as const

/** File types, recover, meta groups, extents, 64 bit, MMP, flexible groups, EA inodes, seed, large folders, inline data, encryption, case folding. */
const KNOWN_INCOMPATIBLE =
  0x2 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x30000
/** All that Linux knows, but snapshots (80), shared blocks (4000) and left orphans (10000). */
const KNOWN_READ_ONLY = 0xb | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1000 | 0x2000 | 0x8000
const CLEAN = 1
const ERRORS = 2
/** 2^20 groups of 128 MiB are 128 TiB. */
const MAX_GROUPS = 1 << 20

export interface ExtSuperblock {
  readonly blockBytes: number
  readonly blocks: number
  /** Blocks of one unit of the bitmaps: 1, or more with bigalloc. */
  readonly clusterBlocks: number
  readonly firstBlock: number
  readonly groupBlocks: number
  readonly groups: number
  /** Blocks of one group's table of inodes. */
  readonly inodeTableBlocks: number
  readonly reservedTableBlocks: number
  readonly descriptorBytes: number
  /** The first group of descriptors that lies by itself (meta_bg); as many as there are without that. */
  readonly firstMetaGroup: number
  readonly checksums: 'none' | 'crc16' | 'crc32c'
  readonly uuid: Uint8Array
  /** For CRC-32C. */
  readonly seed: number
  hasCopyOfSuperblock(group: number): boolean
}

export function readExtSuperblock(volume: Volume): ExtSuperblock {
  const bytes = demand(volume, AT, BYTES)
  const view = viewOf(bytes)
  const features = {
    compatible: view.getUint32(92, true),
    incompatible: view.getUint32(96, true),
    readOnly: view.getUint32(100, true),
  }
  demandKnown(features)
  demandInOrder(bytes, features)
  const has64 = (features.incompatible & INCOMPATIBLE.bits64) !== 0
  const high = (at: number) => (has64 ? view.getUint32(at, true) * 2 ** 32 : 0)
  const dimensions = dimensionsOf(view, high(336), (features.readOnly & READ_ONLY.bigAlloc) !== 0)
  if (dimensions.blocks * dimensions.blockBytes > volume.sizeBytes)
    throw damaged('It is larger than its partition.')
  const descriptorBytes = has64 ? view.getUint16(254, true) : 32
  if (
    descriptorBytes < 32 ||
    descriptorBytes > dimensions.blockBytes ||
    (descriptorBytes & (descriptorBytes - 1)) !== 0
  )
    throw damaged('The size of its group descriptors cannot be.')
  const uuid = bytes.slice(104, 120)
  const hasMetaGroups = (features.incompatible & INCOMPATIBLE.metaGroups) !== 0
  const metadataChecksums = (features.readOnly & READ_ONLY.metadataChecksums) !== 0
  return {
    ...dimensions,
    descriptorBytes,
    reservedTableBlocks: view.getUint16(206, true),
    firstMetaGroup: hasMetaGroups ? view.getUint32(260, true) : Number.MAX_SAFE_INTEGER,
    checksums: metadataChecksums
      ? 'crc32c'
      : (features.readOnly & READ_ONLY.groupChecksums) !== 0
        ? 'crc16'
        : 'none',
    uuid,
    seed:
      (features.incompatible & INCOMPATIBLE.checksumSeed) !== 0
        ? view.getUint32(624, true)
        : updateCrc32c(0xffff_ffff, uuid),
    hasCopyOfSuperblock: copiesOf(view, features),
  }
}

interface Features {
  readonly compatible: number
  readonly incompatible: number
  readonly readOnly: number
}

function demandKnown({ compatible, incompatible, readOnly }: Features): void {
  const strange = (incompatible & ~KNOWN_INCOMPATIBLE) >>> 0 || (readOnly & ~KNOWN_READ_ONLY) >>> 0
  if (strange !== 0) throw notKnown(`It uses a feature that is not known here (0x${strange.toString(16)}).`)
  if ((compatible & COMPATIBLE.excludeBitmap) !== 0) throw notKnown('It keeps snapshots.')
}

function demandInOrder(bytes: Uint8Array, { incompatible, readOnly }: Features): void {
  const view = viewOf(bytes)
  if ((readOnly & READ_ONLY.metadataChecksums) !== 0) {
    if (bytes[373] !== 1) throw notKnown('Its checksums are of an unknown kind.')
    if (view.getUint32(1020, true) !== updateCrc32c(0xffff_ffff, bytes.subarray(0, 1020)) >>> 0)
      throw damaged('The checksum of its superblock is wrong.')
  }
  if ((incompatible & INCOMPATIBLE.recover) !== 0) throw notClean('Its journal has still to be played.')
  const state = view.getUint16(58, true)
  if ((state & ERRORS) !== 0) throw notClean('It recorded errors and wants to be checked.')
  if ((state & CLEAN) === 0) throw notClean('It was not shut down in order.')
}

function dimensionsOf(view: DataView, blocksHigh: number, bigAlloc: boolean) {
  const shift = view.getUint32(24, true)
  if (shift > 6) throw damaged('Its block size cannot be.')
  const blockBytes = 1024 * 2 ** shift
  const clusterShift = bigAlloc ? view.getUint32(28, true) - shift : 0
  if (clusterShift < 0 || clusterShift > 20) throw damaged('Its cluster size cannot be.')
  const clusterBlocks = 2 ** clusterShift
  const blocks = view.getUint32(4, true) + blocksHigh
  const firstBlock = view.getUint32(20, true)
  const groupBlocks = view.getUint32(32, true)
  if (firstBlock > 1 || firstBlock >= blocks) throw damaged('Its first block cannot be.')
  // A group's bitmap is one block.
  if (
    groupBlocks === 0 ||
    groupBlocks % (8 * clusterBlocks) !== 0 ||
    groupBlocks / clusterBlocks > 8 * blockBytes
  )
    throw damaged('The size of its groups cannot be.')
  const groups = Math.ceil((blocks - firstBlock) / groupBlocks)
  if (groups > MAX_GROUPS) throw damaged('It has too many groups.')
  const inodeBytes = view.getUint32(76, true) === 0 ? 128 : view.getUint16(88, true)
  const inodeTableBlocks = Math.ceil((view.getUint32(40, true) * inodeBytes) / blockBytes)
  return { blockBytes, blocks, clusterBlocks, firstBlock, groupBlocks, groups, inodeTableBlocks }
}

/** Which groups begin with a copy of the superblock and of the descriptors. */
function copiesOf(view: DataView, { compatible, readOnly }: Features): (group: number) => boolean {
  if ((compatible & COMPATIBLE.sparseSuper2) !== 0) {
    const named = [0, view.getUint32(588, true), view.getUint32(592, true)]
    return (group) => named.includes(group)
  }
  if ((readOnly & READ_ONLY.sparseSuper) === 0) return () => true
  return (group) => group <= 1 || [3, 5, 7].some((base) => isPowerOf(group, base))
}

function isPowerOf(value: number, base: number): boolean {
  let power = base
  while (power < value) power *= base
  return power === value
}
