import type { MachineDetails, MachineSummary, ServerEvent, Task } from '../../api/index.ts'

/** How a live message changes what the cache holds. Pure: the link writes the results back. */

/** Newest first. A message may name all tasks or only the changed ones. */
export function mergeTasks(known: readonly Task[], changed: readonly Task[]): Task[] {
  const byId = new Map(known.map((task) => [task.id, task]))
  for (const task of changed) byId.set(task.id, task)
  return [...byId.values()].sort((a, b) => b.startedAt.localeCompare(a.startedAt))
}

/** Running, or waiting for its turn. */
export function isActive({ state }: Task): boolean {
  return state === 'running' || state === 'waiting'
}

/** Tasks that ended between two lists: what to tell the person about. */
export function endedTasks(known: readonly Task[], changed: readonly Task[]): Task[] {
  const active = new Set(known.filter(isActive).map((task) => task.id))
  return changed.filter((task) => !isActive(task) && active.has(task.id))
}

/** Puts an event before the first page, once. */
export function addEvent(pages: readonly ServerEvent[][], event: ServerEvent): ServerEvent[][] {
  const [first = [], ...rest] = pages
  if (first.some((known) => known.id === event.id)) return [...pages]
  return [[event, ...first], ...rest]
}

export function mergeDetails(details: MachineDetails, summary: MachineSummary): MachineDetails {
  const merged = { ...details, ...summary }
  // What is absent from a summary has ended; spreading alone would keep it.
  if (summary.engine === undefined) delete merged.engine
  if (summary.startedAt === undefined) delete merged.startedAt
  if (summary.lastError === undefined) delete merged.lastError
  return merged
}

/** True when a change of the summary says that the details (drives, refusals, command line) changed too. */
export function needsDetails(details: MachineDetails, summary: MachineSummary): boolean {
  const facts = (machine: MachineSummary) =>
    JSON.stringify([
      machine.state,
      machine.startedAt,
      machine.memoryMB,
      machine.engineWish,
      machine.engine,
      machine.undo.enabled,
      machine.undo.pending,
      machine.problems,
      machine.lastError,
    ])
  return facts(details) !== facts(summary)
}
