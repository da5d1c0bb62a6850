import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { writeZeroes } from '../../expand.ts'
import { SECTOR } from '../../format.ts'
import { nextConvert } from '../../next-steps.ts'
import {
  GRAIN_ABSENT,
  GRAIN_ZERO,
  GrainTables,
  readDirectories,
  tableBytes,
  u32Bytes,
} from './grain-tables.ts'
import { readSparseExtent, type SparseExtent } from './sparse-extent.ts'
import type { SparseLayout } from './sparse-header.ts'

/** Where the header has the capacity, in sectors of 64 bits. */
const CAPACITY_AT = 12

/** @throws VivariumError unless `growSparseExtent` can make this many sectors of the file's first `sectors`. */
export function requireGrowableSparse(store: ByteStore, sectors: number, wanted: number): void {
  const extent = readSparseExtent(store, undefined)
  const { layout } = extent
  const [damage] = extent.survey().problems
  if (damage !== undefined)
    throw new VivariumError('corrupt', damage.code, damage.message, {
      where: { path: store.name },
      ...(damage.next !== undefined && { next: damage.next }),
    })
  const why = layout.packed
    ? 'is compressed'
    : directorySectors(tablesFor(layout, wanted)) > directorySectors(layout.tables)
      ? 'has no room for more grain tables'
      : storesBehind(store, extent, sectors)
        ? 'holds something behind its end'
        : undefined
  if (why === undefined) return
  throw new VivariumError(
    'unsupported',
    'vmdk-extent-cannot-grow',
    `The last extent ${why}: it cannot become larger.`,
    { where: { path: store.name }, next: nextConvert(store.name) },
  )
}

function tablesFor({ grainBytes, entriesPerTable }: SparseLayout, sectors: number): number {
  return Math.ceil(Math.ceil((sectors * SECTOR) / grainBytes) / entriesPerTable)
}

/** Whatever else lies in the file begins at a sector of its own. */
function directorySectors(tables: number): number {
  return Math.ceil((tables * 4) / SECTOR)
}

/** Grains that the disk does not show, as its descriptor has less of the extent. */
function storesBehind(store: ByteStore, { layout }: SparseExtent, sectors: number): boolean {
  const tables = new GrainTables(store, layout, readDirectories(store, layout))
  const first = Math.ceil((sectors * SECTOR) / layout.grainBytes)
  for (let grain = first; grain < Math.ceil(layout.sizeBytes / layout.grainBytes); grain++)
    if (tables.entry(grain) !== GRAIN_ABSENT) return true
  return false
}

/**
 * Gives a sparse extent more sectors, in two steps with the file flushed behind each of them:
 *
 *   1. zeroes in the last grain, behind the disk's end; new grain tables, without entries, behind the file's end; the
 *      directories point at them where they had no entries yet
 *   2. the header has the new capacity: until then nobody looks at any of it
 *
 * All tables are there from the start, as in new extents: not every product places missing ones.
 */
export function growSparseExtent(store: ByteStore, sectors: number, wanted: number): void {
  const { layout } = readSparseExtent(store, undefined)
  const { directoryAt, redundantAt, grainBytes, tables: before } = layout
  clearTail(store, layout, sectors)
  const added = tablesFor(layout, wanted) - before
  const copies = redundantAt === undefined ? [directoryAt] : [directoryAt, redundantAt]
  const at = Math.ceil(store.size() / grainBytes) * grainBytes
  const bytes = tableBytes(layout)
  if (added > 0) {
    store.truncate(Math.ceil((at + added * copies.length * bytes) / grainBytes) * grainBytes)
    for (const [copy, directory] of copies.entries()) {
      const first = (at + copy * added * bytes) / SECTOR
      const entries = Uint32Array.from({ length: added }, (_, index) => first + (index * bytes) / SECTOR)
      store.write(directory + before * 4, u32Bytes(entries))
    }
  }
  store.flush()
  const capacity = new Uint8Array(8)
  new DataView(capacity.buffer).setBigUint64(0, BigInt(wanted), true)
  store.write(CAPACITY_AT, capacity)
  store.flush()
}

/** Bytes of the last grain that the disk did not show. */
function clearTail(store: ByteStore, layout: SparseLayout, sectors: number): void {
  const { grainBytes, zeroedGrains } = layout
  const used = (sectors * SECTOR) % grainBytes
  if (used === 0) return
  const tables = new GrainTables(store, layout, readDirectories(store, layout))
  const entry = tables.entry(Math.floor((sectors * SECTOR) / grainBytes))
  if (entry === GRAIN_ABSENT || (entry === GRAIN_ZERO && zeroedGrains)) return
  const at = entry * SECTOR + used
  const end = Math.min(entry * SECTOR + grainBytes, store.size())
  if (end > at) writeZeroes(store, at, end - at)
}
