import { asciiOf, decodeUtf16, formatGuid, type Problem, viewOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { SECTOR } from '../format.ts'
import { crc32 } from './crc32.ts'
import { bytesAt } from './disk-bytes.ts'

/**
 * The GUID partition table (UEFI specification, chapter 5): a header in sector 1, its copy in the last sector,
 * each with the CRC-32 of itself and of the entries.
 *
 *   0 8 "EFI PART"   12 4 header bytes   16 4 CRC of the header   24 8 own sector   32 8 the copy's
 *   72 8 sector of the entries   80 4 number of entries   84 4 bytes of one   88 4 CRC of the entries
 */
const MIN_HEADER_BYTES = 92
const MIN_ENTRY_BYTES = 128
/** 128 entries of 128 bytes are usual; a megabyte is beyond all that exists. */
const MAX_TABLE_BYTES = 1 << 20

export interface GptPartition {
  readonly number: number
  readonly type: string
  readonly firstSector: number
  readonly sectors: number
  readonly name: string
  /** "Legacy BIOS bootable", attribute bit 2. */
  readonly active: boolean
}

/** Undefined when neither the header nor its copy is there. */
export function readGpt(
  disk: Disk,
): { readonly partitions: GptPartition[]; readonly problems: Problem[] } | undefined {
  const primary = readTable(disk, 1)
  if (primary?.sound) return { partitions: primary.partitions, problems: [] }
  const backup = readTable(disk, disk.sizeBytes / SECTOR - 1)
  const used = backup?.sound ? backup : (primary ?? backup)
  if (used === undefined) return undefined
  const message = used.sound
    ? 'The GPT at the start of the disk is lost or damaged; the copy at the end is used.'
    : 'The checksums of the GPT are wrong, and there is no sound copy.'
  const problem: Problem = {
    code: 'gpt-damaged',
    severity: 'warning',
    message,
    next: 'Repair it with a partition tool inside the guest.',
    where: { offset: SECTOR, field: 'GPT header' },
  }
  return { partitions: used.partitions, problems: [problem] }
}

function readTable(disk: Disk, sector: number): { sound: boolean; partitions: GptPartition[] } | undefined {
  const header = bytesAt(disk, sector * SECTOR, SECTOR)
  if (header === undefined || asciiOf(header.subarray(0, 8)) !== 'EFI PART') return undefined
  const view = viewOf(header)
  const headerBytes = view.getUint32(12, true)
  const stored = view.getUint32(16, true)
  const count = view.getUint32(80, true)
  const entryBytes = view.getUint32(84, true)
  if (headerBytes < MIN_HEADER_BYTES || headerBytes > SECTOR) return { sound: false, partitions: [] }
  if (entryBytes < MIN_ENTRY_BYTES || count * entryBytes > MAX_TABLE_BYTES)
    return { sound: false, partitions: [] }
  view.setUint32(16, 0, true)
  const headerSound = crc32(header.subarray(0, headerBytes)) === stored
  const table = bytesAt(disk, Number(view.getBigUint64(72, true)) * SECTOR, count * entryBytes)
  if (table === undefined) return { sound: false, partitions: [] }
  const sound = headerSound && crc32(table) === view.getUint32(88, true)
  return { sound, partitions: parseEntries(table, entryBytes) }
}

function parseEntries(table: Uint8Array, entryBytes: number): GptPartition[] {
  const partitions: GptPartition[] = []
  for (let at = 0, number = 1; at < table.length; at += entryBytes, number++) {
    const entry = table.subarray(at, at + entryBytes)
    const view = viewOf(entry)
    const type = mixedGuid(entry.subarray(0, 16))
    const first = Number(view.getBigUint64(32, true))
    const last = Number(view.getBigUint64(40, true))
    if (type === UNUSED || last < first) continue
    partitions.push({
      number,
      type,
      firstSector: first,
      sectors: last - first + 1,
      name: decodeUtf16(entry.subarray(56, 128), 'le').split('\0')[0]!,
      active: (view.getUint32(48, true) & 4) !== 0,
    })
  }
  return partitions
}

/** The first three fields of a GUID are little-endian here. */
function mixedGuid(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  return formatGuid(Uint8Array.from(order, (index) => bytes[index]!))
}

const UNUSED = '00000000-0000-0000-0000-000000000000'

const TYPE_NAMES: Readonly<Record<string, string>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI system',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': 'Microsoft basic data',
  'e3c9e316-0b5c-4db8-817d-f92df00215ae': 'Microsoft reserved',
  'de94bba4-06d1-4d40-a16a-bfd50179d6ac': 'Windows recovery',
  '5808c8aa-7e8f-42e0-85d2-e1e90434cfb3': 'Windows dynamic disk metadata',
  'af9b60a0-1431-4f62-bc68-3311714a69ad': 'Windows dynamic disk data',
  '21686148-6449-6e6f-744e-656564454649': 'BIOS boot',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'Linux',
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': 'Linux swap',
  'e6d6d379-f507-44c2-a23c-238f2a3df928': 'Linux LVM',
  'a19d880f-05fc-4d3b-a006-743f0f84911e': 'Linux RAID',
  '4f68bce3-e8cd-4db1-96e7-fbcaf984b709': 'Linux root (x86-64)',
  '44479540-f297-41b2-9af7-d131d5f0458a': 'Linux root (x86)',
  '48465300-0000-11aa-aa11-00306543ecac': 'HFS+',
  '516e7cb4-6ecf-11d6-8ff8-00022d09712b': 'FreeBSD',
}

export function gptTypeName(type: string): string {
  return TYPE_NAMES[type] ?? 'unknown'
}
