import type { ByteStore } from '../../../base/index.ts'
import { damaged } from './damage.ts'
import type { Metadata } from './metadata.ts'
import type { MetadataPages } from './pages.ts'
import type { Region } from './region-table.ts'

/**
 * The block allocation table (MS-VHDX 2.5): 64-bit little-endian entries, bits 0-2 the state, bits 20-63 the place
 * in the file in megabytes. After the payload entries of each chunk comes one entry for the chunk's sector bitmap,
 * in disks without a parent too, where it stays 0. A chunk is what one bitmap of 1 MiB covers: 2^23 sectors.
 */
export const ENTRY_BYTES = 8
export const SECTORS_PER_CHUNK = 2 ** 23

/** MS-VHDX 2.5.1.1. Of the four first ones only `notPresent` shows the parent; the others read as zero here. */
export const STATE = { notPresent: 0, undefined: 1, zero: 2, unmapped: 3, full: 6, partial: 7 } as const
/** MS-VHDX 2.5.1.2. */
export const BITMAP_PRESENT = 6

export interface BatLayout {
  readonly offset: number
  readonly blockSize: number
  readonly sizeBytes: number
  readonly logicalSector: number
  /** Payload blocks of the disk. */
  readonly blocks: number
  /** Payload blocks in a chunk. */
  readonly chunkRatio: number
  readonly chunks: number
  readonly differencing: boolean
}

export type BatDimensions = Pick<Metadata, 'blockSize' | 'sizeBytes' | 'logicalSector' | 'hasParent'>

export function layoutFor(offset: number, metadata: BatDimensions): BatLayout {
  const { blockSize, sizeBytes, logicalSector, hasParent } = metadata
  const blocks = Math.ceil(sizeBytes / blockSize)
  const chunkRatio = (SECTORS_PER_CHUNK * logicalSector) / blockSize
  const chunks = Math.ceil(blocks / chunkRatio)
  return { offset, blockSize, sizeBytes, logicalSector, blocks, chunkRatio, chunks, differencing: hasParent }
}

/** The bitmap entry of the last chunk is there only if bitmaps are used (MS-VHDX 2.5). */
export function entryCountOf({ blocks, chunkRatio, chunks, differencing }: BatLayout): number {
  return differencing ? chunks * (chunkRatio + 1) : blocks + Math.floor((blocks - 1) / chunkRatio)
}

export function layoutOf(store: ByteStore, region: Region, metadata: Metadata): BatLayout {
  const layout = layoutFor(region.offset, metadata)
  const bytes = entryCountOf(layout) * ENTRY_BYTES
  if (bytes <= region.length) return layout
  throw damaged(
    'vhdx-bat-too-short',
    `The BAT has room for ${region.length} bytes, and the disk's ${layout.blocks} blocks need ${bytes}.`,
    { path: store.name, offset: region.offset, field: 'BAT' },
  )
}

/** Bytes of a block that the disk's size reaches: all of them but in the last block. */
export function usedBytesOf({ blockSize, sizeBytes }: BatLayout, block: number): number {
  return Math.min(blockSize, sizeBytes - block * blockSize)
}

/** The entries, by their place in the file: the caller asks once for `payloadEntry` and reads both halves of it. */
export class BlockTable {
  readonly layout: BatLayout
  readonly #pages: MetadataPages

  constructor(layout: BatLayout, pages: MetadataPages) {
    this.layout = layout
    this.#pages = pages
  }

  payloadEntry(block: number): number {
    return this.layout.offset + (block + Math.floor(block / this.layout.chunkRatio)) * ENTRY_BYTES
  }

  bitmapEntry(chunk: number): number {
    const { chunkRatio, offset } = this.layout
    return offset + (chunk * (chunkRatio + 1) + chunkRatio) * ENTRY_BYTES
  }

  stateAt(entry: number): number {
    return this.#pages.at(entry).view.getUint32(entry % 4096, true) & 7
  }

  /** File offset in bytes. */
  placeAt(entry: number): number {
    const { view } = this.#pages.at(entry)
    const low = view.getUint32(entry % 4096, true) & 0xfff0_0000
    return view.getUint32((entry % 4096) + 4, true) * 2 ** 32 + (low >>> 0)
  }

  set(entry: number, state: number, place: number): void {
    const { view } = this.#pages.changing(entry)
    view.setUint32(entry % 4096, ((place % 2 ** 32) + state) >>> 0, true)
    view.setUint32((entry % 4096) + 4, Math.floor(place / 2 ** 32), true)
  }
}
