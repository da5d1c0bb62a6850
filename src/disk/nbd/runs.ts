import type { Disk } from '../disk.ts'
import type { Run } from './answers.ts'

/**
 * Joins a disk's extents into runs of data and zeroes. A zero run shorter than `smallestHole` counts as data:
 * describing it would cost more than sending it. Stops after `limit` runs or 64 times as many extents, so a map
 * that changes with every sector cannot keep the server busy.
 */
export function runsOf(
  disk: Disk,
  offset: number,
  length: number,
  options: { smallestHole: number; limit: number },
): Run[] {
  const runs: Run[] = []
  let budget = options.limit * 64
  for (const extent of disk.extents(offset, length)) {
    const zero = extent.kind === 'zero' && extent.length >= options.smallestHole
    const last = runs.at(-1)
    if (last?.zero === zero) runs[runs.length - 1] = { length: last.length + extent.length, zero }
    else if (runs.length === options.limit) break
    else runs.push({ length: extent.length, zero })
    if (--budget === 0) break
  }
  return runs
}

/** Extents looked at before a range counts as too broken up to tell quickly. */
const ZERO_EXTENTS = 4096

/** Whether the whole range is quickly known to read as zero, with nothing stored for it. */
export function isZeroRange(disk: Disk, offset: number, length: number): boolean {
  let budget = ZERO_EXTENTS
  for (const { kind } of disk.extents(offset, length)) if (kind !== 'zero' || --budget === 0) return false
  return true
}
