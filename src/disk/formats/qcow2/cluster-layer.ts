import type { ByteStore, VivariumError } from '../../../base/index.ts'
import type { Inflate, Layer, Run } from '../../format.ts'
import { ClusterReader } from './cluster-reader.ts'
import { corrupt } from './damage.ts'
import { clustersOf, type Layout } from './dimensions.ts'
import { COPIED, highOf, isCopied, lowOf, offsetOf, packedRangeOf, ZERO_FLAG } from './entries.ts'
import { AUTOCLEAR_FIELD } from './header.ts'
import type { HostFile } from './host-file.ts'
import type { Mapping } from './mapping.ts'
import type { MetadataMap } from './metadata-map.ts'
import { Packed } from './packed.ts'
import type { Allocation, Refcounts } from './refcounts.ts'

/**
 * The guest's disk as clusters of the file. Writing is ordered so that the image is whole after any prefix of our
 * writes, and after losing any of those that no flush has confirmed:
 *
 *   1. New data goes to clusters that are free on stable storage; nothing points to them yet.
 *   2. `flush`: refcounts and new L2 tables; fdatasync. The refcount table where it has new blocks; fdatasync.
 *      Then the entries of older L2 tables, and L1; fdatasync. Then refcounts of what was replaced go down.
 *
 * If the power fails before the end of 2, some clusters show what they showed before, and some space is wasted
 * ("leaked clusters" of qemu-img check). Refcounts are never lower than the references to a cluster.
 */
const MAX_CHANGED_BYTES = 8 << 20

export interface ClusterParts {
  readonly host: HostFile
  readonly layout: Layout
  readonly mapping: Mapping
  readonly inflate: Inflate
  /** What compresses clusters, if it is not DEFLATE. */
  readonly foreignCompression: string | undefined
  /** Absent: opened for reading only. */
  readonly writing?: {
    readonly refcounts: Refcounts
    readonly guard: MetadataMap
    /** Bits that say something is up to date which we do not keep so. */
    readonly autoclear: boolean
  }
}

export class ClusterLayer implements Layer {
  readonly format = 'qcow2'
  readonly store: ByteStore
  readonly sizeBytes: number
  readonly allocationUnit: number
  readonly #host: HostFile
  readonly #layout: Layout
  readonly #mapping: Mapping
  readonly #reader: ClusterReader
  readonly #writing: ClusterParts['writing']
  #autoclear: boolean
  #dirty = false

