import { MiB, VivariumError } from '../../base/index.ts'
import { geometryBytes, geometryOf } from '../../disk/index.ts'
import { assembleGuest } from '../guest-sources.ts'
import { masterBootRecord } from '../partition-table.ts'

const SECTOR = 512
/** 16 MB: small, and a size that every BIOS takes for a hard disk. */
export const HELLO_DISK_BYTES = 16 * MiB
/** The second track, where partitions began in the days of Virtual PC. */
const PARTITION_START = 63
/** "Non-file-system data" in the list of partition types at https://aeb.win.tue.nl/partitions/. */
const PARTITION_TYPE = 0xda
/** The program is loaded below 64 KB and must leave room for what it reads into. */
const MAX_PROGRAM_BYTES = 24 * 1024
const DISK_ID = 0x6f6c6c48

/** Bytes to write at a place of an empty disk. */
export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Everything on the Hello disk that is not zero. @throws VivariumError when the guest's source is broken. */
export function helloPieces(): readonly Piece[] {
  const program = assembleGuest('hello.asm').bytes
  if (program.length > MAX_PROGRAM_BYTES) {
    throw new VivariumError(
      'invalid',
      'guest-too-large',
      `Hello has ${program.length} bytes, and ${MAX_PROGRAM_BYTES} can be loaded.`,
      { where: { path: 'samples/hello/hello.asm' } },
    )
  }
  const partition = {
    type: PARTITION_TYPE,
    active: true,
    start: PARTITION_START,
    // Inside the geometry that the VHD's footer will show, which is a little less than the size.
    sectors: geometryBytes(geometryOf(HELLO_DISK_BYTES)) / SECTOR - PARTITION_START,
  }
  // Whole sectors, so that a disk format stores them without reading first.
  const sectors = new Uint8Array(Math.ceil(program.length / SECTOR) * SECTOR)
  sectors.set(program)
  return [
    { offset: 0, bytes: masterBootRecord(assembleGuest('mbr.asm').bytes, [partition], DISK_ID) },
    { offset: PARTITION_START * SECTOR, bytes: sectors },
  ]
}
