import { asciiBytes, bytesEqual, type Problem, VivariumError, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'

/**
 * The header of a hosted sparse extent: 512 bytes, little-endian (Virtual Disk Format 5.0, "Hosted Sparse Extent
 * Header"). Positions and sizes are in sectors. Version 2 adds zeroed grains, version 3 is written for
 * stream-optimized extents and for changed block tracking, which readers may leave alone (VMware KB 2064959).
 */
export interface SparseHeader {
  readonly version: number
  readonly flags: number
  readonly capacity: number
  readonly grainSectors: number
  readonly descriptorOffset: number
  readonly descriptorSectors: number
  readonly entriesPerTable: number
  readonly redundantDirectory: number
  /** `end`: a copy of the header at the end of the file says where (stream-optimized). */
  readonly directory: number | 'end'
  readonly overhead: number
  readonly uncleanShutdown: boolean
  readonly compression: number
  /** False after a transfer that took the file for text and changed its line ends. */
  readonly lineEndsIntact: boolean
}

export const MAGIC = asciiBytes('KDMV')
export const HEADER_BYTES = 512
export const UNCLEAN_SHUTDOWN_AT = 72
export const FLAG_LINE_ENDS = 1 << 0
export const FLAG_REDUNDANT_TABLES = 1 << 1
export const FLAG_ZEROED_GRAINS = 1 << 2
export const FLAG_COMPRESSED = 1 << 16
export const FLAG_MARKERS = 1 << 17
export const COMPRESSION_DEFLATE = 1

const DIRECTORY_AT_END = 0xffff_ffff_ffff_ffffn
const LINE_ENDS = asciiBytes('\n \r\n')
const MAX_VERSION = 3

/** @throws VivariumError kind `unsupported` for a version or compression that nobody has described. */
export function parseSparseHeader(bytes: Uint8Array, where: { path: string; offset: number }): SparseHeader {
  const view = viewOf(bytes)
  const u64 = (at: number) => Number(view.getBigUint64(at, true))
  const version = view.getUint32(4, true)
  const compression = view.getUint16(77, true)
  if (version === 0 || version > MAX_VERSION || compression > COMPRESSION_DEFLATE) {
    const what = version === 0 || version > MAX_VERSION ? `version ${version}` : `compression ${compression}`
    throw new VivariumError('unsupported', 'vmdk-version', `The sparse extent has ${what}.`, {
      where: { ...where, field: 'header' },
      next: 'Versions 1 to 3, plain or with DEFLATE, are known. Convert it with the product that made it.',
    })
  }
  const directory = view.getBigUint64(56, true)
  return {
    version,
    flags: view.getUint32(8, true),
    capacity: u64(12),
    grainSectors: u64(20),
    descriptorOffset: u64(28),
    descriptorSectors: u64(36),
    entriesPerTable: view.getUint32(44, true),
    redundantDirectory: u64(48),
    directory: directory === DIRECTORY_AT_END ? 'end' : Number(directory),
    overhead: u64(64),
    uncleanShutdown: bytes[UNCLEAN_SHUTDOWN_AT] !== 0,
    compression,
    lineEndsIntact: bytesEqual(bytes.subarray(73, 77), LINE_ENDS),
  }
}

export function formatSparseHeader(header: SparseHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true)
  bytes.set(MAGIC)
  view.setUint32(4, header.version, true)
  view.setUint32(8, header.flags, true)
  u64(12, header.capacity)
  u64(20, header.grainSectors)
  u64(28, header.descriptorOffset)
  u64(36, header.descriptorSectors)
  view.setUint32(44, header.entriesPerTable, true)
  u64(48, header.redundantDirectory)
  view.setBigUint64(56, header.directory === 'end' ? DIRECTORY_AT_END : BigInt(header.directory), true)
  u64(64, header.overhead)
  bytes[UNCLEAN_SHUTDOWN_AT] = header.uncleanShutdown ? 1 : 0
  bytes.set(LINE_ENDS, 73)
  view.setUint16(77, header.compression, true)
  return bytes
}

/** What the header says about the tables, checked against the length of the file; in bytes. */
export interface SparseLayout {
  readonly sizeBytes: number
  readonly grainBytes: number
  readonly entriesPerTable: number
  readonly tables: number
  readonly directoryAt: number
  readonly redundantAt: number | undefined
  readonly zeroedGrains: boolean
  readonly packed: boolean
  readonly markers: boolean
}

/** 32 MiB; every product writes 64 KiB. */
const MAX_GRAIN_SECTORS = 1 << 16
const MAX_ENTRIES_PER_TABLE = 4096
const MAX_CAPACITY = 2 ** 43

/** @throws VivariumError kind `corrupt`, before anything is allocated for a number that cannot be. */
export function layoutOf(header: SparseHeader, fileSize: number, path: string): SparseLayout {
  const fail = (field: string, message: string): never => {
    throw new VivariumError('corrupt', 'vmdk-header', message, {
      where: { path, offset: 0, field },
      next: NEXT_CHECK,
    })
  }
  const { capacity, grainSectors, entriesPerTable, flags } = header
  if (capacity > MAX_CAPACITY) fail('capacity', `A capacity of ${capacity} sectors cannot be.`)
  if (grainSectors < 1 || grainSectors > MAX_GRAIN_SECTORS || (grainSectors & (grainSectors - 1)) !== 0)
    fail('grain size', `Grains of ${grainSectors} sectors cannot be; 128 is usual.`)
  if (entriesPerTable < 1 || entriesPerTable > MAX_ENTRIES_PER_TABLE)
    fail('entries per table', `Tables of ${entriesPerTable} entries cannot be; 512 is usual.`)
  const tables = Math.ceil(Math.ceil(capacity / grainSectors) / entriesPerTable)
  const directoryAt = header.directory === 'end' ? Number.NaN : header.directory * SECTOR
  if (!(directoryAt >= SECTOR && directoryAt + tables * 4 <= fileSize))
    fail(
      'grain directory',
      `The grain directory (${tables} entries at byte ${directoryAt}) does not lie within the file of ${fileSize} bytes.`,
    )
  const redundantAt = header.redundantDirectory * SECTOR
  const redundant = (flags & FLAG_REDUNDANT_TABLES) !== 0 && redundantAt >= SECTOR
  return {
    sizeBytes: capacity * SECTOR,
    grainBytes: grainSectors * SECTOR,
    entriesPerTable,
    tables,
    directoryAt,
    redundantAt: redundant && redundantAt + tables * 4 <= fileSize ? redundantAt : undefined,
    zeroedGrains: (flags & FLAG_ZEROED_GRAINS) !== 0,
    packed: (flags & FLAG_COMPRESSED) !== 0 || header.compression !== 0,
    markers: (flags & FLAG_MARKERS) !== 0,
  }
}

export function headerProblems(header: SparseHeader, path: string): Problem[] {
  const problems: Problem[] = []
  if (!header.lineEndsIntact)
    problems.push({
      code: 'vmdk-text-transfer',
      severity: 'warning',
      message: 'The line ends in the header were changed: the file was once transferred as if it were text.',
      next: 'It is probably damaged all through: copy it again from its source, as a binary file.',
      where: { path, offset: 73, field: 'header' },
    })
  if (header.uncleanShutdown)
    problems.push({
      code: 'vmdk-unclean-shutdown',
      severity: 'note',
      message: 'The disk was not closed properly when it was last written to.',
      next: 'Nothing has to be done: what its tables say is used.',
      where: { path, offset: UNCLEAN_SHUTDOWN_AT, field: 'header' },
    })
  return problems
}
