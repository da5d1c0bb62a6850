import { type ByteStore, viewOf } from '../../../base/index.ts'
import { corrupt } from './damage.ts'
import { clustersOf, MAX_L1_ENTRIES } from './dimensions.ts'
import type { Header } from './header.ts'

/**
 * The table of internal snapshots (specification, "Snapshots"). They stay as they are: what they share with the
 * active disk has a refcount above one and is copied before it is changed.
 *
 *    0   8  offset of the snapshot's L1 table    14   2  length of the name
 *    8   4  its entries                          32   4  bytes of saved machine state
 *   12   2  length of the id                     36   4  length of extra data, which comes first
 */
const ENTRY_BYTES = 40
/** The limits of QEMU, and a smaller one for the whole table: it is read at every opening. */
const MAX_SNAPSHOTS = 65_536
const MAX_EXTRA_BYTES = 1024
const MAX_TABLE_BYTES = 16 << 20

export interface Snapshot {
  readonly name: string
  readonly l1Offset: number
  readonly l1Entries: number
}

export interface SnapshotTable {
  readonly offset: number
  readonly length: number
  readonly snapshots: readonly Snapshot[]
}

/** @throws VivariumError kind `corrupt`. */
export function readSnapshots(
  store: ByteStore,
  { snapshots: count, snapshotsOffset }: Header,
): SnapshotTable {
  const fail = (message: string): never => {
    throw corrupt(store, 'qcow2-snapshots-damaged', message, { offset: 60, field: 'snapshot table' })
  }
  if (count > MAX_SNAPSHOTS) fail(`The image should have ${count} snapshots; the limit is ${MAX_SNAPSHOTS}.`)
  const snapshots: Snapshot[] = []
  let at = snapshotsOffset
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_BYTES > store.size() || at - snapshotsOffset > MAX_TABLE_BYTES)
      fail(`Snapshot ${index} of ${count} should be described at byte ${at}, which is no place for it.`)
    const fixed = new Uint8Array(ENTRY_BYTES)
    store.read(at, fixed)
    const view = viewOf(fixed)
    const extra = view.getUint32(36)
    const idLength = view.getUint16(12)
    const name = new Uint8Array(view.getUint16(14))
    const nameAt = at + ENTRY_BYTES + extra + idLength
    const l1Offset = view.getBigUint64(0)
    if (extra > MAX_EXTRA_BYTES || nameAt + name.length > store.size())
      fail(`Snapshot ${index} of ${count}, described at byte ${at}, does not fit into the file.`)
    if (l1Offset > BigInt(Number.MAX_SAFE_INTEGER) || view.getUint32(8) > MAX_L1_ENTRIES)
      fail(`Snapshot ${index} of ${count} has an impossible L1 table.`)
    store.read(nameAt, name)
    snapshots.push({
      name: new TextDecoder().decode(name),
      l1Offset: Number(l1Offset),
      l1Entries: view.getUint32(8),
    })
    at += Math.ceil((nameAt + name.length - at) / 8) * 8
  }
  return { offset: snapshotsOffset, length: at - snapshotsOffset, snapshots }
}

/** The clusters of the table, and of the snapshots' L1 tables as far as they are not absurdly many. */
export function* snapshotClusters(table: SnapshotTable, clusterSize: number): Generator<number> {
  const ranges = [{ at: table.offset, length: table.length }]
  for (const { l1Offset, l1Entries } of table.snapshots) ranges.push({ at: l1Offset, length: l1Entries * 8 })
  let left = MAX_L1_ENTRIES
  for (const { at, length } of ranges) {
    if (length === 0) continue
    const { first, end } = clustersOf(at, length, clusterSize)
    for (let cluster = first; cluster < end && left > 0; cluster++, left--) yield cluster
  }
}
