import type { ErrorBody, MachineDetails } from '../../../api/index.ts'
import type { Problem } from '../../../base/index.ts'

/** Everything that is wrong with a machine, each once: what refuses the start first, then its file, then its drives. */
export function problemsOf(machine: MachineDetails): Problem[] {
  const refusals = machine.refusals.map(
    ({ kind: _kind, ...record }): Problem => ({ ...record, severity: 'error' }),
  )
  const all = [
    ...refusals,
    ...(machine.report?.problems ?? []),
    ...machine.drives.flatMap((drive) => drive.problems),
  ]
  const seen = new Set<string>()
  return all.filter((problem) => {
    const key = `${problem.code} ${problem.message}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The last start was refused for a reason that still stands: saying it once is enough. */
export function isAmong(error: ErrorBody, problems: readonly Problem[]): boolean {
  return problems.some(({ code, message }) => code === error.code && message === error.message)
}
