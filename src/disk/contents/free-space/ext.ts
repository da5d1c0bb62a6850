import { updateCrc32c } from '../../formats/vhdx/crc32c.ts'
import type { Volume } from '../volume.ts'
import {
  type AllocationMap,
  clearRuns,
  damaged,
  demand,
  isSet,
  runsFrom,
  type UnitRun,
} from './allocation.ts'
import { type ExtGroup, extGroupReader } from './ext-groups.ts'
import { type ExtSuperblock, readExtSuperblock } from './ext-superblock.ts'

/**
 * ext2, ext3, ext4: a bitmap of blocks for each group. A bitmap that was never written (uninit_bg) is made up as the
 * guest would: its group holds nothing but structures. Every group must have as many free blocks as it says, and
 * no structure of any group may lie in a free one.
 */
export function extAllocation(volume: Volume): AllocationMap {
  const superblock = readExtSuperblock(volume)
  const { blockBytes, blocks, clusterBlocks, firstBlock, groupBlocks, groups } = superblock
  const structures = structuresOf(superblock, extGroupReader(volume, superblock))
  const groupUnits = groupBlocks / clusterBlocks
  return {
    unitBytes: blockBytes * clusterBlocks,
    start: firstBlock * blockBytes,
    // The last cluster may be cut short; then it is never given away.
    count: Math.floor((blocks - firstBlock) / clusterBlocks),
    *freeRuns(from) {
      const groupOf = extGroupReader(volume, superblock)
      for (let group = Math.floor(from / groupUnits); group < groups; group++)
        yield* runsFrom(
          freeInGroup(volume, superblock, group, groupOf(group), structures),
          group * groupUnits,
          from,
        )
    },
  }
}

/** Where structures of one length lie, in order: a group's may lie in another (flex_bg). */
interface Structures {
  readonly starts: Float64Array
  readonly length: number
}

function structuresOf(superblock: ExtSuperblock, groupOf: (group: number) => ExtGroup): Structures[] {
  const { groups, inodeTableBlocks } = superblock
  const bitmaps = new Float64Array(groups * 2)
  const tables = new Float64Array(groups)
  for (let group = 0; group < groups; group++) {
    const { blockBitmap, inodeBitmap, inodeTable } = groupOf(group)
    bitmaps[group * 2] = blockBitmap
    bitmaps[group * 2 + 1] = inodeBitmap
    tables[group] = inodeTable
  }
  return [
    { starts: bitmaps.sort(), length: 1 },
    { starts: tables.sort(), length: inodeTableBlocks },
  ]
}

/** How many blocks of copies (of the superblock, of descriptors) a group begins with. */
function headOf(superblock: ExtSuperblock, group: number): number {
  const { blockBytes, descriptorBytes, firstMetaGroup, groups } = superblock
  const perBlock = blockBytes / descriptorBytes
  const own = superblock.hasCopyOfSuperblock(group) ? 1 : 0
  if (Math.floor(group / perBlock) >= firstMetaGroup) {
    const place = group % perBlock
    return own + (place === 0 || place === 1 || place === perBlock - 1 ? 1 : 0)
  }
  const descriptorBlocks = Math.min(firstMetaGroup, Math.ceil(groups / perBlock))
  return own === 0 ? 0 : 1 + descriptorBlocks + superblock.reservedTableBlocks
}

function freeInGroup(
  volume: Volume,
  superblock: ExtSuperblock,
  group: number,
  description: ExtGroup,
  structures: readonly Structures[],
): UnitRun[] {
  const { blocks, clusterBlocks, firstBlock, groupBlocks } = superblock
  const first = firstBlock + group * groupBlocks
  const units = Math.ceil(Math.min(groupBlocks, blocks - first) / clusterBlocks)
  const bitmap = description.bitmapWritten
    ? writtenBitmap(volume, superblock, group, description)
    : new Uint8Array(Math.ceil(units / 8))
  const end = first + units * clusterBlocks
  for (const [from, to] of structuresIn(superblock, group, structures, first, end)) {
    const endUnit = Math.ceil((to - first) / clusterBlocks)
    for (let unit = Math.floor((from - first) / clusterBlocks); unit < endUnit; unit++) {
      if (!description.bitmapWritten) bitmap[unit >>> 3]! |= 1 << (unit & 7)
      else if (!isSet(bitmap, unit)) throw damaged(`Structures of its group ${group} lie in free blocks.`)
    }
  }
  const runs = [...clearRuns(bitmap, units)]
  const free = runs.reduce((sum, { count }) => sum + count, 0)
  if (free !== description.free)
    throw damaged(`Its group ${group} should have ${description.free} free blocks, and has ${free}.`)
  return end > blocks ? runs.map((run) => withoutLast(run, units)) : runs
}

function* structuresIn(
  superblock: ExtSuperblock,
  group: number,
  structures: readonly Structures[],
  first: number,
  end: number,
): Generator<readonly [from: number, end: number]> {
  const head = headOf(superblock, group)
  if (head > 0) yield [first, Math.min(end, first + head)]
  for (const one of structures) yield* within(one, first, end)
}

function withoutLast({ first, count }: UnitRun, units: number): UnitRun {
  return { first, count: first + count === units ? count - 1 : count }
}

function writtenBitmap(
  volume: Volume,
  { blockBytes, clusterBlocks, groupBlocks, seed }: ExtSuperblock,
  group: number,
  { blockBitmap, bitmapChecksum }: ExtGroup,
): Uint8Array {
  const bytes = demand(volume, blockBitmap * blockBytes, blockBytes)
  if (bitmapChecksum === undefined) return bytes
  const computed = updateCrc32c(seed, bytes.subarray(0, groupBlocks / clusterBlocks / 8))
  if ((computed & bitmapChecksum.mask) >>> 0 !== bitmapChecksum.value)
    throw damaged(`The checksum of the bitmap of its group ${group} is wrong.`)
  return bytes
}

/** The parts of structures within [first, end). */
function* within(
  { starts, length }: Structures,
  first: number,
  end: number,
): Generator<readonly [from: number, end: number]> {
  let low = 0
  for (let high = starts.length; low < high; ) {
    const middle = (low + high) >>> 1
    if (starts[middle]! + length <= first) low = middle + 1
    else high = middle
  }
  for (let at = low; at < starts.length && starts[at]! < end; at++)
    yield [Math.max(first, starts[at]!), Math.min(end, starts[at]! + length)]
}
