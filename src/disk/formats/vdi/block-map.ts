import { type ByteStore, type Problem, plural, VivariumError, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import type { VdiHeader } from './header.ts'

/**
 * The block map: one 32-bit entry a block, its number among the blocks in the file: 4 bytes for each MiB of the disk.
 */
export const ABSENT = 0xffff_ffff
/** Reads as zero, whatever a parent shows. */
export const ZERO = 0xffff_fffe

/** 16 TiB in blocks of 1 MiB: 64 MiB of memory. */
export const MAX_BLOCKS = 1 << 24
const MAX_BLOCK_SIZE = 256 << 20

export interface VdiLayout {
  readonly sizeBytes: number
  readonly blockSize: number
  readonly blockExtra: number
  readonly blocks: number
  readonly mapAt: number
  readonly dataAt: number
}

/** @throws VivariumError kind `corrupt`, before anything is allocated for a number that cannot be. */
export function layoutOf(header: VdiHeader, store: ByteStore): VdiLayout {
  const fail = (field: string, message: string): never => {
    throw new VivariumError('corrupt', 'vdi-header', message, {
      where: { path: store.name, offset: 0, field },
      next: NEXT_CHECK,
    })
  }
  const { blockSize, blockExtra, mapAt, dataAt } = header
  const sizeBytes = Math.floor(header.sizeBytes / SECTOR) * SECTOR
  if (sizeBytes === 0 || !Number.isSafeInteger(sizeBytes))
    fail('disk size', `A size of ${header.sizeBytes} bytes cannot be.`)
  if (blockSize < SECTOR || blockSize > MAX_BLOCK_SIZE || (blockSize & (blockSize - 1)) !== 0)
    fail('block size', `Blocks of ${blockSize} bytes cannot be; 1 MiB is usual.`)
  if (blockExtra % SECTOR !== 0 || blockExtra > MAX_BLOCK_SIZE)
    fail('extra bytes', `${blockExtra} extra bytes a block cannot be; 0 is usual.`)
  const blocks = Math.ceil(sizeBytes / blockSize)
  if (blocks > MAX_BLOCKS || header.blocks < blocks)
    fail(
      'blocks',
      `The header counts ${header.blocks} blocks, and the disk has ${blocks}; the limit is ${MAX_BLOCKS}.`,
    )
  if (mapAt < SECTOR || dataAt < mapAt + blocks * 4 || mapAt + blocks * 4 > store.size())
    fail(
      'offsets',
      `The block map (${blocks} entries at byte ${mapAt}) does not lie in front of the data (byte ${dataAt}) within the file of ${store.size()} bytes.`,
    )
  return { sizeBytes, blockSize, blockExtra, blocks, mapAt, dataAt }
}

export function readMap(store: ByteStore, layout: VdiLayout): Uint32Array<ArrayBuffer> {
  return readEntries(store, layout, 0, layout.blocks)
}

/** Reads entries [first, end). */
export function readEntries(
  store: ByteStore,
  { mapAt }: VdiLayout,
  first: number,
  end: number,
): Uint32Array<ArrayBuffer> {
  const map = new Uint32Array(end - first)
  const bytes = new Uint8Array(map.buffer)
  store.read(mapAt + first * 4, bytes)
  const view = viewOf(bytes)
  for (let i = 0; i < map.length; i++) map[i] = view.getUint32(i * 4, true)
  return map
}

export interface MapPiece {
  /** The block of the first entry. */
  readonly first: number
  readonly entries: Uint32Array
}

const PIECE_ENTRIES = 16_384

/** The whole map, piece by piece. */
export function* mapPieces(store: ByteStore, layout: VdiLayout): Generator<MapPiece> {
  for (let first = 0; first < layout.blocks; first += PIECE_ENTRIES) {
    const end = Math.min(first + PIECE_ENTRIES, layout.blocks)
    yield { first, entries: readEntries(store, layout, first, end) }
  }
}

/** Writes entries [first, end). */
export function writeMap(
  store: ByteStore,
  layout: VdiLayout,
  map: Uint32Array,
  first: number,
  end: number,
): void {
  const bytes = new Uint8Array((end - first) * 4)
  const view = viewOf(bytes)
  for (let i = first; i < end; i++) view.setUint32((i - first) * 4, map[i]!, true)
  store.write(layout.mapAt + first * 4, bytes)
}

export function isStored(entry: number): boolean {
  return entry < ZERO
}

/** Where a block's data begins in the file. */
export function placeOf({ dataAt, blockSize, blockExtra }: VdiLayout, entry: number): number {
  return dataAt + entry * (blockSize + blockExtra) + blockExtra
}

/** Bytes of a block that the disk's size really reaches: all of them but in the last block. */
export function usedBytesOf(layout: VdiLayout, block: number): number {
  return Math.min(layout.blockSize, layout.sizeBytes - block * layout.blockSize)
}

export interface MapSurvey {
  readonly allocated: number
  /** Behind the last block that is used. */
  readonly nextEntry: number
  readonly problems: readonly Problem[]
}

/** Counts blocks, and those that no file can really have: outside, or one place for two. */
export function surveyMap(
  store: ByteStore,
  layout: VdiLayout,
  pieces: Iterable<MapPiece> = mapPieces(store, layout),
): MapSurvey {
  const fileSize = store.size()
  const stride = layout.blockSize + layout.blockExtra
  const seen = new Uint8Array(Math.ceil(Math.max(0, fileSize - layout.dataAt) / stride / 8) + 1)
  const counts = { stored: 0, outside: 0, twice: 0, nextEntry: 0, allocated: 0 }
  const count = (block: number, entry: number) => {
    counts.stored++
    counts.allocated += usedBytesOf(layout, block)
    if (placeOf(layout, entry) + usedBytesOf(layout, block) > fileSize) {
      counts.outside++
      return
    }
    counts.nextEntry = Math.max(counts.nextEntry, entry + 1)
    const bit = 1 << (entry & 7)
    if ((seen[entry >>> 3]! & bit) !== 0) counts.twice++
    seen[entry >>> 3]! |= bit
  }
  for (const { first, entries } of pieces)
    for (let index = 0; index < entries.length; index++)
      if (isStored(entries[index]!)) count(first + index, entries[index]!)
  return {
    allocated: counts.allocated,
    nextEntry: counts.nextEntry,
    problems: problemsOf(store, layout, counts),
  }
}

function problemsOf(
  { name: path }: ByteStore,
  { mapAt }: VdiLayout,
  { stored, outside, twice }: { stored: number; outside: number; twice: number },
): Problem[] {
  const problems: Problem[] = []
  const where = { path, offset: mapAt, field: 'block map' }
  if (outside > 0)
    problems.push({
      code: 'vdi-block-outside-file',
      severity: 'error',
      message: `${outside} of ${stored} blocks do not lie within the file.`,
      next: NEXT_CHECK,
      where,
    })
  if (twice > 0)
    problems.push({
      code: 'vdi-blocks-overlap',
      severity: 'error',
      message: `${plural(twice, 'block lies', 'blocks lie')} on top of others.`,
      next: NEXT_CHECK,
      where,
    })
  return problems
}