  constructor(parts: ClusterParts) {
    this.store = parts.host.store
    this.sizeBytes = parts.layout.sizeBytes
    this.allocationUnit = parts.layout.clusterSize
    this.#host = parts.host
    this.#layout = parts.layout
    this.#mapping = parts.mapping
    this.#reader = new ClusterReader(
      parts.host,
      parts.layout,
      parts.mapping,
      new Packed(parts.host, parts.layout.clusterBits, parts.inflate, parts.foreignCompression),
    )
    this.#writing = parts.writing
    this.#autoclear = parts.writing?.autoclear ?? false
  }

  locate(offset: number, length: number, into: Run): void {
    this.#reader.locate(offset, length, into)
  }

  unpack(offset: number, into: Uint8Array): void {
    this.#reader.unpack(offset, into)
  }

  write(offset: number, from: Uint8Array): void {
    this.#begin()
    for (let done = 0; done < from.length; )
      done += this.#writeSome(offset + done, done === 0 ? from : from.subarray(done))
    this.#boundChanges()
  }

  /** Writes as much as lies, or can be put, in one run of the file. Returns how much that was. */
  #writeSome(offset: number, from: Uint8Array): number {
    const { clusterSize } = this.#layout
    const cluster = Math.floor(offset / clusterSize)
    const inCluster = offset - cluster * clusterSize
    if (this.#isOwn(cluster)) return this.#overwrite(cluster, inCluster, from)
    if (inCluster === 0 && from.length >= clusterSize) return this.#writeClusters(cluster, from)
    return this.#writePart(cluster, inCluster, from.subarray(0, clusterSize - inCluster))
  }

  /** Whether the cluster is there, and of the active disk alone. */
  #isOwn(cluster: number): boolean {
    return this.#reader.find(cluster) === 'data' && isCopied(this.#mapping.high)
  }

  #overwrite(cluster: number, inCluster: number, from: Uint8Array): number {
    const { clusterSize } = this.#layout
    const start = this.#reader.dataAt(cluster)
    const end = cluster + Math.ceil((inCluster + from.length) / clusterSize)
    let next = cluster
    do {
      if (this.#writing!.guard.has(start / clusterSize + next - cluster)) throw this.#overTable(next)
      next++
    } while (
      next < end &&
      this.#isOwn(next) &&
      offsetOf(this.#mapping.high, this.#mapping.low) === start + (next - cluster) * clusterSize
    )
    const count = Math.min(from.length, (next - cluster) * clusterSize - inCluster)
    this.#host.write(start + inCluster, count === from.length ? from : from.subarray(0, count))
    return count
  }

  #overTable(cluster: number): VivariumError {
    return corrupt(
      this.store,
      'qcow2-tables-overlap',
      `Cluster ${cluster} of the guest lies where the image has a table of its own.`,
      { field: 'L2 table' },
    )
  }

  /** Whole clusters, as many as need a new place and can have it in one run. */
  #writeClusters(cluster: number, from: Uint8Array): number {
    const { clusterSize, l2Entries } = this.#layout
    const { refcounts, guard } = this.#writing!
    this.#mapping.prepare(cluster, refcounts, guard)
    const tableEnd = (Math.floor(cluster / l2Entries) + 1) * l2Entries
    const end = Math.min(tableEnd, cluster + Math.floor(from.length / clusterSize))
    let next = cluster + 1
    while (next < end && !this.#isOwn(next)) next++
    const allocation = refcounts.allocate(next - cluster)
    const length = allocation.clusters * clusterSize
    this.#writeAllocated(allocation, 0, from.subarray(0, length))
    for (let i = 0; i < allocation.clusters; i++) this.#point(cluster + i, allocation.at + i * clusterSize)
    return length
  }

  /**
   * A part of a cluster that needs a new place; the rest of it is what the guest sees there now. (Where that comes
   * from below, the runner writes the whole.)
   */
  #writePart(cluster: number, inCluster: number, from: Uint8Array): number {
    const { refcounts, guard } = this.#writing!
    this.#mapping.prepare(cluster, refcounts, guard)
    const before = this.#reader.content(cluster)
    const allocation = refcounts.allocate(1)
    if (before === undefined && this.#host.isFresh(allocation.at))
      this.#writeAllocated(allocation, inCluster, from)
    else {
      const whole = before ?? new Uint8Array(this.#layout.clusterSize)
      whole.set(from, inCluster)
      this.#writeAllocated(allocation, 0, whole)
    }
    this.#point(cluster, allocation.at)
    return from.length
  }

  #writeAllocated(allocation: Allocation, inCluster: number, from: Uint8Array): void {
    try {
      this.#host.write(allocation.at + inCluster, from)
    } catch (error) {
      // The guest still sees what it saw before; the clusters are free again.
      this.#writing!.refcounts.cancel(allocation)
      throw error
    }
  }

  #point(cluster: number, at: number): void {
    this.#replace(cluster, (highOf(at) | COPIED) >>> 0, lowOf(at))
  }

  /** Gives a cluster another entry, and up what the old one pointed to. Its table must have been prepared. */
  #replace(cluster: number, high: number, low: number): void {
    const kind = this.#reader.find(cluster)
    const { clusterSize, clusterBits } = this.#layout
    const offset = offsetOf(this.#mapping.high, this.#mapping.low)
    const { at, length } =
      kind === 'packed'
        ? packedRangeOf(this.#mapping.high, this.#mapping.low, clusterBits)
        : { at: offset, length: offset === 0 ? 0 : clusterSize }
    if (length > 0) {
      const { first, end } = clustersOf(at, length, clusterSize)
      for (let held = first; held < end; held++) this.#writing!.refcounts.requireUsed(held)
      for (let held = first; held < end; held++) this.#writing!.refcounts.release(held)
    }
    this.#mapping.set(cluster, high, low)
  }

  zero(offset: number, length: number): void {
    this.#begin()
    const { clusterSize } = this.#layout
    for (let done = 0; done < length; ) {
      const cluster = Math.floor((offset + done) / clusterSize)
      const inCluster = offset + done - cluster * clusterSize
      const used = Math.min(clusterSize, this.sizeBytes - cluster * clusterSize)
      const count = Math.min(length - done, used - inCluster)
      if (count === used && this.#canMarkZero) this.#zeroCluster(cluster)
      else this.#writeSome(offset + done, new Uint8Array(count))
      done += count
      this.#boundChanges()
    }
  }

  /** Version 2 cannot say that a cluster hides the lower layer with zeroes. */
  get #canMarkZero(): boolean {
    return this.#layout.version === 3 || !this.#layout.hasBacking
  }

  #zeroCluster(cluster: number): void {
    const kind = this.#reader.find(cluster)
    if (kind === 'zero' || (kind === 'absent' && !this.#layout.hasBacking)) return
    const { refcounts, guard } = this.#writing!
    this.#mapping.prepare(cluster, refcounts, guard)
    this.#replace(cluster, 0, this.#layout.hasBacking ? ZERO_FLAG : 0)
  }

  discard(offset: number, length: number): void {
    if (!this.#canMarkZero) return
    const { clusterSize } = this.#layout
    const first = Math.ceil(offset / clusterSize)
    const end =
      offset + length === this.sizeBytes
        ? Math.ceil(this.sizeBytes / clusterSize)
        : Math.floor((offset + length) / clusterSize)
    for (let cluster = first; cluster < end; cluster++) {
      cluster = this.#mapping.skipMissing(cluster, end)
      if (cluster === end) return
      const kind = this.#reader.find(cluster)
      if (kind !== 'data' && kind !== 'packed') continue
      this.#begin()
      this.#zeroCluster(cluster)
      this.#boundChanges()
    }
  }

  #begin(): void {
    this.#dirty = true
    if (!this.#autoclear) return
    // Before anything else changes: what these bits promise will not be kept up to date.
    this.#host.write(AUTOCLEAR_FIELD, new Uint8Array(8))
    this.store.flush()
    this.#autoclear = false
  }

  #boundChanges(): void {
    if (this.#mapping.changedBytes + this.#writing!.refcounts.changedBytes >= MAX_CHANGED_BYTES) this.flush()
  }

  flush(): void {
    if (!this.#dirty) return
    const { refcounts } = this.#writing!
    this.#host.pad()
    refcounts.writeBlocks()
    this.#mapping.writeNewTables()
    this.store.flush()
    if (refcounts.hasNewBlocks) {
      refcounts.writeTable()
      this.store.flush()
    }
    if (this.#mapping.changed) {
      this.#mapping.writeEntries()
      this.store.flush()
      this.#mapping.settle()
    }
    refcounts.settle()
    this.#dirty = false
  }

  close(): void {
    this.#mapping.close()
    this.#writing?.refcounts.close()
    this.store.close()
  }
}
