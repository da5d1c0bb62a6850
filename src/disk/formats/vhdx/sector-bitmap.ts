import { MiB } from '../../../base/index.ts'
import { type BlockTable, SECTORS_PER_CHUNK } from './bat.ts'
import { type MetadataPages, PAGE_BYTES } from './pages.ts'

/**
 * Sector bitmaps (MS-VHDX 2.4): 1 MiB for a chunk, a bit for a logical sector, bit 0 of byte 0 the first one (in a
 * VHD bit 7 is). 1 = the sector is in this file, 0 = ask the parent. A block's bits count only while the block is
 * partially present; in every other state whatever is in them is stale.
 */
export const BITMAP_BYTES = MiB
const BITS_PER_PAGE = PAGE_BYTES * 8

export function hasBit(bits: Uint8Array, index: number): boolean {
  return (bits[index >>> 3]! & (1 << (index & 7))) !== 0
}

/** How many bits from `first`, at most up to `end`, are like `first`. */
export function equalBits(bits: Uint8Array, first: number, end: number): number {
  const wanted = hasBit(bits, first)
  const whole = wanted ? 0xff : 0
  let index = first + 1
  while (index < end) {
    if ((index & 7) === 0 && bits[index >>> 3] === whole) index += 8
    else if (hasBit(bits, index) === wanted) index++
    else break
  }
  return Math.min(index, end) - first
}

/** Makes the bits of [first, end) all `value`. */
export function fillBits(bits: Uint8Array, first: number, end: number, value: boolean): void {
  for (let index = first; index < end; ) {
    const byte = index >>> 3
    const upTo = Math.min(end, (byte + 1) << 3)
    const mask = (0xff << (index & 7)) & (0xff >>> (7 - ((upTo - 1) & 7)))
    bits[byte] = value ? bits[byte]! | mask : bits[byte]! & ~mask
    index = upTo
  }
}

/** The bits of sectors, counted from the start of the disk. */
export class SectorBitmaps {
  readonly #table: BlockTable
  readonly #pages: MetadataPages

  constructor(table: BlockTable, pages: MetadataPages) {
    this.#table = table
    this.#pages = pages
  }

  /** How many sectors from `sector` on are alike, as far as one page tells; negative: they are the parent's. */
  run(sector: number, count: number): number {
    const bit = sector % BITS_PER_PAGE
    const { bytes } = this.#pages.at(this.#byteOf(sector))
    const length = equalBits(bytes, bit, Math.min(bit + count, BITS_PER_PAGE))
    return hasBit(bytes, bit) ? length : -length
  }

  fill(sector: number, count: number, value: boolean): void {
    for (let at = sector; at < sector + count; ) {
      const bit = at % BITS_PER_PAGE
      const end = Math.min(BITS_PER_PAGE, bit + sector + count - at)
      fillBits(this.#pages.changing(this.#byteOf(at)).bytes, bit, end, value)
      at += end - bit
    }
  }

  count(sector: number, count: number): number {
    let set = 0
    for (let at = sector; at < sector + count; ) {
      const run = this.run(at, sector + count - at)
      if (run > 0) set += run
      at += Math.abs(run)
    }
    return set
  }

  #byteOf(sector: number): number {
    const chunk = Math.floor(sector / SECTORS_PER_CHUNK)
    const place = this.#table.placeAt(this.#table.bitmapEntry(chunk))
    return place + ((sector % SECTORS_PER_CHUNK) >>> 3)
  }
}
