import { type Problem, VivariumError } from '../base/index.ts'
import { mergeProblem } from './merge-marker.ts'
import { repairProblem } from './repair-backup.ts'

/** What may be begun on a disk file and not ended, by a kill or a power failure; a file beside the disk says so. */
export type Work = 'merge' | 'repair'

/** Who may claim a disk for writing all the same: whoever ends that work, or does not mind any. */
export type EvenIfUnfinished = Work | 'any'

const problemOf: Readonly<Record<Work, (path: string) => Problem | undefined>> = {
  merge: mergeProblem,
  repair: repairProblem,
}

/**
 * Work on this disk file that was begun and not ended: until then the file is between two states. One look-up each,
 * by a name that follows from the file's.
 */
export function unfinishedWork(path: string, except?: EvenIfUnfinished): Problem[] {
  if (except === 'any') return []
  const found: Problem[] = []
  for (const work of ['merge', 'repair'] as const) {
    const problem = work === except ? undefined : problemOf[work](path)
    if (problem !== undefined) found.push(problem)
  }
  return found
}

/** @throws VivariumError kind `conflict`, code `merge-not-ended` or `repair-not-ended`. */
export function demandFinished(path: string, except?: EvenIfUnfinished): void {
  const [problem] = unfinishedWork(path, except)
  if (problem !== undefined) throw conflictOf(problem, path)
}

/**
 * For a file below one that is written: what a merge left half-written there is covered by the disk that it merged, but
 * half a repair shows through. @throws VivariumError kind `conflict`, code `repair-not-ended`.
 */
export function demandRepaired(path: string): void {
  const problem = repairProblem(path)
  if (problem !== undefined) throw conflictOf(problem, path)
}

function conflictOf({ code, message, next }: Problem, path: string): VivariumError {
  return new VivariumError('conflict', code, message, {
    where: { path },
    ...(next !== undefined && { next }),
  })
}
