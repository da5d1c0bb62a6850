import { KiB, MiB, viewOf } from '../../../base/index.ts'
import type { Segment, UnitMap } from '../../layout.ts'
import { type BatLayout, BITMAP_PRESENT, ENTRY_BYTES, entryCountOf, STATE } from './bat.ts'
import { BITMAP_BYTES } from './sector-bitmap.ts'

/** Entries made at a time: 64 KiB. */
const PIECE_BYTES = 64 * KiB

/** Which blocks a new file stores, and how. */
export interface BlockPlan {
  readonly bat: BatLayout
  /** A fixed disk stores every block, whatever is in it. */
  readonly fixed: boolean
  readonly map: UnitMap
  /** `data` = only a part of the block is stored, and the chunk's sector bitmap says which. */
  readonly partial: UnitMap
  /** Where in the file the first block may lie. */
  readonly dataAt: number
}

export function stateOf({ bat, fixed, map, partial }: BlockPlan, block: number): number {
  if (fixed) return STATE.full
  const kind = map.kindOf(block)
  if (kind === 'data') return partial.kindOf(block) === 'data' ? STATE.partial : STATE.full
  return kind === 'zero' && bat.differencing ? STATE.zero : STATE.notPresent
}

export interface Chunk {
  readonly first: number
  readonly end: number
  readonly hasBitmap: boolean
}

/** In the file's order: what belongs to a chunk lies together, its bitmap first. */
export function* chunksOf({ bat, partial }: BlockPlan): Generator<Chunk> {
  for (let first = 0; first < bat.blocks; first += bat.chunkRatio) {
    const end = Math.min(first + bat.chunkRatio, bat.blocks)
    yield { first, end, hasBitmap: partial.endOfRun(first, 'zero') < end }
  }
}

/** Bytes of all blocks and bitmaps. */
export function storedBytesOf(plan: BlockPlan): number {
  const { bat, fixed, map } = plan
  let bytes = (fixed ? bat.blocks : map.dataCount) * bat.blockSize
  for (const { hasBitmap } of chunksOf(plan)) if (hasBitmap) bytes += BITMAP_BYTES
  return bytes
}

/** The entries, and zeroes up to `regionBytes`. */
export function* batSegments(plan: BlockPlan, regionBytes: number): Generator<Segment> {
  const bytes = new Uint8Array(PIECE_BYTES)
  const view = viewOf(bytes)
  const entries = entryCountOf(plan.bat)
  let filled = 0
  let used = false
  let written = 0
  for (const { state, place } of entriesOf(plan)) {
    view.setUint32(filled, ((place % 2 ** 32) + state) >>> 0, true)
    view.setUint32(filled + 4, Math.floor(place / 2 ** 32), true)
    used ||= state !== 0
    filled += ENTRY_BYTES
    written += ENTRY_BYTES
    if (filled < bytes.length && written < entries * ENTRY_BYTES) continue
    // The tables of empty disks are holes.
    yield used ? { kind: 'bytes', bytes: bytes.subarray(0, filled) } : { kind: 'zero', length: filled }
    if (written === entries * ENTRY_BYTES) break
    filled = 0
    used = false
  }
  if (regionBytes > written) yield { kind: 'zero', length: regionBytes - written }
}

const NOTHING = { state: 0, place: 0 }

/** Payload entries up to the end of the last chunk, each chunk's followed by that of its bitmap. */
function* entriesOf(plan: BlockPlan): Generator<{ readonly state: number; readonly place: number }> {
  const { chunkRatio, blockSize } = plan.bat
  let place = plan.dataAt
  for (const { first, end, hasBitmap } of chunksOf(plan)) {
    const bitmap = hasBitmap ? { state: BITMAP_PRESENT, place } : NOTHING
    if (hasBitmap) place += BITMAP_BYTES
    for (let block = first; block < first + chunkRatio; block++) {
      const state = block < end ? stateOf(plan, block) : STATE.notPresent
      if (state < STATE.full) yield { state, place: 0 }
      else {
        yield { state, place }
        place += blockSize
      }
    }
    yield bitmap
  }
}

/** As much as the table has when the disk gets a parent, and so with a bitmap for every chunk. */
export function batRegionBytes({ chunks, chunkRatio }: BatLayout): number {
  return Math.ceil((chunks * (chunkRatio + 1) * ENTRY_BYTES) / MiB) * MiB
}
