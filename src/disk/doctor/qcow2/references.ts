import { viewOf } from '../../../base/index.ts'
import { corrupt } from '../../formats/qcow2/damage.ts'
import { clustersOf, type Layout } from '../../formats/qcow2/dimensions.ts'
import { isCopied, kindOf, offsetOf, packedRangeOf, readOffsets } from '../../formats/qcow2/entries.ts'
import type { Header } from '../../formats/qcow2/header.ts'
import type { SnapshotTable } from '../../formats/qcow2/snapshots.ts'
import type { Surgery } from '../surgery.ts'

/** Two bytes for each cluster of the file: 2 TiB of clusters of 64 KiB. */
export const MAX_CLUSTERS = 1 << 25
const MAX_REFERENCES = 0xffff

/** One entry of an L1 or L2 table, by its place in the file. */
export interface EntryPlace {
  readonly at: number
  /** Where it points; undefined for one that cannot be right. */
  readonly target: number | undefined
  readonly copied: boolean
}

/** Who points to each cluster of the file, and the entries that point where no cluster is. */
export class References {
  readonly counts: Uint16Array
  readonly #clusterSize: number
  readonly wrong: EntryPlace[] = []
  /** Entries of the active disk whose "copied" mark is to agree with the count. */
  readonly marked: EntryPlace[] = []

  constructor(clusters: number, clusterSize: number) {
    this.counts = new Uint16Array(clusters)
    this.#clusterSize = clusterSize
  }

  /** False when a part of the range is not in the file. */
  add(at: number, length: number): boolean {
    const { first, end } = clustersOf(at, length, this.#clusterSize)
    if (length > 0 && end > this.counts.length) return false
    for (let cluster = first; cluster < end; cluster++)
      if (this.counts[cluster]! < MAX_REFERENCES) this.counts[cluster]!++
    return true
  }
}

/** Follows the tables of the active disk and of every snapshot. Refcounts themselves are not counted. */
export function* countReferences(
  surgery: Surgery,
  header: Header,
  layout: Layout,
  snapshots: SnapshotTable,
): Generator<number, References> {
  const { clusterSize } = layout
  const references = new References(Math.ceil(surgery.size / clusterSize), clusterSize)
  references.add(0, clusterSize)
  references.add(snapshots.offset, snapshots.length)
  const tables = [
    { offset: header.l1Offset, entries: header.l1Entries, active: true },
    ...snapshots.snapshots.map(({ l1Offset, l1Entries }) => ({
      offset: l1Offset,
      entries: l1Entries,
      active: false,
    })),
  ]
  for (const [index, { offset, entries, active }] of tables.entries()) {
    if (offset + entries * 8 > surgery.size)
      throw corrupt(
        surgery.store,
        'qcow2-l1-outside-file',
        `The L1 table at byte ${offset} does not lie within the file.`,
        { offset: 40, field: 'L1 table offset' },
      )
    references.add(offset, entries * 8)
    const bytes = surgery.bytesAt(offset, entries * 8)
    const view = viewOf(bytes)
    const targets = readOffsets(bytes)
    for (const [entry, target] of targets.entries()) {
      yield (index + entry / entries) / tables.length
      if (target === 0) continue
      const place = { at: offset + entry * 8, target, copied: isCopied(view.getUint32(entry * 8)) }
      const isTable = target % clusterSize === 0 && references.add(target, clusterSize)
      if (!isTable || target + clusterSize > surgery.size)
        references.wrong.push({ ...place, target: undefined })
      else {
        if (active) references.marked.push(place)
        countTable(surgery, layout, target, active, references)
      }
    }
  }
  return references
}

function countTable(
  surgery: Surgery,
  { clusterSize, clusterBits }: Layout,
  table: number,
  active: boolean,
  references: References,
): void {
  const view = viewOf(surgery.bytesAt(table, clusterSize))
  for (let entry = 0; entry < clusterSize; entry += 8) {
    const high = view.getUint32(entry)
    const low = view.getUint32(entry + 4)
    if (high === 0 && low === 0) continue
    const at = table + entry
    if (kindOf(high, low) === 'packed') {
      const range = packedRangeOf(high, low, clusterBits)
      const length = Math.min(range.length, Math.max(1, surgery.size - range.at))
      if (!references.add(range.at, length)) references.wrong.push({ at, target: undefined, copied: false })
      continue
    }
    const target = offsetOf(high, low)
    if (target === 0) continue
    const place = { at, target, copied: isCopied(high) }
    if (target % clusterSize !== 0 || !references.add(target, clusterSize))
      references.wrong.push({ ...place, target: undefined })
    else if (active) references.marked.push(place)
  }
}
