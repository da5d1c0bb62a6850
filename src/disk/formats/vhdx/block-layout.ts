import { flatSegments } from '../../flat-layout.ts'
import { SECTOR } from '../../format.ts'
import type { DiskSource, Segment, UnitKind } from '../../layout.ts'
import { UnitKinds, unitRuns } from '../../unit-map.ts'
import { STATE, usedBytesOf } from './bat.ts'
import { type BlockPlan, chunksOf, stateOf } from './bat-layout.ts'
import { BITMAP_BYTES, fillBits } from './sector-bitmap.ts'

interface SectorRun {
  readonly offset: number
  readonly length: number
  readonly kind: UnitKind
}

/** Runs of whole logical sectors: one that is stored in part is stored whole. */
function* logicalRuns(
  source: DiskSource,
  offset: number,
  length: number,
  sector: number,
): Generator<SectorRun> {
  if (sector === SECTOR) {
    yield* source.sectorRuns(offset, length)
    return
  }
  /** The sector that is not complete yet. */
  let start = offset
  let kind: UnitKind | undefined
  for (const run of source.sectorRuns(offset, length)) {
    const end = run.offset + run.length
    for (let at = run.offset; at < end; ) {
      kind = kind === undefined || kind === run.kind ? run.kind : 'data'
      const whole = at === start ? Math.floor((end - start) / sector) * sector : 0
      const upTo = whole > 0 ? start + whole : Math.min(end, start + sector)
      at = upTo
      if ((upTo - start) % sector !== 0) break
      yield { offset: start, length: upTo - start, kind }
      start = upTo
      kind = undefined
    }
  }
}

/** Finds the blocks of a child that are stored in part. */
export function findPartial(source: DiskSource, plan: Omit<BlockPlan, 'partial'>): UnitKinds {
  const { map, bat } = plan
  const partial = new UnitKinds(bat.blockSize, bat.blocks)
  if (!bat.differencing) return partial
  for (const { first, end, kind } of unitRuns(map))
    for (let block = first; kind === 'data' && block < end; block++)
      for (const run of source.sectorRuns(block * bat.blockSize, usedBytesOf(bat, block)))
        if (run.kind === 'below') {
          partial.set(block, block + 1, 'data')
          break
        }
  return partial
}

/** Blocks and bitmaps, chunk by chunk. */
export function* blockSegments(source: DiskSource, plan: BlockPlan): Generator<Segment> {
  const { bat } = plan
  if (plan.fixed) {
    yield* flatSegments(plan.map, bat.sizeBytes)
    const behind = bat.blocks * bat.blockSize - bat.sizeBytes
    if (behind > 0) yield { kind: 'zero', length: behind }
    return
  }
  for (const { first, end, hasBitmap } of chunksOf(plan)) {
    if (hasBitmap) yield* bitmapSegments(source, plan, first, end)
    for (let block = first; block < end; ) {
      const kind = plan.map.kindOf(block)
      const runEnd = Math.min(end, plan.map.endOfRun(block, kind))
      if (kind === 'data')
        yield* bat.differencing ? childBlocks(source, plan, block, runEnd) : blocks(plan, block, runEnd)
      block = runEnd
    }
  }
}

/** Neighbours in the disk are neighbours in the file. */
function* blocks({ bat }: BlockPlan, first: number, end: number): Generator<Segment> {
  const offset = first * bat.blockSize
  const length = Math.min(end * bat.blockSize, bat.sizeBytes) - offset
  yield { kind: 'guest', offset, length }
  const behind = (end - first) * bat.blockSize - length
  if (behind > 0) yield { kind: 'zero', length: behind }
}

function* childBlocks(
  source: DiskSource,
  { bat }: BlockPlan,
  first: number,
  end: number,
): Generator<Segment> {
  for (let block = first; block < end; block++) {
    const used = usedBytesOf(bat, block)
    for (const { offset, length, kind } of logicalRuns(
      source,
      block * bat.blockSize,
      used,
      bat.logicalSector,
    ))
      yield kind === 'data' ? { kind: 'guest', offset, length } : { kind: 'zero', length }
    if (used < bat.blockSize) yield { kind: 'zero', length: bat.blockSize - used }
  }
}

/** The bits of blocks that are not stored in part mean nothing, and are zero. */
function* bitmapSegments(
  source: DiskSource,
  plan: BlockPlan,
  first: number,
  end: number,
): Generator<Segment> {
  const { bat, partial } = plan
  const bytesPerBlock = bat.blockSize / bat.logicalSector / 8
  for (let block = first; block < end; ) {
    if (stateOf(plan, block) !== STATE.partial) {
      const next = Math.min(end, partial.endOfRun(block, 'zero'))
      yield { kind: 'zero', length: (next - block) * bytesPerBlock }
      block = next
      continue
    }
    yield { kind: 'bytes', bytes: bitsOf(source, plan, block, bytesPerBlock) }
    block++
  }
  const behind = BITMAP_BYTES - (end - first) * bytesPerBlock
  if (behind > 0) yield { kind: 'zero', length: behind }
}

function bitsOf(source: DiskSource, { bat }: BlockPlan, block: number, byteCount: number): Uint8Array {
  const bits = new Uint8Array(byteCount)
  const start = block * bat.blockSize
  const sector = bat.logicalSector
  for (const { offset, length, kind } of logicalRuns(source, start, usedBytesOf(bat, block), sector))
    if (kind !== 'below') fillBits(bits, (offset - start) / sector, (offset - start + length) / sector, true)
  return bits
}
