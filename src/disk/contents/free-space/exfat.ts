import { viewOf } from '../../../base/index.ts'
import type { Volume } from '../volume.ts'
import { type AllocationMap, bitmapRuns, damaged, demand, isSet, notClean, notKnown } from './allocation.ts'

/**
 * exFAT (Microsoft's specification 1.00): a bitmap of the clusters, found by the entry of type 81 in the root folder.
 * Both are chains of the table, like files. The boot sector is confirmed by a checksum in sector 11.
 */
const BITMAP_ENTRY = 0x81
const FIRST_CLUSTER = 2
/** 256 entries of 32 bytes hold label, bitmap and upper-case table even where a guest put files before them. */
const MAX_ROOT_BYTES = 1 << 20

interface ExfatLayout {
  readonly fatOffset: number
  readonly fatEntries: number
  readonly heapOffset: number
  readonly clusterBytes: number
  readonly clusters: number
  readonly rootCluster: number
}

export function exfatAllocation(volume: Volume): AllocationMap {
  const layout = layoutOf(volume)
  const { heapOffset, clusterBytes, clusters, rootCluster } = layout
  const root = chainOf(volume, layout, rootCluster, MAX_ROOT_BYTES)
  const { first, length } = bitmapEntry(volume, layout, root)
  if (length !== Math.ceil(clusters / 8)) throw damaged('The length of its bitmap does not fit its clusters.')
  const chain = chainOf(volume, layout, first, length)
  const bytes = (at: number, count: number) => chainBytes(volume, layout, chain, at, count)
  for (const cluster of [...root, ...chain]) {
    const bit = cluster - FIRST_CLUSTER
    if (!isSet(bytes(bit >>> 3, 1), bit & 7)) throw damaged('Its own structures lie in free clusters.')
  }
  return {
    unitBytes: clusterBytes,
    start: heapOffset,
    count: clusters,
    freeRuns: (from) => bitmapRuns(bytes, clusters, from),
  }
}

function layoutOf(volume: Volume): ExfatLayout {
  const boot = demand(volume, 0, 512)
  const view = viewOf(boot)
  const [sectorShift, clusterShift] = [boot[108]!, boot[109]!]
  if (sectorShift < 9 || sectorShift > 12 || sectorShift + clusterShift > 25)
    throw damaged('Its sizes of sector and cluster cannot be.')
  demandChecksum(volume, 2 ** sectorShift)
  const sectors = (at: number) => view.getUint32(at, true) * 2 ** sectorShift
  const layout = {
    fatOffset: sectors(80),
    fatEntries: sectors(84) / 4,
    heapOffset: sectors(88),
    clusterBytes: 2 ** (sectorShift + clusterShift),
    clusters: view.getUint32(92, true),
    rootCluster: view.getUint32(96, true),
  }
  const end = Number(view.getBigUint64(72, true)) * 2 ** sectorShift
  if (layout.heapOffset + layout.clusters * layout.clusterBytes > end || end > volume.sizeBytes)
    throw damaged('It is larger than its partition.')
  if (
    layout.fatEntries < layout.clusters + FIRST_CLUSTER ||
    layout.fatOffset + sectors(84) > layout.heapOffset
  )
    throw damaged('Its table is too short for its clusters.')
  if (boot[110] !== 1) throw notKnown('It keeps two tables, for transactions.')
  // Volume flags: 1 = the second table is in use, 2 = dirty, 4 = media failure.
  if ((view.getUint16(106, true) & 7) !== 0) throw notClean('It was not shut down in order.')
  return layout
}

/** Over the first eleven sectors, without the flags and the percentage, which change while it is in use. */
function demandChecksum(volume: Volume, sectorBytes: number): void {
  const bytes = demand(volume, 0, 12 * sectorBytes)
  let sum = 0
  for (let at = 0; at < 11 * sectorBytes; at++) {
    if (at === 106 || at === 107 || at === 112) continue
    sum = (((sum << 31) | (sum >>> 1)) + bytes[at]!) >>> 0
  }
  if (viewOf(bytes).getUint32(11 * sectorBytes, true) !== sum) throw damaged('Its boot checksum is wrong.')
}

/** The clusters of a chain, as many as `bytes` need; a chain that ends sooner is taken for what it is. */
function chainOf(volume: Volume, layout: ExfatLayout, first: number, bytes: number): number[] {
  const chain: number[] = []
  const limit = Math.ceil(bytes / layout.clusterBytes)
  for (let cluster = first; chain.length < limit; ) {
    if (cluster < FIRST_CLUSTER || cluster >= layout.clusters + FIRST_CLUSTER)
      throw damaged('A chain of its table leads outside.')
    chain.push(cluster)
    cluster = viewOf(demand(volume, layout.fatOffset + cluster * 4, 4)).getUint32(0, true)
    if (cluster === 0xffff_ffff) break
  }
  return chain
}

function chainBytes(
  volume: Volume,
  { heapOffset, clusterBytes }: ExfatLayout,
  chain: readonly number[],
  at: number,
  count: number,
): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let done = 0; done < count; ) {
    const cluster = chain[Math.floor((at + done) / clusterBytes)]
    if (cluster === undefined) throw damaged('A chain of its table is too short.')
    const within = (at + done) % clusterBytes
    const length = Math.min(count - done, clusterBytes - within)
    bytes.set(demand(volume, heapOffset + (cluster - FIRST_CLUSTER) * clusterBytes + within, length), done)
    done += length
  }
  return bytes
}

function bitmapEntry(
  volume: Volume,
  layout: ExfatLayout,
  root: readonly number[],
): { readonly first: number; readonly length: number } {
  const bytes = chainBytes(
    volume,
    layout,
    root,
    0,
    Math.min(root.length * layout.clusterBytes, MAX_ROOT_BYTES),
  )
  const view = viewOf(bytes)
  for (let at = 0; at + 32 <= bytes.length && bytes[at] !== 0; at += 32) {
    if (bytes[at] !== BITMAP_ENTRY || (bytes[at + 1]! & 1) !== 0) continue
    return { first: view.getUint32(at + 20, true), length: Number(view.getBigUint64(at + 24, true)) }
  }
  throw damaged('Its root folder names no bitmap.')
}
