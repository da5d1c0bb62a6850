import { viewOf } from '../../../base/index.ts'

/**
 * The 64-bit entries of L1 and L2 tables, big-endian (QCOW2 specification, "Cluster mapping"), taken as two halves:
 * a number of JavaScript cannot hold all bits of both.
 *
 *   bit 63      "copied": the cluster's refcount is exactly one, so it may be written in place
 *   bit 62      a compressed cluster (L2 only)
 *   bits 9-55   offset in the file, of whole clusters
 *   bit 0       reads as zero, whatever else is said (L2 only, version 3 only)
 *
 * A compressed cluster has its offset in bits 0 to x-1 and its additional sectors in bits x to 61, where
 * x = 62 - (cluster bits - 8).
 */
export const COPIED = 0x8000_0000
const PACKED = 0x4000_0000
const OFFSET_HIGH = 0x00ff_ffff
const OFFSET_LOW = 0xffff_fe00
export const ZERO_FLAG = 1
const TWO_32 = 2 ** 32

export type EntryKind = 'absent' | 'data' | 'zero' | 'packed'

export function kindOf(high: number, low: number): EntryKind {
  if ((high & PACKED) !== 0) return 'packed'
  if ((low & ZERO_FLAG) !== 0) return 'zero'
  return (high & OFFSET_HIGH) === 0 && (low & OFFSET_LOW) === 0 ? 'absent' : 'data'
}

/** 0 = there is none. Exact, as the lowest nine bits are zero. */
export function offsetOf(high: number, low: number): number {
  return (high & OFFSET_HIGH) * TWO_32 + ((low & OFFSET_LOW) >>> 0)
}

export function isCopied(high: number): boolean {
  return high >>> 31 === 1
}

export function highOf(offset: number): number {
  return Math.floor(offset / TWO_32)
}

export function lowOf(offset: number): number {
  return offset % TWO_32
}

/** Where compressed data lies: from byte `at`, at most `length` bytes, to the end of a 512-byte sector. */
export function packedRangeOf(
  high: number,
  low: number,
  clusterBits: number,
): { readonly at: number; readonly length: number } {
  const offsetBits = 62 - (clusterBits - 8) - 32
  const at = (high & (2 ** offsetBits - 1)) * TWO_32 + low
  const sectors = ((high >>> offsetBits) & (2 ** (clusterBits - 8) - 1)) + 1
  return { at, length: sectors * 512 - (at % 512) }
}

/** A table of offsets (L1, refcount table) as numbers. */
export function readOffsets(bytes: Uint8Array): Float64Array<ArrayBuffer> {
  const view = viewOf(bytes)
  const offsets = new Float64Array(bytes.length / 8)
  for (let i = 0; i < offsets.length; i++)
    offsets[i] = offsetOf(view.getUint32(i * 8), view.getUint32(i * 8 + 4))
  return offsets
}
