import { corrupt } from './damage.ts'
import type { Layout } from './dimensions.ts'
import { COPIED, highOf, isCopied, kindOf, lowOf, offsetOf } from './entries.ts'
import type { HostFile } from './host-file.ts'
import type { MetadataMap } from './metadata-map.ts'
import type { Refcounts } from './refcounts.ts'
import { SliceCache } from './slice-cache.ts'

/** L1 is written in sectors, which a disk writes at once. */
const L1_PIECE_BYTES = 512

/**
 * Which cluster of the file holds which cluster of the guest (specification, "Cluster mapping"): the L1 table, in
 * memory, names L2 tables of one cluster each, of which slices are in memory.
 */
export class Mapping {
  readonly #host: HostFile
  readonly #layout: Layout
  readonly #l1: DataView<ArrayBuffer>
  readonly #slices: SliceCache
  readonly #sliceEntries: number
  /** L2 tables that L1 in the file does not name yet, by offset. */
  readonly #newTables = new Set<number>()
  /** Pieces of L1 to be written. */
  readonly #changedPieces = new Set<number>()

  /** The two halves of the entry that `find` found. */
  high = 0
  low = 0

  constructor(host: HostFile, layout: Layout) {
    this.#host = host
    this.#layout = layout
    const bytes = new Uint8Array(layout.l1Entries * 8)
    host.read(layout.l1Offset, bytes)
    this.#l1 = new DataView(bytes.buffer)
    this.#slices = new SliceCache(host, layout.sliceBytes)
    this.#sliceEntries = layout.sliceBytes / 8
  }

  get changedBytes(): number {
    return this.#slices.changedBytes
  }

  /** Offset of an L2 table; 0 = none. @throws VivariumError kind `corrupt`. */
  tableAt(index: number): number {
    const offset = offsetOf(this.#l1.getUint32(index * 8), this.#l1.getUint32(index * 8 + 4))
    if (offset % this.#layout.clusterSize === 0 && offset < this.#host.endCluster * this.#layout.clusterSize)
      return offset
    throw corrupt(
      this.#host.store,
      'qcow2-table-outside-file',
      `L2 table ${index} should lie at byte ${offset}, which is no cluster of the file.`,
      { offset: this.#layout.l1Offset + index * 8, field: 'L1 table' },
    )
  }

  /** Looks the entry of a guest cluster up, into `high` and `low`. */
  find(cluster: number): void {
    const table = this.tableAt(Math.floor(cluster / this.#layout.l2Entries))
    if (table === 0) {
      this.high = 0
      this.low = 0
      return
    }
    const slice = this.#slices.get(this.#sliceAt(table, cluster))
    const at = (cluster % this.#sliceEntries) * 8
    this.high = slice.getUint32(at)
    this.low = slice.getUint32(at + 4)
  }

  #sliceAt(table: number, cluster: number): number {
    const index = Math.floor((cluster % this.#layout.l2Entries) / this.#sliceEntries)
    return table + index * this.#layout.sliceBytes
  }

  /** The first cluster from `cluster` on, at most `end`, that may have an entry. */
  skipMissing(cluster: number, end: number): number {
    let next = cluster
    while (next < end && this.tableAt(Math.floor(next / this.#layout.l2Entries)) === 0)
      next = (Math.floor(next / this.#layout.l2Entries) + 1) * this.#layout.l2Entries
    return Math.min(next, end)
  }

  /** Makes the L2 table of a cluster one that may be changed: there, and of no snapshot. */
  prepare(cluster: number, refcounts: Refcounts, guard: MetadataMap): void {
    const index = Math.floor(cluster / this.#layout.l2Entries)
    const old = this.tableAt(index)
    if (old !== 0 && isCopied(this.#l1.getUint32(index * 8))) return
    if (old !== 0) refcounts.requireUsed(old / this.#layout.clusterSize)
    const allocation = refcounts.allocate(1)
    const { at } = allocation
    try {
      this.#slices.forget(at, this.#layout.clusterSize)
      if (old === 0) this.#host.zeroCluster(at)
      else this.#host.write(at, this.#copyOf(old, refcounts))
    } catch (error) {
      refcounts.cancel(allocation)
      throw error
    }
    this.#newTables.add(at)
    guard.add(at / this.#layout.clusterSize)
    if (old !== 0) {
      refcounts.release(old / this.#layout.clusterSize)
      if (refcounts.get(old / this.#layout.clusterSize) === 1) guard.delete(old / this.#layout.clusterSize)
    }
    this.#l1.setUint32(index * 8, (highOf(at) | COPIED) >>> 0)
    this.#l1.setUint32(index * 8 + 4, lowOf(at))
    this.#changedPieces.add(Math.floor((index * 8) / L1_PIECE_BYTES))
  }

  /** An L2 table of a snapshot for the active disk: what the two share may not be written in place. */
  #copyOf(table: number, refcounts: Refcounts): Uint8Array<ArrayBuffer> {
    const { clusterSize, l2Entries } = this.#layout
    const bytes = new Uint8Array(clusterSize)
    this.#host.read(table, bytes)
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < l2Entries * 8; at += 8) {
      const high = view.getUint32(at)
      const offset = offsetOf(high, view.getUint32(at + 4))
      if (kindOf(high, view.getUint32(at + 4)) === 'packed' || offset === 0) continue
      const own = refcounts.get(offset / clusterSize) === 1
      view.setUint32(at, own ? (high | COPIED) >>> 0 : (high & ~COPIED) >>> 0)
    }
    return bytes
  }

  /** Only after `prepare`. */
  set(cluster: number, high: number, low: number): void {
    const table = this.tableAt(Math.floor(cluster / this.#layout.l2Entries))
    const slice = this.#slices.change(this.#sliceAt(table, cluster))
    const at = (cluster % this.#sliceEntries) * 8
    slice.setUint32(at, high)
    slice.setUint32(at + 4, low)
  }

  get changed(): boolean {
    return this.#slices.changedBytes > 0 || this.#changedPieces.size > 0
  }

  /** First: the tables that nothing points to yet. */
  writeNewTables(): void {
    this.#slices.write((at) => this.#isNew(at))
  }

  /** Last: what makes new data visible, once that data and its refcounts are on stable storage. */
  writeEntries(): void {
    this.#slices.write((at) => !this.#isNew(at))
    for (const piece of this.#changedPieces) {
      const start = piece * L1_PIECE_BYTES
      const length = Math.min(L1_PIECE_BYTES, this.#l1.byteLength - start)
      this.#host.write(this.#layout.l1Offset + start, new Uint8Array(this.#l1.buffer, start, length))
    }
  }

  settle(): void {
    this.#slices.settle()
    this.#newTables.clear()
    this.#changedPieces.clear()
  }

  close(): void {
    this.#slices.close()
  }

  #isNew(slice: number): boolean {
    return this.#newTables.has(slice - (slice % this.#layout.clusterSize))
  }
}
