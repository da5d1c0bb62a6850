import { corrupt } from './damage.ts'
import type { Layout } from './dimensions.ts'
import { formatRefcountTableField, REFCOUNT_TABLE_FIELD } from './header.ts'
import type { HostFile } from './host-file.ts'
import type { MetadataMap } from './metadata-map.ts'
import {
  formatBlock,
  formatTable,
  planLargerTable,
  type RefcountTable,
  type TablePlan,
} from './refcount-table.ts'
import { readRefcount, writeRefcount } from './refcount-width.ts'
import { SliceCache } from './slice-cache.ts'

/** A run of clusters that was allocated. */
export interface Allocation {
  readonly at: number
  readonly clusters: number
}

/**
 * Reference counts of the file's clusters (specification, "Host cluster management"): a table of offsets of blocks,
 * one cluster each. 0 = free, 1 = used, more = shared with a snapshot, or by several compressed clusters.
 *
 * On stable storage a count is never lower than the references that are there: counts go up before anything points
 * to their cluster, and down after nothing does any more. What a failure leaves behind is wasted space only.
 */
export class Refcounts {
  readonly #host: HostFile
  readonly #bits: number
  readonly #clusterSize: number
  readonly #sliceBytes: number
  readonly #perBlock: number
  readonly #perSlice: number
  readonly #guard: MetadataMap
  readonly #slices: SliceCache
  #table: RefcountTable
  /** Indexes of blocks that the table in the file does not name yet. */
  readonly #newBlocks = new Set<number>()
  /** Counts to take off once nothing on stable storage points to the clusters. */
  readonly #released = new Map<number, number>()
  /** No cluster below is free. */
  #cursor = 0
  /** Why the table could not be moved: which of the two is in force is unknown then. */
  #moveFailure: unknown

  constructor(host: HostFile, layout: Layout, table: RefcountTable, guard: MetadataMap) {
    this.#host = host
    this.#bits = layout.refcountBits
    this.#clusterSize = layout.clusterSize
    this.#sliceBytes = layout.sliceBytes
    this.#perBlock = (layout.clusterSize * 8) / layout.refcountBits
    this.#perSlice = (layout.sliceBytes * 8) / layout.refcountBits
    this.#guard = guard
    this.#slices = new SliceCache(host, layout.sliceBytes)
    this.#table = table
  }

  get changedBytes(): number {
    return this.#slices.changedBytes
  }

  close(): void {
    this.#slices.close()
  }

