import { MiB, viewOf } from '../../../base/index.ts'
import {
  type BatLayout,
  BITMAP_PRESENT,
  BlockTable,
  ENTRY_BYTES,
  STATE,
  usedBytesOf,
} from '../../formats/vhdx/bat.ts'
import { MetadataPages } from '../../formats/vhdx/pages.ts'
import { alignUp, type Cure, type Patient, tell } from '../patient.ts'

const MAX_COPIED_BLOCKS = 64

interface Place {
  readonly block: number
  readonly entry: number
  readonly at: number
}

interface Faults {
  readonly outside: number[]
  readonly states: number[]
  readonly bitmaps: number[]
  readonly places: Place[]
  readonly bitmapPlaces: number[]
}

/** Every entry of the BAT: its state, its place, and who else is there. */
export function* cureBlocks(
  patient: Patient,
  layout: BatLayout,
  structures: readonly { readonly offset: number; readonly length: number }[],
): Generator<number, void> {
  const table = new BlockTable(layout, new MetadataPages(patient.store))
  const found = yield* sortEntries(patient, layout, table, structures)
  const names = (blocks: readonly number[]) =>
    `${blocks.length} of ${layout.blocks} blocks; the first is block ${blocks[0]} (disk bytes from ${blocks[0]! * layout.blockSize})`
  const fault = (code: string, message: string, blocks: readonly number[], cure: Cure = 'repair') =>
    tell(patient, {
      ...{ code, severity: 'error', message, cure, field: 'BAT' },
      offset: table.payloadEntry(blocks[0]!),
    })
  const drop = (blocks: readonly number[], why: string) => {
    for (const block of blocks)
      patient.surgery.write(table.payloadEntry(block), new Uint8Array(ENTRY_BYTES), {
        what: `Mark block ${block} as not present.`,
        why: `${why} The disk shows zeroes there, or its parent.`,
        loses: true,
      })
  }
  if (found.bitmaps.length > 0)
    fault(
      'vhdx-bitmap-missing',
      `Which part of a block is here is not known for ${names(found.bitmaps)}.`,
      found.bitmaps,
      'hopeless',
    )
  const dropped = found.outside.length + found.states.length
  if (dropped > 1 && found.places.length === 0) {
    const all = [...found.outside, ...found.states].sort((a, b) => a - b)
    fault(
      'vhdx-block-outside-file',
      'No block lies within the file: the BAT as a whole is damaged.',
      all,
      'hopeless',
    )
    return
  }
  if (found.states.length > 0) {
    fault(
      'vhdx-block-state',
      `A state that such a disk does not know is given for ${names(found.states)}.`,
      found.states,
    )
    drop(found.states, 'Its state is none that such a disk can have.')
  }
  if (found.outside.length > 0) {
    fault(
      'vhdx-block-outside-file',
      `Not within the file, or on its structures, lie ${names(found.outside)}.`,
      found.outside,
    )
    drop(found.outside, 'It points where no block can be: what it held is not in the file.')
  }
  separate(patient, layout, found, fault)
}

function* sortEntries(
  { store }: Patient,
  layout: BatLayout,
  table: BlockTable,
  structures: readonly { readonly offset: number; readonly length: number }[],
): Generator<number, Faults> {
  const found: Faults = { outside: [], states: [], bitmaps: [], places: [], bitmapPlaces: [] }
  const size = store.size()
  const isFree = (at: number, length: number) =>
    at >= MiB && !structures.some(({ offset, length: taken }) => at < offset + taken && at + length > offset)
  for (let block = 0; block < layout.blocks; block++) {
    if (block % 4096 === 0) yield block / layout.blocks
    const entry = table.payloadEntry(block)
    const state = table.stateAt(entry)
    if (state <= STATE.unmapped) continue
    const at = table.placeAt(entry)
    const partial = state === STATE.partial
    if (state !== STATE.full && !(partial && layout.differencing)) found.states.push(block)
    else if (!isFree(at, usedBytesOf(layout, block)) || at + MiB > alignUp(size, MiB))
      found.outside.push(block)
    else {
      found.places.push({ block, entry, at })
      if (partial && !hasBitmap(table, block, size)) found.bitmaps.push(block)
    }
  }
  if (layout.differencing)
    for (let chunk = 0; chunk < layout.chunks; chunk++) {
      const entry = table.bitmapEntry(chunk)
      if (table.stateAt(entry) === BITMAP_PRESENT) found.bitmapPlaces.push(table.placeAt(entry))
    }
  return found
}

function hasBitmap(table: BlockTable, block: number, size: number): boolean {
  const entry = table.bitmapEntry(Math.floor(block / table.layout.chunkRatio))
  const at = table.placeAt(entry)
  return table.stateAt(entry) === BITMAP_PRESENT && at >= MiB && at + MiB <= size
}

/** Blocks that lie on another one, or on a sector bitmap, get a place of their own; cut ones are filled up. */
function separate(
  { surgery }: Patient,
  layout: BatLayout,
  { places, bitmapPlaces }: Faults,
  fault: (code: string, message: string, blocks: readonly number[], cure?: Cure) => void,
): void {
  const spans = [
    ...places.map((place) => ({ at: place.at, place, length: layout.blockSize })),
    ...bitmapPlaces.map((at) => ({ at, place: undefined, length: MiB })),
  ].sort(
    (a, b) =>
      a.at - b.at || (a.place === undefined ? -1 : b.place === undefined ? 1 : a.place.block - b.place.block),
  )
  const overlapping: Place[] = []
  let end = 0
  for (const { at, place, length } of spans) {
    if (at < end && place !== undefined) overlapping.push(place)
    else end = Math.max(end, at + length)
  }
  const cut = places.filter(({ at, block }) => at + usedBytesOf(layout, block) > surgery.size)
  if (cut.length > 0) {
    const wanted = Math.max(...cut.map(({ at }) => at + layout.blockSize))
    fault(
      'vhdx-block-truncated',
      `The file ends within ${cut.length} blocks. What is missing of them reads as zero after a repair.`,
      cut.map(({ block }) => block),
    )
    surgery.resize(wanted, {
      what: `Extend the file with zeroes to ${wanted} bytes.`,
      why: 'The last block is cut off; what is missing of it is lost already.',
      loses: true,
    })
  }
  if (overlapping.length === 0) return
  const blocks = overlapping.map(({ block }) => block)
  const hopeless = overlapping.length > Math.max(MAX_COPIED_BLOCKS, places.length / 4)
  fault(
    'vhdx-blocks-overlap',
    `${overlapping.length} of ${places.length} blocks lie on top of others.`,
    blocks,
    hopeless ? 'convert' : 'repair',
  )
  if (hopeless) return
  for (const { block, entry, at } of overlapping) {
    const to = alignUp(Math.max(surgery.size, surgery.sizeBefore), MiB)
    surgery.copyToEnd(at, to, Math.min(layout.blockSize, surgery.sizeBefore - at), {
      what: `Copy block ${block} to byte ${to}.`,
      why: 'It lies on top of another one: writing to the one would change the other.',
    })
    const bytes = surgery.bytesAt(entry, ENTRY_BYTES)
    const view = viewOf(bytes)
    view.setBigUint64(0, BigInt(to) | (view.getBigUint64(0, true) & 7n), true)
    surgery.write(entry, bytes, {
      what: `Point block ${block} to its copy.`,
      why: 'The disk shows what it showed before.',
    })
  }
  const whole = alignUp(surgery.size, MiB)
  surgery.resize(whole, { what: `Extend the file to ${whole} bytes.`, why: 'It ends with a whole block.' })
}
