import { type Problem, viewOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { SECTOR } from '../format.ts'
import { bytesAt } from './disk-bytes.ts'

/**
 * The partition table of a PC: four entries of 16 bytes at 446 in sector 0, signature 55 AA at 510. An extended
 * partition holds a linked list of further tables: in each, entry 0 is a logical partition (relative to that
 * table), entry 1 the next table (relative to the extended partition).
 */
const TABLE_AT = 446
const EXTENDED_TYPES = new Set([0x05, 0x0f, 0x85])
export const GPT_PROTECTIVE_TYPE = 0xee
/** Far more logical partitions than any product makes; ends a list that a damaged disk made endless. */
const MAX_LOGICAL = 256

export interface MbrEntry {
  readonly active: boolean
  readonly type: number
  readonly firstSector: number
  readonly sectors: number
}

export interface MbrPartition extends MbrEntry {
  /** 1 to 4 primary, from 5 on logical, as Linux counts. */
  readonly number: number
}

/** The four entries; undefined when there is no signature or the entries cannot be a partition table. */
export function parseMbr(sector: Uint8Array): MbrEntry[] | undefined {
  const view = viewOf(sector)
  if (view.getUint16(510) !== 0x55aa) return undefined
  const entries: MbrEntry[] = []
  for (let at = TABLE_AT; at < 510; at += 16) {
    const status = sector[at]!
    if (status !== 0 && status !== 0x80) return undefined
    entries.push({
      active: status === 0x80,
      type: sector[at + 4]!,
      firstSector: view.getUint32(at + 8, true),
      sectors: view.getUint32(at + 12, true),
    })
  }
  return entries
}

export function isUsed(entry: MbrEntry): boolean {
  return entry.type !== 0 && entry.sectors > 0
}

export function readMbrPartitions(
  disk: Disk,
  entries: readonly MbrEntry[],
): { readonly partitions: MbrPartition[]; readonly problems: Problem[] } {
  const partitions: MbrPartition[] = []
  const problems: Problem[] = []
  for (const [index, entry] of entries.entries()) {
    if (isUsed(entry)) partitions.push({ ...entry, number: index + 1 })
  }
  const logical: MbrPartition[] = []
  for (const extended of partitions.filter(({ type }) => EXTENDED_TYPES.has(type)))
    readLogical(disk, extended.firstSector, logical, problems)
  return { partitions: [...partitions, ...logical], problems }
}

function readLogical(disk: Disk, base: number, logical: MbrPartition[], problems: Problem[]): void {
  const seen = new Set<number>()
  for (let table = base; ; ) {
    if (seen.has(table) || logical.length >= MAX_LOGICAL) {
      problems.push(brokenList(table, 'comes back to itself'))
      return
    }
    seen.add(table)
    const sector = bytesAt(disk, table * SECTOR, SECTOR)
    const entries = sector && parseMbr(sector)
    if (entries === undefined) {
      problems.push(brokenList(table, 'breaks off'))
      return
    }
    const [own, next] = entries
    if (own !== undefined && isUsed(own))
      logical.push({ ...own, firstSector: own.firstSector + table, number: 5 + logical.length })
    if (next === undefined || !isUsed(next) || next.firstSector === 0) return
    table = base + next.firstSector
  }
}

function brokenList(sector: number, how: string): Problem {
  return {
    code: 'partition-list-broken',
    severity: 'warning',
    message: `The list of logical partitions ${how} at sector ${sector}.`,
    next: 'Partitions behind that place are not shown. Look at the disk with a partition tool.',
    where: { offset: sector * SECTOR },
  }
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'FAT12',
  4: 'FAT16 under 32 MB',
  5: 'Extended',
  6: 'FAT16',
  7: 'NTFS, HPFS or exFAT',
  10: 'OS/2 Boot Manager',
  11: 'FAT32 (CHS)',
  12: 'FAT32 (LBA)',
  14: 'FAT16 (LBA)',
  15: 'Extended (LBA)',
  17: 'Hidden FAT12',
  18: 'Maintenance',
  20: 'Hidden FAT16 under 32 MB',
  22: 'Hidden FAT16',
  23: 'Hidden NTFS or HPFS',
  27: 'Hidden FAT32 (CHS)',
  28: 'Hidden FAT32 (LBA)',
  30: 'Hidden FAT16 (LBA)',
  39: 'Windows recovery',
  57: 'Plan 9',
  66: 'Windows dynamic disk',
  77: 'QNX',
  99: 'Unix System V',
  100: 'NetWare 286',
  101: 'NetWare',
  129: 'Minix',
  130: 'Linux swap or Solaris',
  131: 'Linux',
  133: 'Linux extended',
  142: 'Linux LVM',
  165: 'FreeBSD',
  166: 'OpenBSD',
  168: 'Mac OS X',
  169: 'NetBSD',
  175: 'HFS',
  190: 'Solaris boot',
  191: 'Solaris',
  235: 'BeOS',
  238: 'GPT protective',
  239: 'EFI system',
  251: 'VMware VMFS',
  253: 'Linux RAID',
}

export function mbrTypeName(type: number): string {
  return TYPE_NAMES[type] ?? 'unknown'
}
