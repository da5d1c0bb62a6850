import { SECTOR } from '../../format.ts'
import { ABSENT, type BatLayout, usedBytesOf } from '../../formats/vhd/bat.ts'

/** The blocks of a BAT, sorted into those that are well and the ways in which they are not. */
export interface SortedBlocks {
  readonly stored: number
  /** They lie nowhere in the file, or on its structures: nothing of them is there. */
  readonly outside: readonly number[]
  /** Their beginning is there, and the file ends within them. */
  readonly cut: readonly number[]
  /** They begin inside another one. */
  readonly overlapping: readonly number[]
  /** Behind the last block, as far as the file reaches. */
  readonly end: number
  /** Bytes between the blocks that nothing uses. */
  readonly gaps: number
}

export interface Span {
  readonly at: number
  readonly length: number
}

/**
 * @param structures What no block may lie on: footer copy, header, BAT.
 * @param limit Where blocks must end: the tail footer, or the end of the file.
 */
export function sortBlocks(
  bat: Uint32Array,
  layout: BatLayout,
  structures: readonly Span[],
  limit: number,
): SortedBlocks {
  const outside: number[] = []
  const cut: number[] = []
  const inside: number[] = []
  let stored = 0
  for (let block = 0; block < bat.length; block++) {
    if (bat[block] === ABSENT) continue
    stored++
    const start = bat[block]! * SECTOR
    const need = layout.bitmapBytes + usedBytesOf(layout, block)
    const onStructure = structures.some(({ at, length }) => start < at + length && start + need > at)
    if (onStructure || start + layout.bitmapBytes + SECTOR > limit) outside.push(block)
    else {
      inside.push(block)
      if (start + need > limit) cut.push(block)
    }
  }
  inside.sort((one, other) => bat[one]! - bat[other]! || one - other)
  const stride = layout.bitmapBytes + layout.blockSize
  const overlapping: number[] = []
  let end = 0
  let gaps = 0
  for (const block of inside) {
    const start = bat[block]! * SECTOR
    if (start < end) {
      overlapping.push(block)
      continue
    }
    if (end > 0) gaps += start - end
    end = start + stride
  }
  return { stored, outside, cut, overlapping, end: Math.min(end, limit), gaps }
}

/** "blocks 3, 4 and 7 more", with what they are of the disk. */
export function blockNames(blocks: readonly number[], blockSize: number): string {
  const shown = blocks.slice(0, 4).map((block) => `${block} (disk bytes from ${block * blockSize})`)
  const more = blocks.length - shown.length
  return `block${blocks.length === 1 ? '' : 's'} ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
