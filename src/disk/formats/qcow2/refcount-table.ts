import { VivariumError } from '../../../base/index.ts'
import { corrupt } from './damage.ts'
import { MAX_REFCOUNT_TABLE_BYTES } from './dimensions.ts'
import { highOf, lowOf, readOffsets } from './entries.ts'
import { type Header, REFCOUNT_TABLE_FIELD } from './header.ts'
import type { HostFile } from './host-file.ts'
import { writeRefcount } from './refcount-width.ts'

/** The upper level of the refcounts: a table in consecutive clusters, of the offsets of blocks. */
export interface RefcountTable {
  readonly offset: number
  readonly clusters: number
  /** Offset of each block; 0 = none, all its counts are 0. */
  readonly blocks: Float64Array<ArrayBuffer>
}

/** A larger table and where it goes. */
export interface TablePlan extends RefcountTable {
  /** The clusters that the new table and its new blocks take. */
  readonly first: number
  readonly end: number
  readonly firstBlock: number
  readonly lastBlock: number
}

/** @throws VivariumError kind `corrupt` when the table, or a block, does not lie within the file. */
export function readRefcountTable(host: HostFile, header: Header): RefcountTable {
  const { refcountTableOffset: offset, refcountTableClusters: clusters } = header
  const bytes = clusters * host.clusterSize
  if (offset % host.clusterSize !== 0 || offset === 0 || offset + bytes > host.endCluster * host.clusterSize)
    throw corrupt(
      host.store,
      'qcow2-refcounts-outside-file',
      `The refcount table (${clusters} clusters at byte ${offset}) does not lie within the file.`,
      { offset: REFCOUNT_TABLE_FIELD, field: 'refcount table' },
    )
  if (bytes > MAX_REFCOUNT_TABLE_BYTES)
    throw corrupt(
      host.store,
      'qcow2-refcounts-too-large',
      `The refcount table has ${bytes} bytes; the limit is ${MAX_REFCOUNT_TABLE_BYTES}.`,
      { offset: REFCOUNT_TABLE_FIELD, field: 'refcount table' },
    )
  const table = new Uint8Array(bytes)
  host.read(offset, table)
  const blocks = readOffsets(table)
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index]!
    if (block % host.clusterSize === 0 && block < host.size) continue
    throw corrupt(
      host.store,
      'qcow2-refcounts-outside-file',
      `Refcount block ${index} should lie at byte ${block}, which is no cluster of the file.`,
      { offset: offset + index * 8, field: 'refcount table' },
    )
  }
  return { offset, clusters, blocks }
}

export function formatTable(blocks: Float64Array, first: number, count: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(count * 8))
  for (let i = 0; i < count; i++) {
    view.setUint32(i * 8, highOf(blocks[first + i]!))
    view.setUint32(i * 8 + 4, lowOf(blocks[first + i]!))
  }
  return new Uint8Array(view.buffer)
}

/** A table of twice the size behind everything, and behind it the blocks that count table and blocks. */
export function planLargerTable(table: RefcountTable, host: HostFile, refcountBits: number): TablePlan {
  const perBlock = (host.clusterSize * 8) / refcountBits
  const first = Math.max(table.blocks.length * perBlock, host.endCluster)
  const firstBlock = Math.floor(first / perBlock)
  let clusters = table.clusters * 2
  let count = 1
  let lastBlock = firstBlock
  for (;;) {
    lastBlock = Math.floor((first + clusters + count - 1) / perBlock)
    if ((lastBlock + 1) * 8 > clusters * host.clusterSize) clusters++
    else if (lastBlock - firstBlock + 1 > count) count++
    else break
  }
  if (clusters * host.clusterSize > MAX_REFCOUNT_TABLE_BYTES) throw fileFull(host)
  const blocks = new Float64Array((clusters * host.clusterSize) / 8)
  blocks.set(table.blocks)
  for (let index = firstBlock; index <= lastBlock; index++)
    blocks[index] = (first + clusters + index - firstBlock) * host.clusterSize
  const end = first + clusters + count
  return { offset: first * host.clusterSize, clusters, blocks, first, end, firstBlock, lastBlock }
}

/** A block that counts only what the plan takes. */
export function formatBlock(
  { first, end }: TablePlan,
  index: number,
  clusterSize: number,
  refcountBits: number,
): Uint8Array<ArrayBuffer> {
  const perBlock = (clusterSize * 8) / refcountBits
  const view = new DataView(new ArrayBuffer(clusterSize))
  const start = index * perBlock
  for (let cluster = Math.max(start, first); cluster < Math.min(start + perBlock, end); cluster++)
    writeRefcount(view, cluster - start, refcountBits, 1)
  return new Uint8Array(view.buffer)
}

function fileFull({ store, size }: HostFile): VivariumError {
  return new VivariumError(
    'unsupported',
    'qcow2-file-full',
    `The file has ${size} bytes, and its refcount table can count no more clusters.`,
    { where: { path: store.name }, next: 'Convert the disk to an image with larger clusters.' },
  )
}
