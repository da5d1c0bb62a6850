import { type ByteStore, type Problem, plural } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { NEXT_CHECK, nextRepair } from '../../next-steps.ts'
import {
  type Directories,
  GRAIN_ABSENT,
  GRAIN_ZERO,
  isTableInside,
  readTable,
  tableBytes,
} from './grain-tables.ts'
import type { SparseLayout } from './sparse-header.ts'

export interface SparseSurvey {
  /** Bytes of guest data. */
  readonly allocated: number
  readonly problems: readonly Problem[]
}

/** Counts grains, and what no file can really have: grains or tables outside of it, or on top of each other. */
export function surveySparse(store: ByteStore, layout: SparseLayout, directories: Directories): SparseSurvey {
  const fileSize = store.size()
  const counts = { grains: 0, outside: 0, overlapping: 0, tablesOutside: 0 }
  const grains = new GrainPlaces(fileSize, layout)
  const tables = new Set<number>()
  for (const sector of directories.primary) {
    if (sector === 0) continue
    if (!isTableInside(layout, sector, fileSize)) {
      counts.tablesOutside++
      continue
    }
    // Each table once: a small file cannot make this loop longer than itself.
    if (tables.has(sector)) {
      counts.overlapping++
      continue
    }
    tables.add(sector)
    for (const entry of readTable(store, layout, sector)) {
      if (entry === GRAIN_ABSENT || (entry === GRAIN_ZERO && layout.zeroedGrains)) continue
      counts.grains++
      if (!isGrainInside(layout, entry, fileSize)) counts.outside++
      else if (!layout.packed && !grains.add(entry)) counts.overlapping++
    }
  }
  counts.overlapping += grains.overlapsOfOthers()
  for (const sector of tables) if (grains.covers(sector, tableBytes(layout) / SECTOR)) counts.overlapping++
  return { allocated: counts.grains * layout.grainBytes, problems: problemsOf(store, counts, directories) }
}

/** Packed grains have any length; one sector of theirs at least must be there. */
function isGrainInside(layout: SparseLayout, sector: number, fileSize: number): boolean {
  const length = layout.packed ? 1 : layout.grainBytes
  return sector * SECTOR + length <= fileSize
}

function problemsOf(
  { name: path }: ByteStore,
  counts: { grains: number; outside: number; overlapping: number; tablesOutside: number },
  { repaired }: Directories,
): Problem[] {
  const problems: Problem[] = []
  const report = (code: string, message: string, next: string) =>
    problems.push({ code, severity: 'error', message, next, where: { path, field: 'grain tables' } })
  if (counts.tablesOutside > 0)
    report(
      'vmdk-table-outside-file',
      `${plural(counts.tablesOutside, 'grain table does', 'grain tables do')} not lie within the file.`,
      NEXT_CHECK,
    )
  if (counts.outside > 0)
    report(
      'vmdk-grain-outside-file',
      `${counts.outside} of ${counts.grains} grains do not lie within the file.`,
      NEXT_CHECK,
    )
  if (counts.overlapping > 0)
    report(
      'vmdk-grains-overlap',
      `${plural(counts.overlapping, 'grain or table lies', 'grains or tables lie')} on top of others.`,
      NEXT_CHECK,
    )
  if (repaired > 0)
    report(
      'vmdk-directory-damaged',
      `${plural(repaired, 'entry of the grain directory is', 'entries of the grain directory are')} damaged; its copy tells what was there.`,
      nextRepair(path),
    )
  return problems
}

/**
 * Finds overlaps with one bit for each grain the file has room for. Nearly all grains have the same remainder of
 * their position by the grain size, so cells of that size, shifted by it, tell; the others are compared one by one.
 */
class GrainPlaces {
  readonly #grainSectors: number
  readonly #cells: Uint8Array
  #shift: number | undefined
  readonly #others: number[] = []

  constructor(fileSize: number, layout: SparseLayout) {
    this.#grainSectors = layout.grainBytes / SECTOR
    this.#cells = new Uint8Array(layout.packed ? 0 : Math.ceil(fileSize / layout.grainBytes / 8) + 1)
  }

  /** False when it lies on another one, as far as is known yet. */
  add(sector: number): boolean {
    const remainder = sector % this.#grainSectors
    this.#shift ??= remainder
    if (remainder !== this.#shift) {
      this.#others.push(sector)
      return true
    }
    const cell = (sector - remainder) / this.#grainSectors
    const bit = 1 << (cell & 7)
    const free = (this.#cells[cell >>> 3]! & bit) === 0
    this.#cells[cell >>> 3]! |= bit
    return free
  }

  covers(sector: number, count: number): boolean {
    const shift = this.#shift
    if (shift === undefined) return false
    const first = Math.floor((sector - shift) / this.#grainSectors)
    const last = Math.floor((sector + count - 1 - shift) / this.#grainSectors)
    for (let cell = Math.max(0, first); cell <= last; cell++)
      if (((this.#cells[cell >>> 3] ?? 0) & (1 << (cell & 7))) !== 0) return true
    return false
  }

  overlapsOfOthers(): number {
    const sorted = Float64Array.from(this.#others).sort()
    let count = 0
    for (const [index, sector] of sorted.entries()) {
      const before = sorted[index - 1]
      if (before !== undefined && sector - before < this.#grainSectors) count++
      else if (this.covers(sector, this.#grainSectors)) count++
    }
    return count
  }
}
