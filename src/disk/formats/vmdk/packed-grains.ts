import { type ByteStore, VivariumError, viewOf } from '../../../base/index.ts'
import { type Inflate, SECTOR } from '../../format.ts'
import type { SparseLayout } from './sparse-header.ts'
import { adler32, deflateStart } from './zlib.ts'

/**
 * Compressed grains (Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents"): a grain marker
 *
 *   0  sector of the guest's disk, 64 bits   8  bytes of packed data, 32 bits   12  the data, as zlib has it (RFC 1950)
 *
 * and padding to the next sector. Without markers (a flag of the header) the data begins at once.
 */
export const GRAIN_MARKER_BYTES = 12

/** Data that DEFLATE cannot pack grows by a few bytes; twice the size is what other readers allow too. */
const MAX_GROWTH = 2
/** Unpacked grains kept: reads of 4 KiB in order would unpack each grain 16 times over. */
const MAX_CACHED_BYTES = 2 << 20

export class PackedGrains {
  readonly #store: ByteStore
  readonly #layout: SparseLayout
  readonly #inflate: Inflate
  /** The oldest first. */
  readonly #cache = new Map<number, Uint8Array>()

  constructor(store: ByteStore, layout: SparseLayout, inflate: Inflate) {
    this.#store = store
    this.#layout = layout
    this.#inflate = inflate
  }

  /** Fills `into` from byte `inGrain` of a grain whose table entry is `sector`. */
  read(grain: number, sector: number, inGrain: number, into: Uint8Array): void {
    const { grainBytes } = this.#layout
    if (into.length === grainBytes) {
      this.#unpack(grain, sector, into)
      return
    }
    let bytes = this.#cache.get(grain)
    if (bytes === undefined) {
      bytes = new Uint8Array(grainBytes)
      this.#unpack(grain, sector, bytes)
      if ((this.#cache.size + 1) * grainBytes > MAX_CACHED_BYTES)
        for (const oldest of this.#cache.keys()) {
          this.#cache.delete(oldest)
          break
        }
      this.#cache.set(grain, bytes)
    }
    into.set(bytes.subarray(inGrain, inGrain + into.length))
  }

  #unpack(grain: number, sector: number, into: Uint8Array): void {
    const { packed, exact } = this.#packedBytes(grain, sector)
    const start = deflateStart(packed)
    if (start === undefined) throw this.#damaged(grain, sector, 'its data does not begin as zlib data does')
    const length = this.#inflate(packed.subarray(start), into)
    // The grain behind the end of the disk may be left out.
    const needed = Math.min(into.length, this.#layout.sizeBytes - grain * into.length)
    if (length < needed) throw this.#damaged(grain, sector, `it has ${length} of ${needed} bytes`)
    into.fill(0, length)
    if (exact && adler32(into.subarray(0, length)) !== viewOf(packed).getUint32(packed.length - 4))
      throw this.#damaged(grain, sector, 'its checksum is wrong')
  }

  #packedBytes(grain: number, sector: number): { packed: Uint8Array; exact: boolean } {
    const { markers, grainBytes } = this.#layout
    const at = sector * SECTOR
    const left = this.#store.size() - at
    if (!markers) return { packed: this.#bytes(at, Math.min(grainBytes * MAX_GROWTH, left)), exact: false }
    const first = this.#bytes(at, Math.min(SECTOR, left))
    if (first.length < GRAIN_MARKER_BYTES) throw this.#damaged(grain, sector, 'the file ends in its marker')
    const view = viewOf(first)
    const guestSector = Number(view.getBigUint64(0, true))
    const length = view.getUint32(8, true)
    if (guestSector !== (grain * grainBytes) / SECTOR)
      throw this.#damaged(grain, sector, `its marker is that of sector ${guestSector}`)
    if (length < 8 || length > grainBytes * MAX_GROWTH + SECTOR || GRAIN_MARKER_BYTES + length > left)
      throw this.#damaged(grain, sector, `its packed size of ${length} bytes cannot be`)
    const packed = new Uint8Array(length)
    const have = Math.min(length, first.length - GRAIN_MARKER_BYTES)
    packed.set(first.subarray(GRAIN_MARKER_BYTES, GRAIN_MARKER_BYTES + have))
    if (have < length) this.#store.read(at + GRAIN_MARKER_BYTES + have, packed.subarray(have))
    return { packed, exact: true }
  }

  #bytes(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, length))
    this.#store.read(at, bytes)
    return bytes
  }

  #damaged(grain: number, sector: number, why: string): VivariumError {
    return new VivariumError('corrupt', 'vmdk-grain-damaged', `Grain ${grain} is damaged: ${why}.`, {
      where: { path: this.#store.name, offset: sector * SECTOR },
      next: 'Copy the file again from its source.',
    })
  }
}
