import type { ByteStore } from '../base/index.ts'

/**
 * What a virtual disk is to everybody above the formats: a size, reads, writes and extents.
 *
 * Required surface small, optional surface rich: presence is the capability, and the default for an absent
 * member is computed in one place (the checking shell that `openDisk...` wraps around every format).
 */
export interface Extent {
  /** Byte offset in the guest's disk. */
  readonly offset: number
  readonly length: number
  /** `data`: some layer stores these bytes; `zero`: they read as zero and no layer stores them. */
  readonly kind: 'data' | 'zero'
  /**
   * The layer that decides it, 0 = the topmost: it stores the bytes, or says that they are zero. Absent where every
   * layer passes on. Neighbours of one kind and of different layers are different extents.
   */
  readonly layer?: number
}

/** Where bytes of a disk lie, for whoever can copy them without looking at them. */
export interface Stored {
  readonly kind: 'data' | 'zero' | 'computed'
  readonly length: number
  /** Only with `data`: byte `at` of this store. */
  readonly store?: ByteStore
  readonly at?: number
}

export interface Disk {
  readonly format: string
  /** Capacity in bytes, a multiple of 512. */
  readonly sizeBytes: number
  readonly writable: boolean
  /** Fills `into` from guest byte `offset`. Any alignment. @throws VivariumError kind `corrupt` or `io`. */
  read(offset: number, into: Uint8Array): void
  /** Writes at guest byte `offset`. Any alignment. Acknowledged after `flush` = survives kill and power loss. */
  write(offset: number, from: Uint8Array): void
  /** Orders everything written so far onto stable storage: data, then what points to it. */
  flush(): void
  /** The range reads as zero afterwards; a format gives back space where it can. */
  writeZeroes(offset: number, length: number): void
  /** Hint that the guest no longer needs the range. Never changes what a parent would show to less than zeroes. */
  discard(offset: number, length: number): void
  /** Consecutive, non-overlapping extents that cover exactly the range. */
  extents(offset: number, length: number): Iterable<Extent>
  /** Where the bytes from `offset` lie, as far as one place holds them, at most `length`. `computed`: only `read` tells. */
  storedAt(offset: number, length: number): Stored
  /** What of its files' tables any of these has to read for the range; absent = not known. Only to read it ahead. */
  tables?(offset: number, length: number): Iterable<{ store: ByteStore; at: number; length: number }>
  close(): void
}
