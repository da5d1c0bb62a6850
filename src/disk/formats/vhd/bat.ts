import { type ByteStore, type Problem, plural, VivariumError, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { bitmapBytesOf } from './bitmap.ts'
import { type DynamicHeader, HEADER_BYTES } from './header.ts'

/**
 * The block allocation table: one 32-bit big-endian sector number a block, pointing at the block's bitmap, with
 * the data right behind; FFFFFFFF = the block is not in the file. Its offset is anywhere (0x600 in most files,
 * 0x2000 in Windows 10's differencing disks).
 */
export const ABSENT = 0xffff_ffff

/** 2040 GB in blocks of 512 KB, both limits of the products; keeps the table under 16 MiB of memory. */
export const MAX_BAT_ENTRIES = 1 << 22
export const MIN_BLOCK_SIZE = SECTOR
export const MAX_BLOCK_SIZE = 256 << 20
/**
 * Blocks are aligned so that their data begins at a multiple of 4 KiB, as Windows 8 and later do it: a guest's 4 KiB
 * cluster then is one page of the host's cache.
 */
export const DATA_ALIGNMENT = 4096

export interface BatLayout {
  readonly offset: number
  /** Entries that the disk's size needs; the table may be longer. */
  readonly entries: number
  readonly blockSize: number
  readonly bitmapBytes: number
  readonly sizeBytes: number
}

/** Checks the header's numbers before anything is allocated for them. @throws VivariumError kind `corrupt`. */
export function layoutOf(header: DynamicHeader, sizeBytes: number, store: ByteStore, at: number): BatLayout {
  const fail = (code: string, field: string, message: string): never => {
    throw new VivariumError('corrupt', code, message, {
      where: { path: store.name, offset: at, field },
      next: NEXT_CHECK,
    })
  }
  const { blockSize, batEntries, batOffset } = header
  if (blockSize < MIN_BLOCK_SIZE || blockSize > MAX_BLOCK_SIZE || (blockSize & (blockSize - 1)) !== 0)
    fail(
      'vhd-block-size',
      'block size',
      `The block size is ${blockSize}; a power of two from 512 to ${MAX_BLOCK_SIZE} is possible.`,
    )
  const entries = Math.ceil(sizeBytes / blockSize)
  if (entries > MAX_BAT_ENTRIES)
    fail(
      'vhd-too-many-blocks',
      'current size',
      `The disk would have ${entries} blocks; the limit is ${MAX_BAT_ENTRIES}.`,
    )
  if (batEntries < entries)
    fail(
      'vhd-bat-too-short',
      'max table entries',
      `The BAT has ${batEntries} entries, and the disk has ${entries} blocks.`,
    )
  if (batOffset + entries * 4 > store.size())
    fail(
      'vhd-bat-outside-file',
      'table offset',
      `The BAT (${entries} entries at byte ${batOffset}) does not lie within the file of ${store.size()} bytes.`,
    )
  return { offset: batOffset, entries, blockSize, bitmapBytes: bitmapBytesOf(blockSize), sizeBytes }
}

/** All of it at once, up to 16 MiB. */
export function readBat(store: ByteStore, layout: BatLayout): Uint32Array<ArrayBuffer> {
  const bat = new Uint32Array(layout.entries)
  const bytes = new Uint8Array(bat.buffer)
  store.read(layout.offset, bytes)
  decodeEntries(bytes, bat)
  return bat
}

/** `entries` may lie in the very same memory. */
export function decodeEntries(bytes: Uint8Array, entries: Uint32Array): void {
  const view = viewOf(bytes)
  for (let i = 0; i < entries.length; i++) entries[i] = view.getUint32(i * 4)
}

/** Entries from block `first` on. */
export interface BatPiece {
  readonly first: number
  readonly entries: Uint32Array
}

const PIECE_ENTRIES = 1 << 14

/** The table from its first entry to its last; a piece is good until the next one is asked for. */
export function* batPieces(store: ByteStore, layout: BatLayout): Generator<BatPiece> {
  const buffer = new Uint32Array(Math.min(PIECE_ENTRIES, layout.entries))
  for (let first = 0; first < layout.entries; first += PIECE_ENTRIES) {
    const entries = buffer.subarray(0, Math.min(PIECE_ENTRIES, layout.entries - first))
    const bytes = new Uint8Array(buffer.buffer, 0, entries.length * 4)
    store.read(layout.offset + first * 4, bytes)
    decodeEntries(bytes, entries)
    yield { first, entries }
  }
}

/** Writes entries [first, end) as the file has them. */
export function writeBat(
  store: ByteStore,
  layout: BatLayout,
  bat: Uint32Array,
  first: number,
  end: number,
): void {
  const bytes = new Uint8Array((end - first) * 4)
  const view = viewOf(bytes)
  for (let i = first; i < end; i++) view.setUint32((i - first) * 4, bat[i]!)
  store.write(layout.offset + first * 4, bytes)
}

/** Bytes of a block that the disk's size really reaches: all of them but in the last block. */
export function usedBytesOf(layout: BatLayout, block: number): number {
  return Math.min(layout.blockSize, layout.sizeBytes - block * layout.blockSize)
}

/** Whether a block lies after the headers, clear of the table, and before `end` (the tail footer or the end). */
export function isBlockInside(layout: BatLayout, entry: number, block: number, end: number): boolean {
  const start = entry * SECTOR
  const blockEnd = start + layout.bitmapBytes + usedBytesOf(layout, block)
  const tableEnd = layout.offset + layout.entries * 4
  return start >= SECTOR + HEADER_BYTES && blockEnd <= end && (blockEnd <= layout.offset || start >= tableEnd)
}

export interface BatSurvey {
  readonly allocatedBlocks: number
  readonly outside: number
  readonly firstOutside: number | undefined
  readonly overlapping: number
  readonly problems: readonly Problem[]
}

/** Counts blocks, and those that no file can really have: outside, or on top of each other. */
export function surveyBat(
  bat: Uint32Array | Iterable<BatPiece>,
  layout: BatLayout,
  end: number,
  path: string,
): BatSurvey {
  const all = new Starts()
  let outside = 0
  let firstOutside: number | undefined
  let outsideEntry = 0
  for (const { first, entries } of bat instanceof Uint32Array ? [{ first: 0, entries: bat }] : bat) {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!
      if (entry === ABSENT) continue
      all.add(entry)
      if (isBlockInside(layout, entry, first + index, end)) continue
      outside++
      if (firstOutside !== undefined) continue
      firstOutside = first + index
      outsideEntry = entry
    }
  }
  const starts = all.taken()
  const overlapping = countOverlaps(starts, (layout.bitmapBytes + layout.blockSize) / SECTOR)
  const problems: Problem[] = []
  if (firstOutside !== undefined) {
    problems.push({
      code: 'vhd-block-outside-file',
      severity: 'error',
      message: `${outside} of ${starts.length} blocks do not lie within the file; the first is block ${firstOutside} at sector ${outsideEntry}.`,
      next: NEXT_CHECK,
      where: { path, offset: layout.offset + firstOutside * 4, field: 'BAT' },
    })
  }
  if (overlapping > 0) {
    problems.push({
      code: 'vhd-blocks-overlap',
      severity: 'error',
      message: `${plural(overlapping, 'block lies', 'blocks lie')} on top of others.`,
      next: NEXT_CHECK,
      where: { path, offset: layout.offset, field: 'BAT' },
    })
  }
  return { allocatedBlocks: starts.length, outside, firstOutside, overlapping, problems }
}

/** Only blocks that are in the file take memory, 4 bytes each: 16 MiB for the largest table that is accepted. */
class Starts {
  #sectors = new Uint32Array(1024)
  #count = 0

  add(sector: number): void {
    if (this.#count === this.#sectors.length) {
      const larger = new Uint32Array(this.#count * 2)
      larger.set(this.#sectors)
      this.#sectors = larger
    }
    this.#sectors[this.#count++] = sector
  }

  taken(): Uint32Array {
    return this.#sectors.subarray(0, this.#count)
  }
}

function countOverlaps(starts: Uint32Array, strideSectors: number): number {
  starts.sort()
  let count = 0
  for (let i = 1; i < starts.length; i++) if (starts[i]! - starts[i - 1]! < strideSectors) count++
  return count
}