  get(cluster: number): number {
    const block = this.#table.blocks[Math.floor(cluster / this.#perBlock)] ?? 0
    if (block === 0) return 0
    return readRefcount(this.#slices.get(this.#sliceAt(block, cluster)), cluster % this.#perSlice, this.#bits)
  }

  #sliceAt(block: number, cluster: number): number {
    return block + Math.floor((cluster % this.#perBlock) / this.#perSlice) * this.#sliceBytes
  }

  #set(cluster: number, value: number): void {
    const block = this.#table.blocks[Math.floor(cluster / this.#perBlock)]!
    const slice = this.#slices.change(this.#sliceAt(block, cluster))
    writeRefcount(slice, cluster % this.#perSlice, this.#bits, value)
  }

  /** Up to `wanted` clusters in a row, counted as used. What they hold in the file is anything. */
  allocate(wanted: number): Allocation {
    const first = this.#findFree()
    let count = 0
    while (count < wanted && this.#findFree() === first + count) {
      this.#set(this.#cursor, 1)
      this.#cursor++
      count++
    }
    this.#host.use(first * this.#clusterSize, count * this.#clusterSize)
    return { at: first * this.#clusterSize, clusters: count }
  }

  /** Takes back an allocation that nothing ever pointed to. */
  cancel({ at, clusters }: Allocation): void {
    const first = at / this.#clusterSize
    for (let cluster = first; cluster < first + clusters; cluster++) this.#set(cluster, 0)
    this.#cursor = Math.min(this.#cursor, first)
  }

  /** Moves the cursor to the next free cluster, for which there is a refcount block. */
  #findFree(): number {
    if (this.#moveFailure !== undefined) throw this.#moveFailure
    for (;;) {
      const index = Math.floor(this.#cursor / this.#perBlock)
      if (index >= this.#table.blocks.length) this.#growTable()
      else if (this.#table.blocks[index] === 0) this.#addBlock(index)
      else if (this.#findFreeInSlice(this.#table.blocks[index]!)) break
    }
    if (!this.#guard.has(this.#cursor)) return this.#cursor
    throw corrupt(
      this.#host.store,
      'qcow2-refcount-too-low',
      `Cluster ${this.#cursor} holds a table of the image, and its refcount is 0.`,
      { offset: this.#cursor * this.#clusterSize, field: 'refcount' },
    )
  }

  #findFreeInSlice(block: number): boolean {
    const slice = this.#slices.get(this.#sliceAt(block, this.#cursor))
    for (let index = this.#cursor % this.#perSlice; index < this.#perSlice; index++, this.#cursor++)
      if (readRefcount(slice, index, this.#bits) === 0) return true
    return false
  }

  /** The block takes the first cluster it counts; all of them were free. */
  #addBlock(index: number): void {
    const at = this.#cursor * this.#clusterSize
    this.#slices.forget(at, this.#clusterSize)
    this.#host.zeroCluster(at)
    this.#host.use(at, this.#clusterSize)
    this.#table.blocks[index] = at
    this.#newBlocks.add(index)
    this.#guard.add(this.#cursor)
    this.#set(this.#cursor, 1)
    this.#cursor++
  }

  /**
   * Every cluster that the table can count is used: a larger one goes behind them all, with the blocks that count
   * it, and then the header is changed to name it.
   */
  #growTable(): void {
    const plan = planLargerTable(this.#table, this.#host, this.#bits)
    this.#slices.write()
    for (let index = plan.firstBlock; index <= plan.lastBlock; index++)
      this.#host.write(plan.blocks[index]!, formatBlock(plan, index, this.#clusterSize, this.#bits))
    this.#host.write(plan.offset, formatTable(plan.blocks, 0, plan.blocks.length))
    this.#host.pad()
    this.#host.store.flush()
    try {
      this.#host.write(REFCOUNT_TABLE_FIELD, formatRefcountTableField(plan.offset, plan.clusters))
      this.#host.store.flush()
    } catch (error) {
      this.#moveFailure = error
      throw error
    }
    this.#install(plan)
  }

  #install(plan: TablePlan): void {
    const old = this.#table
    this.#table = plan
    this.#newBlocks.clear()
    this.#slices.settle()
    this.#slices.forget(plan.offset, (plan.end - plan.first) * this.#clusterSize)
    for (let cluster = plan.first; cluster < plan.end; cluster++) this.#guard.add(cluster)
    this.#host.use(plan.offset, (plan.end - plan.first) * this.#clusterSize)
    const oldFirst = old.offset / this.#clusterSize
    for (let cluster = oldFirst; cluster < oldFirst + old.clusters; cluster++) {
      this.#guard.delete(cluster)
      if (this.get(cluster) > 0) this.release(cluster)
    }
    // Behind the file's old end there may be room that the old table could not count.
    this.#cursor = Math.min(this.#cursor, old.blocks.length * this.#perBlock)
  }

  /** One reference less, as soon as nothing on stable storage points to the cluster. Only after `requireUsed`. */
  release(cluster: number): void {
    this.#released.set(cluster, (this.#released.get(cluster) ?? 0) + 1)
  }

  /** @throws VivariumError kind `corrupt` for a cluster that something points to, and that is counted as free. */
  requireUsed(cluster: number): void {
    if (this.get(cluster) > (this.#released.get(cluster) ?? 0)) return
    throw corrupt(
      this.#host.store,
      'qcow2-refcount-too-low',
      `Cluster ${cluster} is in use, and its refcount is ${this.get(cluster)}.`,
      { offset: cluster * this.#clusterSize, field: 'refcount' },
    )
  }

  get hasNewBlocks(): boolean {
    return this.#newBlocks.size > 0
  }

  /** First: the counts, before anything points to what they count. */
  writeBlocks(): void {
    this.#slices.write()
  }

  /** Second: the table, once its new blocks are on stable storage. */
  writeTable(): void {
    const perSector = 64
    const sectors = new Set([...this.#newBlocks].map((index) => Math.floor(index / perSector)))
    for (const sector of sectors) {
      const bytes = formatTable(this.#table.blocks, sector * perSector, perSector)
      this.#host.write(this.#table.offset + sector * bytes.length, bytes)
    }
  }

  /** Last: all of it is on stable storage, and so is that nothing points to the released clusters any more. */
  settle(): void {
    this.#newBlocks.clear()
    this.#slices.settle()
    if (this.#released.size === 0) return
    for (const [cluster, count] of this.#released) {
      const left = this.get(cluster) - count
      this.#set(cluster, left)
      this.#released.delete(cluster)
      if (left > 0) continue
      this.#cursor = Math.min(this.#cursor, cluster)
      this.#host.store.punch?.(cluster * this.#clusterSize, this.#clusterSize)
    }
    this.#slices.write()
  }
}
