import { bytesEqual } from '../../../base/index.ts'
import { type FatLayout, fatLayoutOf } from '../fat.ts'
import { FIRST_CLUSTER, fatEntryBits, fatEntryOf } from '../fat-entries.ts'
import type { Volume } from '../volume.ts'
import {
  type AllocationMap,
  damaged,
  demand,
  notClean,
  notKnown,
  PIECE_BYTES,
  type UnitRun,
} from './allocation.ts'

/**
 * FAT12, FAT16, FAT32 (Microsoft's FAT specification 1.03, section 4): an entry of 12, 16 or 28 bits for each cluster,
 * 0 = free. Clusters count from 2; entries 0 and 1 hold the media byte and, from FAT16 on, whether the volume was left
 * in order. The table is there twice, and both must say the same.
 */
/** Twelve-bit entries come in pairs of three bytes; a piece holds an even number of entries of any width. */
const PIECE = PIECE_BYTES - (PIECE_BYTES % 24)

export function fatAllocation(volume: Volume): AllocationMap {
  const boot = demand(volume, 0, 512)
  const layout = fatLayoutOf(boot)
  if (layout === undefined) throw damaged('Its boot sector contradicts itself.')
  demandSound(volume, boot, layout)
  const { dataOffset, clusterBytes, clusters } = layout
  return {
    unitBytes: clusterBytes,
    start: dataOffset,
    count: clusters,
    freeRuns: (from) => freeClusters(volume, layout, from),
  }
}

function demandSound(volume: Volume, boot: Uint8Array, layout: FatLayout): void {
  const { kind, fats, fatBytes, clusters, sectors, sectorBytes, rootCluster } = layout
  if (sectors * sectorBytes > volume.sizeBytes) throw damaged('It is larger than its partition.')
  if (Math.ceil(((clusters + FIRST_CLUSTER) * fatEntryBits(kind)) / 8) > fatBytes)
    throw damaged('Its table is too short for its clusters.')
  if (kind === 'FAT16' && clusters >= 65525) throw damaged('It has more clusters than its kind can have.')
  if (fats !== 2) throw notKnown('It has only one copy of its table, which nothing confirms.')
  // Offset 40, bit 7: only one of the tables is kept up to date.
  if (kind === 'FAT32' && (boot[40]! & 0x80) !== 0) throw notKnown('Only one of its two tables is in use.')
  // Windows and Linux set bit 0 here while the volume is mounted.
  if ((boot[kind === 'FAT32' ? 65 : 37]! & 1) !== 0) throw notClean('It was not shut down in order.')
  const entry = (cluster: number) => fatEntryOf(tableAt(volume, layout, cluster, 2), kind, cluster % 2)
  if ((entry(0) & 0xff) !== boot[21]) throw damaged('Its table does not begin with its media byte.')
  const order = { FAT12: 0, FAT16: 0xc000, FAT32: 0x0c00_0000 }[kind]
  if ((entry(1) & order) !== order) throw notClean('It was not shut down in order.')
  if (rootCluster === undefined) return
  if (rootCluster < FIRST_CLUSTER || rootCluster >= clusters + FIRST_CLUSTER || entry(rootCluster) === 0)
    throw damaged('Its root folder lies in a free cluster.')
}

/** The bytes that hold some entries, from both tables. `cluster` is rounded down to an even one. */
function tableAt(volume: Volume, layout: FatLayout, cluster: number, count: number): Uint8Array {
  const { fatOffset, fatBytes, kind } = layout
  const at = (Math.floor(cluster / 2) * 2 * fatEntryBits(kind)) / 8
  const length = Math.min(Math.ceil((count * fatEntryBits(kind)) / 8), fatBytes - at)
  const one = demand(volume, fatOffset + at, length)
  if (!bytesEqual(one, demand(volume, fatOffset + fatBytes + at, length)))
    throw damaged('Its two tables differ.')
  return one
}

function* freeClusters(volume: Volume, layout: FatLayout, from: number): Generator<UnitRun> {
  const { kind, clusters } = layout
  const perPiece = (PIECE * 8) / fatEntryBits(kind)
  const end = clusters + FIRST_CLUSTER
  let first = -1
  for (let base = from + FIRST_CLUSTER - ((from + FIRST_CLUSTER) % perPiece); base < end; base += perPiece) {
    const count = Math.min(perPiece, end - base)
    const table = tableAt(volume, layout, base, count + (count % 2))
    const start = Math.max(base, from + FIRST_CLUSTER)
    for (let cluster = start; cluster < base + count; cluster++) {
      const isFree = fatEntryOf(table, kind, cluster - base) === 0
      if (isFree && first === -1) first = cluster
      if (isFree || first === -1) continue
      yield { first: first - FIRST_CLUSTER, count: cluster - first }
      first = -1
    }
  }
  if (first !== -1) yield { first: first - FIRST_CLUSTER, count: end - first }
}
