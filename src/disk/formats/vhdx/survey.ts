import { type ByteStore, MiB, type Problem } from '../../../base/index.ts'
import type { DiskImage } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { BITMAP_PRESENT, type BlockTable, STATE, usedBytesOf } from './bat.ts'
import type { MetadataPages } from './pages.ts'
import { BITMAP_BYTES, SectorBitmaps } from './sector-bitmap.ts'

/** Above this many partly present blocks they are counted whole, to stay quick. */
const MAX_COUNTED_BLOCKS = 1 << 14

/** What every block claims of the file, a bit a megabyte: bounded by the file, whatever the table says. */
class Claims {
  readonly #taken: Uint8Array
  readonly #fileSize: number

  constructor(fileSize: number) {
    this.#taken = new Uint8Array(Math.ceil(fileSize / MiB / 8) + 1)
    this.#fileSize = fileSize
  }

  /** False when a part of the range was taken already. */
  take(offset: number, length: number): boolean {
    let free = true
    const end = Math.ceil(Math.min(offset + length, this.#fileSize) / MiB)
    for (let unit = Math.floor(offset / MiB); unit < end; unit++) {
      const bit = 1 << (unit & 7)
      const index = Math.floor(unit / 8)
      if ((this.#taken[index]! & bit) !== 0) free = false
      this.#taken[index] = this.#taken[index]! | bit
    }
    return free
  }
}

type Fault = 'outside' | 'overlap' | 'state' | 'bitmap'

const FAULTS: Record<Fault, readonly [code: string, what: string]> = {
  outside: ['vhdx-block-outside-file', 'do not lie within the file'],
  overlap: ['vhdx-blocks-overlap', 'lie on top of others'],
  state: ['vhdx-block-state', 'are in a state that such a disk does not know'],
  bitmap: ['vhdx-bitmap-missing', 'are partly here, and no sector bitmap says which part'],
}

export interface Surveyed {
  readonly store: ByteStore
  readonly table: BlockTable
  readonly pages: MetadataPages
  /** Log and regions: no block may lie on them. */
  readonly structures: readonly { readonly offset: number; readonly length: number }[]
}

/** Looks at every entry: counts blocks, and those that no file can really have. */
export function surveyBlocks({ store, table, pages, structures }: Surveyed): ReturnType<DiskImage['survey']> {
  const { layout } = table
  const fileSize = store.size()
  const claims = new Claims(fileSize)
  const bitmaps = new SectorBitmaps(table, pages)
  const faults = new Map<Fault, { count: number; first: number }>()
  let allocated = 0
  let counted = 0
  const note = (fault: Fault, block: number) => {
    const known = faults.get(fault)
    if (known === undefined) faults.set(fault, { count: 1, first: block })
    else known.count++
  }
  claims.take(0, MiB)
  for (const { offset, length } of structures) claims.take(offset, length)

  /** Whether the bitmap of a chunk is there and whole. */
  function claimBitmap(chunk: number, firstBlock: number): boolean {
    const entry = table.bitmapEntry(chunk)
    if (table.stateAt(entry) !== BITMAP_PRESENT) return false
    const place = table.placeAt(entry)
    if (place < MiB || place + BITMAP_BYTES > fileSize) note('outside', firstBlock)
    else if (!claims.take(place, BITMAP_BYTES)) note('overlap', firstBlock)
    else return true
    return false
  }

  /** What is wrong with a block that has data; its bytes are counted when nothing is. */
  function surveyBlock(block: number, hasBitmap: boolean): Fault | undefined {
    const entry = table.payloadEntry(block)
    const state = table.stateAt(entry)
    if (state <= STATE.unmapped) return undefined
    const partial = state === STATE.partial
    if (state !== STATE.full && !(partial && layout.differencing)) return 'state'
    const place = table.placeAt(entry)
    const used = usedBytesOf(layout, block)
    if (place < MiB || place + used > fileSize) return 'outside'
    const alone = claims.take(place, layout.blockSize)
    if (partial && !hasBitmap) return 'bitmap'
    const exact = partial && counted++ < MAX_COUNTED_BLOCKS
    const first = (block * layout.blockSize) / layout.logicalSector
    allocated += exact ? bitmaps.count(first, used / layout.logicalSector) * layout.logicalSector : used
    return alone ? undefined : 'overlap'
  }

  for (let chunk = 0; chunk < layout.chunks; chunk++) {
    const first = chunk * layout.chunkRatio
    const end = Math.min(first + layout.chunkRatio, layout.blocks)
    const hasBitmap = layout.differencing && claimBitmap(chunk, first)
    for (let block = first; block < end; block++) {
      const fault = surveyBlock(block, hasBitmap)
      if (fault !== undefined) note(fault, block)
    }
  }
  return { allocated, problems: Array.from(faults, ([fault, found]) => problemOf(fault, found)) }

  function problemOf(fault: Fault, { count, first }: { count: number; first: number }): Problem {
    const [code, what] = FAULTS[fault]
    return {
      code,
      severity: 'error',
      message: `${count} of ${layout.blocks} blocks ${what}; the first is block ${first}.`,
      next: NEXT_CHECK,
      where: { path: store.name, offset: table.payloadEntry(first), field: 'BAT' },
    }
  }
}
