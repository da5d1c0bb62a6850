import type { ByteStore } from '../../../base/index.ts'
import { corrupt } from './damage.ts'
import type { Header } from './header.ts'
import { MAX_SLICE_BYTES } from './slice-cache.ts'

/** The limits of QEMU: 32 MiB of L1 table, 8 MiB of refcount table. */
export const MAX_L1_ENTRIES = (32 << 20) / 8
export const MAX_REFCOUNT_TABLE_BYTES = 8 << 20

/** The numbers that follow from the header, once they have been found possible. Sizes and offsets in bytes. */
export interface Layout {
  readonly version: 2 | 3
  readonly sizeBytes: number
  readonly clusterBits: number
  readonly clusterSize: number
  readonly sliceBytes: number
  /** Entries of one L2 table. */
  readonly l2Entries: number
  readonly l1Offset: number
  /** Entries that the disk's size needs; the table may be longer. */
  readonly l1Entries: number
  readonly refcountBits: number
  /** A lower layer shows where this one has nothing. */
  readonly hasBacking: boolean
}

/** Bytes of the largest disk in clusters of that size. */
export function largestFor(clusterSize: number): number {
  return MAX_L1_ENTRIES * clusterSize * (clusterSize / 8)
}

export function l1EntriesFor(sizeBytes: number, clusterSize: number): number {
  return Math.ceil(sizeBytes / (clusterSize * (clusterSize / 8)))
}

/** Checks the header's numbers before anything is allocated for them. @throws VivariumError kind `corrupt`. */
export function layoutOf(store: ByteStore, header: Header, sizeBytes: number): Layout {
  const clusterSize = 2 ** header.clusterBits
  const l1Entries = l1EntriesFor(sizeBytes, clusterSize)
  const fail = (code: string, message: string): never => {
    throw corrupt(store, code, message, { offset: 36, field: 'L1 table' })
  }
  if (Math.max(l1Entries, header.l1Entries) > MAX_L1_ENTRIES)
    fail(
      'qcow2-l1-too-large',
      `The L1 table has ${header.l1Entries} entries, and the disk needs ${l1Entries}; the limit is ${MAX_L1_ENTRIES}.`,
    )
  if (header.l1Entries < l1Entries)
    fail(
      'qcow2-l1-too-short',
      `The L1 table has ${header.l1Entries} entries, and the disk needs ${l1Entries}.`,
    )
  if (header.l1Offset % clusterSize !== 0 || header.l1Offset === 0)
    fail('qcow2-l1-misplaced', `The L1 table lies at byte ${header.l1Offset}, at no cluster of its own.`)
  if (header.l1Offset + l1Entries * 8 > store.size())
    fail(
      'qcow2-l1-outside-file',
      `The L1 table (${l1Entries} entries at byte ${header.l1Offset}) does not lie within the file of ${store.size()} bytes.`,
    )
  return {
    version: header.version,
    sizeBytes,
    clusterBits: header.clusterBits,
    clusterSize,
    sliceBytes: Math.min(clusterSize, MAX_SLICE_BYTES),
    l2Entries: clusterSize / 8,
    l1Offset: header.l1Offset,
    l1Entries,
    refcountBits: header.refcountBits,
    hasBacking: header.backingOffset !== 0 && header.backingLength !== 0,
  }
}

/** How many clusters, from which on, a range touches. */
export function clustersOf(at: number, length: number, clusterSize: number): { first: number; end: number } {
  return { first: Math.floor(at / clusterSize), end: Math.ceil((at + length) / clusterSize) }
}
