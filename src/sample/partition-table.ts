import { VivariumError, viewOf } from '../base/index.ts'

/** One primary partition of a disk that we make. In sectors of 512 bytes. */
export interface Partition {
  /** The type byte, for example 0x83 for Linux. */
  readonly type: number
  readonly active: boolean
  readonly start: number
  readonly sectors: number
}

/** Layout of a master boot record: code, four entries of 16 bytes, signature (UEFI 2.10, section 5.2.1). */
const CODE_BYTES = 440
const TABLE = 446
const SIGNATURE = 510

/** What BIOSes assume of small disks; both emulators derive their geometry from the table. */
const HEADS = 16
const SECTORS_PER_TRACK = 63
const MAX_CYLINDER = 1023

/**
 * The first sector of a disk.
 * @param code boot code, at most 440 bytes
 * @throws VivariumError kind `invalid` when code or partitions do not fit.
 */
export function masterBootRecord(
  code: Uint8Array,
  partitions: readonly Partition[],
  diskId: number,
): Uint8Array {
  if (code.length > CODE_BYTES)
    throw invalid(`The boot code has ${code.length} bytes, and ${CODE_BYTES} fit.`)
  if (partitions.length > 4) throw invalid(`${partitions.length} partitions do not fit in a table of 4.`)
  const record = new Uint8Array(512)
  const view = viewOf(record)
  record.set(code)
  view.setUint32(CODE_BYTES, diskId, true)
  for (const [index, { type, active, start, sectors }] of partitions.entries()) {
    const at = TABLE + index * 16
    record[at] = active ? 0x80 : 0
    record.set(cylinderHeadSector(start), at + 1)
    record[at + 4] = type
    record.set(cylinderHeadSector(start + sectors - 1), at + 5)
    view.setUint32(at + 8, start, true)
    view.setUint32(at + 12, sectors, true)
  }
  view.setUint16(SIGNATURE, 0xaa55, true)
  return record
}

function invalid(message: string): VivariumError {
  return new VivariumError('invalid', 'partition-table', message)
}

/** Three bytes: head, sector with the cylinder's high bits, cylinder. What lies too far is shown as the last. */
function cylinderHeadSector(sector: number): readonly [number, number, number] {
  const cylinder = Math.floor(sector / (HEADS * SECTORS_PER_TRACK))
  if (cylinder > MAX_CYLINDER) return [HEADS - 1, 0xc0 | SECTORS_PER_TRACK, 0xff]
  const head = Math.floor(sector / SECTORS_PER_TRACK) % HEADS
  return [head, ((cylinder >> 8) << 6) | ((sector % SECTORS_PER_TRACK) + 1), cylinder & 0xff]
}
