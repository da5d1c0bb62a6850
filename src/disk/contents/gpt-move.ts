import { asciiOf, viewOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { SECTOR } from '../format.ts'
import { crc32 } from './crc32.ts'
import { bytesAt } from './disk-bytes.ts'
import { GPT_PROTECTIVE_TYPE } from './mbr.ts'

/**
 * Moves the copy of a GUID partition table to the end of a disk that became larger, where the guest looks for it, and
 * lets the table reach up to there (UEFI specification 5.3). In an order that leaves a sound pair at any moment: the
 * new copy first, then the header that names it, then the protective MBR. The old copy stays where it is, in room that
 * nobody uses.
 *
 *   header: 12 4 bytes of it   16 4 CRC   24 8 own sector   32 8 the other's   48 8 last usable   72 8 entries
 *           80 4 entries' number   84 4 bytes of one   88 4 CRC of them
 */
const MAX_TABLE_BYTES = 1 << 20

/** True when it was moved; false when there is none, or it is at the end already, or not sound: then leave it alone. */
export function moveGptCopy(disk: Disk): boolean {
  const primary = soundTable(disk, 1)
  const lastSector = disk.sizeBytes / SECTOR - 1
  if (primary === undefined || primary.other >= lastSector) return false
  const copy = soundTable(disk, primary.other)
  if (copy === undefined || copy.other !== 1 || copy.entriesCrc !== primary.entriesCrc) return false
  const entrySectors = Math.ceil(primary.entries.length / SECTOR)
  const lastUsable = lastSector - entrySectors - 1
  if (lastUsable < primary.lastUsable) return false
  const entriesAt = lastSector - entrySectors
  disk.write(entriesAt * SECTOR, primary.entries)
  disk.write(lastSector * SECTOR, headerOf(copy.header, { own: lastSector, other: 1, lastUsable, entriesAt }))
  disk.flush()
  const { entriesAt: same } = primary
  disk.write(SECTOR, headerOf(primary.header, { own: 1, other: lastSector, lastUsable, entriesAt: same }))
  disk.flush()
  widenProtectiveMbr(disk, lastSector)
  disk.flush()
  return true
}

interface Table {
  readonly header: Uint8Array
  readonly other: number
  readonly lastUsable: number
  readonly entriesAt: number
  readonly entriesCrc: number
  readonly entries: Uint8Array
}

function soundTable(disk: Disk, sector: number): Table | undefined {
  const header = bytesAt(disk, sector * SECTOR, SECTOR)
  if (header === undefined || asciiOf(header.subarray(0, 8)) !== 'EFI PART') return undefined
  const view = viewOf(header)
  const headerBytes = view.getUint32(12, true)
  const tableBytes = view.getUint32(80, true) * view.getUint32(84, true)
  if (headerBytes < 92 || headerBytes > SECTOR || tableBytes === 0 || tableBytes > MAX_TABLE_BYTES)
    return undefined
  if (Number(view.getBigUint64(24, true)) !== sector || view.getUint32(16, true) !== crcOf(header))
    return undefined
  const entriesAt = Number(view.getBigUint64(72, true))
  const entries = bytesAt(disk, entriesAt * SECTOR, tableBytes)
  const entriesCrc = view.getUint32(88, true)
  if (entries === undefined || crc32(entries) !== entriesCrc) return undefined
  return {
    header,
    other: Number(view.getBigUint64(32, true)),
    lastUsable: Number(view.getBigUint64(48, true)),
    entriesAt,
    entriesCrc,
    entries,
  }
}

function crcOf(header: Uint8Array): number {
  const copy = header.slice(0, viewOf(header).getUint32(12, true))
  viewOf(copy).setUint32(16, 0, true)
  return crc32(copy)
}

interface Places {
  readonly own: number
  readonly other: number
  readonly lastUsable: number
  readonly entriesAt: number
}

function headerOf(old: Uint8Array, { own, other, lastUsable, entriesAt }: Places): Uint8Array {
  const header = old.slice()
  const view = viewOf(header)
  view.setBigUint64(24, BigInt(own), true)
  view.setBigUint64(32, BigInt(other), true)
  view.setBigUint64(48, BigInt(lastUsable), true)
  view.setBigUint64(72, BigInt(entriesAt), true)
  view.setUint32(16, crcOf(header), true)
  return header
}

/** The one entry that keeps older systems from taking the disk for empty covers all of it, or all it can say. */
function widenProtectiveMbr(disk: Disk, lastSector: number): void {
  const sector = bytesAt(disk, 0, SECTOR)
  if (sector === undefined) return
  const view = viewOf(sector)
  for (let at = 446; at < 510; at += 16) {
    if (sector[at + 4] !== GPT_PROTECTIVE_TYPE || view.getUint32(at + 8, true) !== 1) continue
    view.setUint32(at + 12, Math.min(lastSector, 0xffff_ffff), true)
    disk.write(0, sector)
    return
  }
}
