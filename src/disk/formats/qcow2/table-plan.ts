import { l1EntriesFor } from './dimensions.ts'
import { COPIED, highOf, lowOf } from './entries.ts'
import { writeRefcount } from './refcount-width.ts'

/**
 * A new image, all in whole clusters, with every cluster in use exactly once:
 *
 *   [header][refcount table][refcount blocks][L1 table][L2 tables][data]
 */
export interface TablePlan {
  readonly l1Entries: number
  readonly tableClusters: number
  readonly blocks: number
  /** First clusters. */
  readonly l1First: number
  readonly l2First: number
  readonly dataFirst: number
  /** Clusters of the file. */
  readonly end: number
}

export interface Sizes {
  readonly sizeBytes: number
  readonly clusterSize: number
  readonly refcountBits: number
}

export function planTables(sizes: Sizes, l2Tables: number, dataClusters: number): TablePlan {
  const { sizeBytes, clusterSize, refcountBits } = sizes
  const l1Entries = l1EntriesFor(sizeBytes, clusterSize)
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterSize)
  const perBlock = (clusterSize * 8) / refcountBits
  let tableClusters = 1
  let blocks = 1
  for (;;) {
    const l1First = 1 + tableClusters + blocks
    const l2First = l1First + l1Clusters
    const dataFirst = l2First + l2Tables
    const end = dataFirst + dataClusters
    if (blocks * perBlock < end) blocks = Math.ceil(end / perBlock)
    else if (tableClusters * clusterSize < blocks * 8) tableClusters = Math.ceil((blocks * 8) / clusterSize)
    else return { l1Entries, tableClusters, blocks, l1First, l2First, dataFirst, end }
  }
}

/** The refcount table, then its blocks; the bytes are good until the next ones are asked for. */
export function* refcountPieces(plan: TablePlan, sizes: Sizes): Generator<Uint8Array> {
  const { clusterSize, refcountBits } = sizes
  const perBlock = (clusterSize * 8) / refcountBits
  const table = new DataView(new ArrayBuffer(plan.tableClusters * clusterSize))
  for (let index = 0; index < plan.blocks; index++)
    setOffset(table, index, (1 + plan.tableClusters + index) * clusterSize)
  yield new Uint8Array(table.buffer)
  const block = new DataView(new ArrayBuffer(clusterSize))
  let filled = 0
  for (let index = 0; index < plan.blocks; index++) {
    const used = Math.min(perBlock, plan.end - index * perBlock)
    for (; filled < used; filled++) writeRefcount(block, filled, refcountBits, 1)
    for (; filled > used; filled--) writeRefcount(block, filled - 1, refcountBits, 0)
    yield new Uint8Array(block.buffer)
  }
}

function setOffset(table: DataView, index: number, offset: number, flags = 0): void {
  table.setUint32(index * 8, (highOf(offset) | flags) >>> 0)
  table.setUint32(index * 8 + 4, lowOf(offset))
}

/** An L1 or L2 entry of a cluster that nothing else refers to. */
export function setOwnOffset(table: DataView, index: number, offset: number): void {
  setOffset(table, index, offset, COPIED)
}
