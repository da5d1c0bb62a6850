import { MiB } from '../base/index.ts'
import type { Disk, OwnRun, UpperLayers } from '../disk/index.ts'
import { askFor } from '../system/index.ts'

/** Of stored bytes; more would only make whoever reads tables wait behind them. */
const AHEAD_BYTES = 8 * MiB
/** Of the guest's disk, where the tables are asked for. */
const TABLES_AHEAD_BYTES = 1024 * MiB
/** Less is read before it is worth loading what the hints take. */
const LEAST_BYTES = 64 * MiB

/** The runs of the upper layers, in order, with the host reading those that follow while one is at work. */
export function* lookingAhead(upper: UpperLayers, target: Disk): Generator<OwnRun> {
  if (upper.allocatedBytes() < LEAST_BYTES) {
    yield* upper.runs()
    return
  }
  const next: OwnRun[] = []
  let ahead = 0
  let tablesUpTo = 0
  for (const run of upper.runs()) {
    if (run.offset >= tablesUpTo - TABLES_AHEAD_BYTES / 2)
      tablesUpTo = askForTables(upper, target, tablesUpTo)
    next.push({ ...run })
    const asked = Math.min(run.length, AHEAD_BYTES)
    ahead += asked
    if (run.kind === 'data') askFor({ store: run.store, at: run.at, length: asked })
    while (ahead > AHEAD_BYTES && next.length > 1) {
      const first = next.shift()!
      ahead -= Math.min(first.length, AHEAD_BYTES)
      yield first
    }
  }
  yield* next
}

/** Returns up to which guest byte they are asked for now. */
function askForTables(upper: UpperLayers, target: Disk, from: number): number {
  const end = Math.min(upper.sizeBytes, from + TABLES_AHEAD_BYTES)
  for (const table of upper.tables(from, end - from)) askFor(table)
  for (const table of target.tables?.(from, end - from) ?? []) askFor(table)
  return end
}
