import { KiB, VivariumError, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import type { DiskSource, LaidFile, LayoutOptions, Segment, UnitKind, UnitMap } from '../../layout.ts'
import { unitRuns } from '../../unit-map.ts'
import { ABSENT, DATA_ALIGNMENT } from './bat.ts'
import { bitmapBytesOf, setBits } from './bitmap.ts'
import { FOOTER_BYTES } from './footer.ts'
import { formatHeader, HEADER_BYTES } from './header.ts'
import { type PlacedLocator, parentIdOf, parentNameOf, placeLocators } from './parent-fields.ts'

/** Entries of the BAT made at a time: 64 KiB of it. */
const BAT_PIECE_BYTES = 64 * KiB

interface Plan {
  readonly source: DiskSource
  readonly map: UnitMap
  readonly differencing: boolean
  readonly footer: Uint8Array
  readonly header: Uint8Array
  readonly locators: readonly PlacedLocator[]
  readonly bitmapBytes: number
  readonly batBytes: number
  /** Where BAT and locators end. */
  readonly tablesEnd: number
  /** Where the first block's data lies, and how far it is from one to the next. */
  readonly firstData: number
  readonly stride: number
  readonly sizeBytes: number
}

/**
 * Dynamic and differencing files: footer copy, header, BAT at 0x600 (where readers that assume one look for it), the
 * locators, the blocks with content in their order, and the footer. Blocks lie as `SparseLayer` would put them.
 */
export function layoutSparse(
  source: DiskSource,
  { name, parent, blockSize }: LayoutOptions & { readonly blockSize: number },
  footer: Uint8Array,
): LaidFile {
  const map = source.units(blockSize)
  const differencing = parent !== undefined
  const batOffset = FOOTER_BYTES + HEADER_BYTES
  const batBytes = alignUp(map.count * 4, SECTOR)
  const locators = placeLocators(parent, batOffset + batBytes)
  const tablesEnd = locators.reduce((end, { entry }) => end + entry.space, batOffset + batBytes)
  const bitmapBytes = bitmapBytesOf(blockSize)
  const firstData = alignUp(tablesEnd + bitmapBytes, DATA_ALIGNMENT)
  const stride = blockSize + alignUp(bitmapBytes, DATA_ALIGNMENT)
  const blocks = countBlocks(map, differencing)
  const blocksEnd = blocks === 0 ? tablesEnd : firstData + (blocks - 1) * stride + blockSize
  if ((blocksEnd - blockSize) / SECTOR >= ABSENT) throw tooMuch(name)
  const plan: Plan = {
    ...{ source, map, differencing, footer, locators, bitmapBytes, batBytes, tablesEnd, firstData, stride },
    header: formatHeader({
      batOffset,
      batEntries: map.count,
      blockSize,
      parentId: parentIdOf(parent),
      parentStamp: parent?.stamp ?? 0,
      parentName: parentNameOf(parent),
      locators: locators.map(({ entry }) => entry),
    }),
    sizeBytes: blocksEnd + FOOTER_BYTES,
  }
  return { name, sizeBytes: plan.sizeBytes, segments: () => segmentsOf(plan) }
}

function tooMuch(name: string): VivariumError {
  return new VivariumError('unsupported', 'vhd-file-full', 'A VHD file can have up to 2 TiB.', {
    where: { path: name },
    next: 'Choose another format, VHDX for one.',
  })
}

/** A child has no other way to say that something is zero than to store zeroes. */
function isStored(kind: UnitKind, differencing: boolean): boolean {
  return kind === 'data' || (differencing && kind === 'zero')
}

function countBlocks(map: UnitMap, differencing: boolean): number {
  if (!differencing) return map.dataCount
  let count = 0
  for (const { first, end, kind } of unitRuns(map)) if (isStored(kind, true)) count += end - first
  return count
}

function* segmentsOf(plan: Plan): Generator<Segment> {
  yield { kind: 'bytes', bytes: plan.footer }
  yield { kind: 'bytes', bytes: plan.header }
  yield* batSegments(plan)
  for (const { entry, bytes } of plan.locators) {
    yield { kind: 'bytes', bytes }
    if (entry.space > bytes.length) yield { kind: 'zero', length: entry.space - bytes.length }
  }
  const makeBlock = plan.differencing ? childBlock : dynamicBlock
  let at = plan.tablesEnd
  let dataAt = plan.firstData
  for (const { first, end, kind } of unitRuns(plan.map)) {
    if (!isStored(kind, plan.differencing)) continue
    for (let block = first; block < end; block++) {
      const gap = dataAt - plan.bitmapBytes - at
      if (gap > 0) yield { kind: 'zero', length: gap }
      yield* makeBlock(plan, block, kind)
      at = dataAt + plan.map.unitBytes
      dataAt += plan.stride
    }
  }
  yield { kind: 'bytes', bytes: plan.footer }
}

/** The table, and ones up to the end of its last sector. */
function* batSegments({
  map,
  differencing,
  firstData,
  stride,
  bitmapBytes,
  batBytes,
}: Plan): Generator<Segment> {
  const bytes = new Uint8Array(Math.min(batBytes, BAT_PIECE_BYTES))
  const view = viewOf(bytes)
  let filled = 0
  let entry = (firstData - bitmapBytes) / SECTOR
  for (const { first, end, kind } of unitRuns(map)) {
    const stored = isStored(kind, differencing)
    for (let block = first; block < end; block++) {
      view.setUint32(filled, stored ? entry : ABSENT)
      if (stored) entry += stride / SECTOR
      filled += 4
      if (filled < bytes.length) continue
      yield { kind: 'bytes', bytes }
      filled = 0
    }
  }
  const rest = alignUp(filled, SECTOR)
  if (rest > 0) yield { kind: 'bytes', bytes: bytes.fill(0xff, filled, rest).subarray(0, rest) }
}

/** All bits are set, as every writer does it: such a bitmap tells nothing about the block. */
function* dynamicBlock({ map, source, bitmapBytes }: Plan, block: number): Generator<Segment> {
  yield { kind: 'bytes', bytes: new Uint8Array(bitmapBytes).fill(0xff) }
  const offset = block * map.unitBytes
  const length = Math.min(map.unitBytes, source.sizeBytes - offset)
  yield { kind: 'guest', offset, length }
  if (length < map.unitBytes) yield { kind: 'zero', length: map.unitBytes - length }
}

/** Exactly the sectors that hide the parent are marked. */
function* childBlock({ map, source, bitmapBytes }: Plan, block: number, kind: UnitKind): Generator<Segment> {
  const start = block * map.unitBytes
  const used = Math.min(map.unitBytes, source.sizeBytes - start)
  const runs = () =>
    kind === 'zero' ? [{ offset: start, length: used, kind }] : source.sectorRuns(start, used)
  const bitmap = new Uint8Array(bitmapBytes)
  for (const run of runs())
    if (run.kind !== 'below')
      setBits(bitmap, (run.offset - start) / SECTOR, (run.offset - start + run.length) / SECTOR)
  yield { kind: 'bytes', bytes: bitmap }
  for (const run of runs())
    yield run.kind === 'data'
      ? { kind: 'guest', offset: run.offset, length: run.length }
      : { kind: 'zero', length: run.length }
  if (used < map.unitBytes) yield { kind: 'zero', length: map.unitBytes - used }
}

function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
