import type { NbdExport } from '../../disk/index.ts'

/** A guest that never flushes loses at most this much when the host dies. Milliseconds. */
const INTERVAL_MS = 1000
/** On a slow host flushes come less often: at most this share of the time is spent in them. */
const SHARE = 0.1

/**
 * Flushes what was written, about every second. A disk whose flush fails is tried again at the next turn: the
 * host may have room again by then.
 */
export class FlushSchedule {
  readonly #exports: readonly NbdExport[]
  #due = 0

  constructor(exports: readonly NbdExport[]) {
    this.#exports = exports
  }

  /** @param clock a monotonic time in milliseconds. */
  run(clock: () => number): void {
    const start = clock()
    if (start < this.#due || !this.#exports.some(({ unflushed }) => unflushed)) return
    for (const disk of this.#exports) if (disk.unflushed) tryFlush(disk)
    const end = clock()
    this.#due = end + Math.max(INTERVAL_MS, (end - start) / SHARE)
  }
}

function tryFlush(disk: NbdExport): void {
  try {
    disk.flush()
  } catch (error) {
    disk.fail('flush', 0, 0, error)
  }
}
