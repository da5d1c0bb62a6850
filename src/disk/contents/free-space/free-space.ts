import { type Problem, VivariumError } from '../../../base/index.ts'
import type { Disk } from '../../disk.ts'
import type { PartitionReport } from '../../report.ts'
import { recogniseAll } from '../file-systems.ts'
import { readContents } from '../partitions.ts'
import { type Volume, volumeOf } from '../volume.ts'
import { type AllocationMap, type AllocationReader, Doubt } from './allocation.ts'
import { exfatAllocation } from './exfat.ts'
import { extAllocation } from './ext.ts'
import { fatAllocation } from './fat.ts'
import { ntfsAllocation } from './ntfs.ts'
import { swapAllocation } from './swap.ts'

/**
 * The bytes of a disk that no file system on it uses, so that they need not be stored. Only what lies within a
 * partition whose file system is known, sound and was left in order; partition tables and the room between
 * partitions are never free.
 */
export interface FreeSpace {
  /** All of them together. */
  readonly freeBytes: number
  readonly volumes: readonly VolumeSpace[]
  /**
   * Ascending, apart from each other, whole sectors, within the disk; the first is the one that holds byte `from` or
   * lies behind it. Read from the disk's tables again each time, so the disk must still be open, and unchanged.
   */
  ranges(from?: number): Iterable<ByteRange>
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface VolumeSpace {
  readonly partition: PartitionReport
  readonly freeBytes: number
  /** Why nothing of it counts as free. */
  readonly doubt?: Problem
}

/** By the names that `recogniseFileSystem` gives. */
const READERS: Readonly<Record<string, AllocationReader>> = {
  FAT12: fatAllocation,
  FAT16: fatAllocation,
  FAT32: fatAllocation,
  exFAT: exfatAllocation,
  NTFS: ntfsAllocation,
  ext2: extAllocation,
  ext3: extAllocation,
  ext4: extAllocation,
  swap: swapAllocation,
}

interface FreeVolume {
  readonly offset: number
  readonly map: AllocationMap
}

/**
 * Goes through every allocation table once and checks it; yields the byte of the disk it has come to, so that a
 * caller can tell and stop. Memory does not depend on the disk's size.
 * @throws VivariumError kind `corrupt` when not even the first sector can be read.
 */
export function* searchFreeSpace(disk: Disk): Generator<number, FreeSpace> {
  const { partitions, problems } = readContents(disk)
  const found: FreeVolume[] = []
  const volumes: VolumeSpace[] = []
  for (const partition of [...partitions].sort((a, b) => a.offset - b.offset)) {
    if (partition.typeName.startsWith('Extended')) continue
    yield Math.min(partition.offset, disk.sizeBytes)
    try {
      if (problems.length > 0) throw new Doubt('partitions-damaged', problems[0]!.message)
      demandApart(partition, partitions)
      const map = allocationOf(volumeOf(disk, partition.offset, partition.sizeBytes), partition)
      const volume = { offset: partition.offset, map }
      let freeBytes = 0
      for (const { offset, length } of volumeRanges(volume, 0)) {
        freeBytes += length
        yield offset + length
      }
      found.push(volume)
      volumes.push({ partition, freeBytes })
    } catch (error) {
      volumes.push({ partition, freeBytes: 0, doubt: doubtOf(error, partition) })
    }
  }
  const freeBytes = volumes.reduce((sum, volume) => sum + volume.freeBytes, 0)
  return { freeBytes, volumes, ranges: (from = 0) => rangesOf(found, from) }
}

/** `searchFreeSpace` to its end. */
export function freeSpaceOf(disk: Disk): FreeSpace {
  const search = searchFreeSpace(disk)
  for (;;) {
    const step = search.next()
    if (step.done === true) return step.value
  }
}

/** Of these a partition is but one part, or a member whose others must stay equal. */
const SHARED_TYPES = /dynamic disk|LVM|RAID/

function demandApart(partition: PartitionReport, all: readonly PartitionReport[]): void {
  if (SHARED_TYPES.test(partition.typeName))
    throw new Doubt('partition-shared', `It is a part of something larger (${partition.typeName}).`)
  const end = partition.offset + partition.sizeBytes
  const other = all.find(
    ({ number, offset, sizeBytes, typeName }) =>
      number !== partition.number &&
      offset < end &&
      offset + sizeBytes > partition.offset &&
      !(typeName.startsWith('Extended') && offset < partition.offset && offset + sizeBytes >= end),
  )
  if (other !== undefined)
    throw new Doubt('partition-overlaps', `It and partition ${other.number} lie over each other.`)
}

function allocationOf(volume: Volume, { typeName }: PartitionReport): AllocationMap {
  const kinds = recogniseAll(volume).map(({ kind }) => kind)
  const [kind = 'unknown', other] = kinds
  if (other !== undefined)
    throw new Doubt('file-system-ambiguous', `It looks like ${kinds.join(' and like ')}.`)
  // The sign of a swap space outlives it where another system was put over it.
  if (kind === 'swap' && !typeName.includes('swap'))
    throw new Doubt('file-system-ambiguous', 'It looks like a swap space, in a partition of another type.')
  const read = READERS[kind]
  if (read === undefined)
    throw new Doubt('file-system-unknown', `What its file system (${kind}) uses cannot be told.`)
  return checked(read(volume), volume)
}

function checked(map: AllocationMap, { sizeBytes }: Volume): AllocationMap {
  const { unitBytes, start, count } = map
  if (unitBytes % 512 !== 0 || start % 512 !== 0 || start < 0 || start + count * unitBytes > sizeBytes)
    throw new Doubt('file-system-damaged', 'It is larger than its partition.')
  return map
}

/** Neighbouring runs (of two groups, of two pieces of a table) become one. */
function* volumeRanges({ offset, map }: FreeVolume, from: number): Generator<ByteRange> {
  const firstUnit = Math.max(0, Math.floor((from - offset - map.start) / map.unitBytes))
  let pending: { first: number; end: number } | undefined
  const range = (first: number, end: number) => ({
    offset: offset + map.start + first * map.unitBytes,
    length: (end - first) * map.unitBytes,
  })
  for (const { first, count } of map.freeRuns(firstUnit)) {
    const end = first + count
    if (first < (pending?.end ?? firstUnit) || end > map.count)
      throw new Doubt('file-system-damaged', 'Its free space is out of order.')
    if (pending?.end === first) pending.end = end
    else {
      if (pending !== undefined) yield range(pending.first, pending.end)
      pending = { first, end }
    }
  }
  if (pending !== undefined) yield range(pending.first, pending.end)
}

function* rangesOf(volumes: readonly FreeVolume[], from: number): Generator<ByteRange> {
  for (const volume of volumes) {
    const { map, offset } = volume
    if (offset + map.start + map.count * map.unitBytes <= from) continue
    try {
      yield* volumeRanges(volume, from)
    } catch (error) {
      if (!(error instanceof Doubt)) throw error
      throw new VivariumError('conflict', 'disk-changed', 'The disk was changed while it was being read.', {
        where: { offset: volume.offset },
        next: 'Turn off the machine that uses it, and try again.',
      })
    }
  }
}

function doubtOf(error: unknown, { number, offset, fileSystem }: PartitionReport): Problem {
  const name = number === 0 ? 'The disk' : `Partition ${number}`
  const what = fileSystem === undefined ? name : `${name} (${fileSystem})`
  if (error instanceof VivariumError && error.kind === 'corrupt')
    return doubt('file-system-unreadable', `${what}: free space is kept. ${error.message}`, offset)
  if (!(error instanceof Doubt)) throw error
  return doubt(error.code, `${what}: free space is kept. ${error.message}`, offset)
}

function doubt(code: string, message: string, offset: number): Problem {
  return { code, severity: 'note', message, where: { offset } }
}
