import { LOG_SECTOR, type LogEntry, parseEntry } from './log-entry.ts'

/**
 * The active sequence of a log (MS-VHDX 2.3.2 and 2.3.3): entries that follow each other, numbered one by one, the
 * last of which names one of them as its tail. Of several the one with the highest number counts; replay starts at
 * its tail. Undefined: no whole entry bears the file's log GUID.
 */
export function activeSequence(log: Uint8Array, guid: string): LogEntry[] | undefined {
  const known = new Map<number, LogEntry | undefined>()
  const entryAt = (at: number) => {
    if (!known.has(at)) known.set(at, parseEntry(log, at, guid))
    return known.get(at)
  }
  let active: LogEntry[] | undefined
  for (let at = 0; at < log.length; ) {
    const candidate = sequenceFrom(log, at, entryAt)
    const replayed = candidate && fromTail(candidate)
    if (candidate === undefined || replayed === undefined) {
      at += LOG_SECTOR
      continue
    }
    if (active === undefined || replayed.at(-1)!.sequence > active.at(-1)!.sequence) active = replayed
    at = candidate.reduce((end, { length }) => end + length, at)
  }
  return active
}

function sequenceFrom(
  log: Uint8Array,
  at: number,
  entryAt: (at: number) => LogEntry | undefined,
): LogEntry[] | undefined {
  const found: LogEntry[] = []
  for (let next = at; ; ) {
    const entry = entryAt(next)
    const before = found.at(-1)
    if (entry === undefined || (before !== undefined && entry.sequence !== before.sequence + 1n)) break
    found.push(entry)
    next = (next + entry.length) % log.length
  }
  return found.length === 0 ? undefined : found
}

function fromTail(sequence: readonly LogEntry[]): LogEntry[] | undefined {
  const { tail } = sequence.at(-1)!
  const first = sequence.findIndex(({ at }) => at === tail)
  return first < 0 ? undefined : sequence.slice(first)
}
