import { plural, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { ABSENT, type BatLayout, readBat } from '../../formats/vhd/bat.ts'
import { bitmapBytesOf } from '../../formats/vhd/bitmap.ts'
import type { Footer } from '../../formats/vhd/footer.ts'
import { HEADER_BYTES } from '../../formats/vhd/header.ts'
import { alignUp, type Patient, tell } from '../patient.ts'
import { blockNames, type SortedBlocks, type Span, sortBlocks } from './blocks.ts'
import { type CuredHeader, tableBytes, withChecksum } from './header-cure.ts'

/** Data of a new block begins at whole pages, as everywhere here. */
const DATA_ALIGNMENT = 4096
/** A table of which more lies on top of each other is damaged as a whole: copies would not mend it. */
const MAX_COPIED_BLOCKS = 64

export interface FileEnd {
  /** Where blocks must end: the tail footer, or the end of the file. */
  readonly limit: number
  /** The footer was found in front of some padding. */
  readonly isPadded: boolean
}

export interface CuredTable {
  readonly header: CuredHeader
  readonly layout: BatLayout
  readonly bat: Uint32Array
  readonly blocks: SortedBlocks
  /** Behind everything that the file holds. */
  readonly end: number
}

/** Puts the BAT right. @returns Undefined when it is damaged as a whole. */
export function cureTable(
  patient: Patient,
  found: CuredHeader,
  footer: Footer,
  { limit, isPadded }: FileEnd,
): CuredTable | undefined {
  const { header, end: tableEnd } = longEnough(patient, found, footer, limit)
  const { batOffset: offset, blockSize } = header.header
  const sizeBytes = Math.floor(footer.currentSize / SECTOR) * SECTOR
  const layout: BatLayout = {
    ...{ offset, blockSize, sizeBytes },
    entries: Math.ceil(sizeBytes / blockSize),
    bitmapBytes: bitmapBytesOf(blockSize),
  }
  const bat = readBat(patient.store, layout)
  const structures = structuresOf(header, layout)
  let blocks = sortBlocks(bat, layout, structures, limit)
  if (blocks.outside.length > 0) {
    if (!dropOutside(patient, layout, bat, blocks)) return undefined
    blocks = sortBlocks(bat, layout, structures, limit)
  }
  const contentEnd = Math.max(
    blocks.end,
    ...structures.map(({ at, length }) => at + length),
    ...names(header),
  )
  let end = Math.max(tableEnd, isPadded ? contentEnd : limit)
  if (blocks.cut.length > 0) end = Math.max(end, extendCut(patient, layout, bat, blocks, limit))
  if (blocks.overlapping.length > 0) {
    const copied = separate(patient, layout, bat, blocks, end)
    if (copied === undefined) return undefined
    end = copied
  }
  return { header, layout, bat, blocks, end }
}

function structuresOf({ at }: CuredHeader, { offset, entries }: BatLayout): Span[] {
  return [
    { at: 0, length: SECTOR },
    { at, length: HEADER_BYTES },
    { at: offset, length: entries * 4 },
  ]
}

/** Where the parent's names end. */
function names({ header }: CuredHeader): number[] {
  return header.locators.map(({ offset, length }) => offset + length)
}

/** A table with fewer entries than the disk has blocks is moved to where it has room for all. */
function longEnough(
  patient: Patient,
  found: CuredHeader,
  { currentSize }: Footer,
  limit: number,
): { header: CuredHeader; end: number } {
  const { batOffset, batEntries, blockSize } = found.header
  const entries = Math.ceil(currentSize / blockSize)
  const fault = (code: string, severity: 'error' | 'note', message: string, cure: 'repair' | 'nothing') =>
    tell(patient, { code, severity, message, cure, field: 'max table entries', offset: found.at })
  if (batEntries > entries)
    fault(
      'vhd-bat-too-long',
      'note',
      `The BAT has ${batEntries} entries, and the disk has ${entries} blocks.`,
      'nothing',
    )
  if (batEntries >= entries) return { header: found, end: 0 }
  fault(
    'vhd-bat-too-short',
    'error',
    `The BAT has ${batEntries} entries, and the disk has ${entries} blocks.`,
    'repair',
  )
  const table = new Uint8Array(tableBytes(entries)).fill(0xff)
  table.set(patient.surgery.bytesAt(batOffset, batEntries * 4))
  const at = alignUp(Math.max(limit, patient.surgery.size), SECTOR)
  patient.surgery.write(at, table, {
    what: `Write the BAT at byte ${at}, with ${entries} entries.`,
    why: `Where it is it has room for ${batEntries} only.`,
  })
  const bytes = found.bytes.slice()
  viewOf(bytes).setBigUint64(16, BigInt(at))
  viewOf(bytes).setUint32(28, entries)
  const header = { ...found.header, batOffset: at, batEntries: entries }
  return { header: { at: found.at, bytes: withChecksum(bytes), header }, end: at + table.length }
}

function writeEntries(
  { surgery }: Patient,
  layout: BatLayout,
  bat: Uint32Array,
  blocks: readonly number[],
  reason: { what: string; why: string; loses?: boolean },
): void {
  const first = Math.min(...bounds(blocks))
  const last = Math.max(...bounds(blocks))
  const bytes = new Uint8Array((last + 1 - first) * 4)
  const view = viewOf(bytes)
  for (let block = first; block <= last; block++) view.setUint32((block - first) * 4, bat[block]!)
  surgery.write(layout.offset + first * 4, bytes, reason)
}

function bounds(blocks: readonly number[]): [number, number] {
  return blocks.reduce<[number, number]>(
    ([low, high], block) => [Math.min(low, block), Math.max(high, block)],
    [Number.POSITIVE_INFINITY, 0],
  )
}

/** False when nothing of the table is right: then it is no table, and the blocks are there without it. */
function dropOutside(patient: Patient, layout: BatLayout, bat: Uint32Array, blocks: SortedBlocks): boolean {
  const { outside, stored } = blocks
  const whole = stored > 1 && outside.length === stored && patient.surgery.size > layout.blockSize
  tell(patient, {
    code: 'vhd-block-outside-file',
    severity: 'error',
    field: 'BAT',
    offset: layout.offset + outside[0]! * 4,
    message: whole
      ? `None of the ${stored} blocks lies within the file: the table as a whole is damaged.`
      : `${outside.length} of ${stored} blocks do not lie within the file, or lie on its structures: ${blockNames(outside, layout.blockSize)}. Their content is not in the file.`,
    cure: whole ? 'hopeless' : 'repair',
  })
  if (whole) return false
  for (const block of outside) bat[block] = ABSENT
  writeEntries(patient, layout, bat, outside, {
    what: `Mark ${plural(outside.length, 'block')} as absent.`,
    why: `They point where no block can be: ${blockNames(outside, layout.blockSize)}. What they held is lost; the disk shows zeroes there, or its parent.`,
    loses: true,
  })
  return true
}

/** What there is of a cut block is kept; the rest becomes zeroes. Returns the new end. */
function extendCut(
  patient: Patient,
  layout: BatLayout,
  bat: Uint32Array,
  { cut, stored }: SortedBlocks,
  limit: number,
): number {
  const stride = layout.bitmapBytes + layout.blockSize
  const end = Math.max(...cut.map((block) => bat[block]! * SECTOR + stride))
  tell(patient, {
    code: 'vhd-block-truncated',
    severity: 'error',
    field: 'BAT',
    offset: layout.offset + cut[0]! * 4,
    message: `${cut.length} of ${stored} blocks are cut off at byte ${limit}: ${blockNames(cut, layout.blockSize)}. What is missing of them reads as zero after a repair.`,
    cure: 'repair',
  })
  patient.surgery.write(limit, new Uint8Array(Math.min(patient.surgery.size, end) - limit), {
    what: `Clear the bytes from ${limit} to the end of the file.`,
    why: 'They lie within a block and hold no data of it.',
  })
  if (end > patient.surgery.size)
    patient.surgery.resize(end, {
      what: `Extend the file with zeroes to ${end} bytes.`,
      why: 'The last block is cut off; what is missing of it is lost already.',
      loses: true,
    })
  return end
}

/** Of blocks that lie on top of each other all but the first get a copy of what they show. Returns the new end. */
function separate(
  patient: Patient,
  layout: BatLayout,
  bat: Uint32Array,
  { overlapping, stored }: SortedBlocks,
  end: number,
): number | undefined {
  const hopeless = overlapping.length > Math.max(MAX_COPIED_BLOCKS, stored / 4)
  tell(patient, {
    code: 'vhd-blocks-overlap',
    severity: 'error',
    field: 'BAT',
    offset: layout.offset + overlapping[0]! * 4,
    message: `${overlapping.length} of ${stored} blocks lie on top of others: ${blockNames(overlapping, layout.blockSize)}.${hopeless ? ' The table as a whole is damaged.' : ''}`,
    cure: hopeless ? 'convert' : 'repair',
  })
  if (hopeless) return undefined
  const stride = layout.bitmapBytes + layout.blockSize
  let next = end
  for (const block of overlapping) {
    const from = bat[block]! * SECTOR
    const to =
      alignUp(Math.max(next, patient.surgery.size) + layout.bitmapBytes, DATA_ALIGNMENT) - layout.bitmapBytes
    patient.surgery.copyToEnd(from, to, Math.min(stride, patient.surgery.sizeBefore - from), {
      what: `Copy block ${block} to byte ${to}.`,
      why: 'It lies on top of another one: writing to the one would change the other.',
    })
    bat[block] = to / SECTOR
    next = to + stride
  }
  writeEntries(patient, layout, bat, overlapping, {
    what: `Point ${plural(overlapping.length, 'block to its own copy', 'blocks to their own copies')}.`,
    why: 'The disk shows what it showed before.',
  })
  return next
}
