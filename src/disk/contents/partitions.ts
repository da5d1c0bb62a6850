import { formatSize, type Problem, viewOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { SECTOR } from '../format.ts'
import type { PartitionReport } from '../report.ts'
import { bytesAt } from './disk-bytes.ts'
import { recogniseFileSystem } from './file-systems.ts'
import { gptTypeName, readGpt } from './gpt.ts'
import {
  GPT_PROTECTIVE_TYPE,
  isUsed,
  type MbrEntry,
  mbrTypeName,
  parseMbr,
  readMbrPartitions,
} from './mbr.ts'
import { type FileSystem, volumeOf } from './volume.ts'

/** What lies on a disk: its partition table and the file system of each partition. */
export interface DiskContents {
  readonly scheme: 'mbr' | 'gpt' | 'none'
  readonly partitions: PartitionReport[]
  readonly problems: Problem[]
}

/** @throws VivariumError kind `corrupt` when not even the first sector can be read. */
export function readContents(disk: Disk): DiskContents {
  const whole = recogniseFileSystem(volumeOf(disk, 0, disk.sizeBytes))
  // Many CDs bring a partition table too, for the case that they are written to a stick; they are CDs all the same.
  if (whole?.kind === 'ISO 9660' && isoFills(disk))
    return { scheme: 'none', partitions: [wholeDisk(disk, whole)], problems: [] }
  const sector = bytesAt(disk, 0, SECTOR)
  const entries = sector && parseMbr(sector)
  const used = entries?.filter(isUsed) ?? []
  const gpt =
    used.length === 0 || used.some(({ type }) => type === GPT_PROTECTIVE_TYPE) ? readGpt(disk) : undefined
  if (gpt !== undefined) {
    const partitions = gpt.partitions.map((entry) =>
      reportOf(disk, 'gpt', entry, { type: entry.type, typeName: gptTypeName(entry.type), name: entry.name }),
    )
    return { scheme: 'gpt', partitions, problems: [...gpt.problems, ...placementProblems(disk, partitions)] }
  }
  if (whole !== undefined && !isPlausible(disk, used))
    return { scheme: 'none', partitions: [wholeDisk(disk, whole)], problems: [] }
  if (entries === undefined) return { scheme: 'none', partitions: [], problems: [] }
  return mbrContents(disk, entries)
}

/** ECMA-119 section 8.4.8, "Volume Space Size". What a CD left behind on a disk that was partitioned later is smaller. */
function isoFills(disk: Disk): boolean {
  const blocks = bytesAt(disk, 32_768 + 80, 4)
  return blocks !== undefined && viewOf(blocks).getUint32(0, true) * 2048 * 2 >= disk.sizeBytes
}

/** A boot sector of a volume has the same signature as a partition table, and code where the entries would be. */
function isPlausible(disk: Disk, used: readonly MbrEntry[]): boolean {
  return (
    used.length > 0 &&
    used.every(({ firstSector }) => firstSector > 0 && firstSector * SECTOR < disk.sizeBytes)
  )
}

function mbrContents(disk: Disk, entries: readonly MbrEntry[]): DiskContents {
  const { partitions: found, problems } = readMbrPartitions(disk, entries)
  const partitions = found.map((entry) =>
    reportOf(disk, 'mbr', entry, {
      type: entry.type.toString(16).padStart(2, '0'),
      typeName: mbrTypeName(entry.type),
    }),
  )
  return { scheme: 'mbr', partitions, problems: [...problems, ...placementProblems(disk, partitions)] }
}

function wholeDisk(disk: Disk, { kind, label }: FileSystem): PartitionReport {
  return {
    number: 0,
    scheme: 'none',
    type: '',
    typeName: 'whole disk',
    active: false,
    offset: 0,
    sizeBytes: disk.sizeBytes,
    fileSystem: kind,
    ...(label !== undefined && { label }),
  }
}

interface Placed {
  readonly number: number
  readonly active: boolean
  readonly firstSector: number
  readonly sectors: number
}

function reportOf(
  disk: Disk,
  scheme: 'mbr' | 'gpt',
  { number, active, firstSector, sectors }: Placed,
  names: { readonly type: string; readonly typeName: string; readonly name?: string },
): PartitionReport {
  const offset = firstSector * SECTOR
  const sizeBytes = sectors * SECTOR
  const found = names.typeName.startsWith('Extended')
    ? undefined
    : recogniseFileSystem(volumeOf(disk, offset, sizeBytes))
  return {
    number,
    scheme,
    type: names.type,
    typeName: names.typeName,
    active,
    offset,
    sizeBytes,
    ...(names.name !== undefined && names.name !== '' && { name: names.name }),
    ...(found && { fileSystem: found.kind, ...(found.label !== undefined && { label: found.label }) }),
  }
}

function placementProblems(disk: Disk, partitions: readonly PartitionReport[]): Problem[] {
  const problems: Problem[] = []
  for (const { number, offset, sizeBytes } of partitions) {
    if (offset + sizeBytes <= disk.sizeBytes) continue
    problems.push({
      code: 'partition-beyond-end',
      severity: 'warning',
      message: `Partition ${number} should end at byte ${offset + sizeBytes}, and the disk has ${disk.sizeBytes} (${formatSize(disk.sizeBytes)}).`,
      next: 'The disk was made smaller or cut short: compare it with its source before using it.',
      where: { offset },
    })
  }
  return problems
}
