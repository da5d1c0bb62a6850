import { isZero } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import type { DiskSource, LaidFile, Segment, UnitMap } from '../../layout.ts'
import { unitRuns } from '../../unit-map.ts'
import { u32Bytes } from './grain-tables.ts'
import { GRAIN_MARKER_BYTES } from './packed-grains.ts'
import {
  COMPRESSION_DEFLATE,
  FLAG_COMPRESSED,
  FLAG_LINE_ENDS,
  FLAG_MARKERS,
  formatSparseHeader,
  type SparseHeader,
} from './sparse-header.ts'
import {
  DESCRIPTOR_SECTORS,
  ENTRIES_PER_TABLE,
  GRAIN_BYTES,
  GRAIN_SECTORS,
  padded,
  requireSparseCapacity,
  TABLE_SECTORS,
} from './sparse-layout.ts'
import { storedZlib } from './zlib.ts'

/** Types of markers that are no grain's. */
const MARKER = { end: 0, table: 1, directory: 2, footer: 3 } as const

/**
 * A stream-optimized VMDK, the disk of an OVF package, written from front to end without ever going back
 * (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents"):
 *
 *   [header][descriptor] [marker+grain] ... [marker][table] ... [marker][directory] [marker][footer] [end marker]
 *
 * A table follows the grains it tells of; a grain of zeroes is left out. Memory: one grain, one table, and four
 * bytes for each 32 MiB of the disk.
 * @throws VivariumError kind `invalid` for a disk over 2 TiB; what reading the disk throws.
 */
export function streamFile(
  source: DiskSource,
  name: string,
  descriptor: Uint8Array,
  deflate: (bytes: Uint8Array) => Uint8Array = storedZlib,
): LaidFile {
  const capacity = source.sizeBytes / SECTOR
  requireSparseCapacity(capacity, name)
  const header = headerFor(capacity)
  const start = new Uint8Array(header.overhead * SECTOR)
  start.set(formatSparseHeader(header))
  start.set(padded(descriptor, name), SECTOR)
  return {
    name,
    *segments(): Generator<Segment> {
      for (const bytes of piecesOf(source, header, start, deflate)) yield { kind: 'bytes', bytes }
    },
  }
}

function headerFor(capacity: number): SparseHeader {
  return {
    version: 3,
    flags: FLAG_LINE_ENDS | FLAG_COMPRESSED | FLAG_MARKERS,
    capacity,
    grainSectors: GRAIN_SECTORS,
    descriptorOffset: 1,
    descriptorSectors: DESCRIPTOR_SECTORS,
    entriesPerTable: ENTRIES_PER_TABLE,
    redundantDirectory: 0,
    directory: 'end',
    overhead: GRAIN_SECTORS,
    uncleanShutdown: false,
    compression: COMPRESSION_DEFLATE,
    lineEndsIntact: true,
  }
}

function* piecesOf(
  source: DiskSource,
  header: SparseHeader,
  start: Uint8Array,
  deflate: (bytes: Uint8Array) => Uint8Array,
): Generator<Uint8Array> {
  let sector = 0
  const counted = (bytes: Uint8Array): Uint8Array => {
    sector += bytes.length / SECTOR
    return bytes
  }
  yield counted(start)
  const map = source.units(GRAIN_BYTES)
  const tables = Math.ceil(map.count / ENTRIES_PER_TABLE)
  const directory = new Uint32Array(tables)
  const table = new Uint32Array(ENTRIES_PER_TABLE)
  const grainBytes = new Uint8Array(GRAIN_BYTES)
  for (let index = 0; index < tables; index++) {
    table.fill(0)
    let used = false
    for (const grain of grainsOf(source, map, index * ENTRIES_PER_TABLE, grainBytes)) {
      table[grain % ENTRIES_PER_TABLE] = sector
      used = true
      yield counted(grainPiece(grain, grainBytes, deflate))
    }
    if (!used) continue
    yield counted(marker(MARKER.table, TABLE_SECTORS))
    directory[index] = sector
    yield counted(u32Bytes(table))
  }
  yield counted(marker(MARKER.directory, Math.ceil((tables * 4) / SECTOR)))
  const directoryAt = sector
  yield counted(wholeSectors(u32Bytes(directory)))
  yield marker(MARKER.footer, 1)
  yield formatSparseHeader({ ...header, directory: directoryAt })
  yield marker(MARKER.end, 0)
}

/** The grains of one table that hold more than zeroes, each in `bytes` until the next one is asked for. */
function* grainsOf(
  source: DiskSource,
  map: UnitMap,
  firstGrain: number,
  bytes: Uint8Array,
): Generator<number> {
  const end = Math.min(firstGrain + ENTRIES_PER_TABLE, map.count)
  for (const run of unitRuns(map, firstGrain, end)) {
    if (run.kind !== 'data') continue
    for (let grain = run.first; grain < run.end; grain++) {
      const used = Math.min(GRAIN_BYTES, source.sizeBytes - grain * GRAIN_BYTES)
      source.read(grain * GRAIN_BYTES, bytes.subarray(0, used))
      bytes.fill(0, used)
      if (!isZero(bytes)) yield grain
    }
  }
}

function grainPiece(
  grain: number,
  bytes: Uint8Array,
  deflate: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const packed = deflate(bytes)
  const piece = wholeSectors(packed, GRAIN_MARKER_BYTES)
  const view = new DataView(piece.buffer)
  view.setBigUint64(0, BigInt(grain * GRAIN_SECTORS), true)
  view.setUint32(8, packed.length, true)
  return piece
}

/** A marker that is no grain's: how many sectors follow, no packed data, and what they are. */
function marker(type: number, sectors: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(sectors), true)
  view.setUint32(12, type, true)
  return bytes
}

/** `content` behind `before` empty bytes, filled up to whole sectors. */
function wholeSectors(content: Uint8Array, before = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil((before + content.length) / SECTOR) * SECTOR)
  bytes.set(content, before)
  return bytes
}
