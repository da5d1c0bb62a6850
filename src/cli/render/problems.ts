import type { Problem } from '../../base/index.ts'

const MARK = { error: 'ERROR  ', warning: 'warning', note: 'note   ' } as const

/** One paragraph a problem: what is wrong, then what to do. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join('\n')
}

function renderProblem({ severity, message, next, where }: Problem): string {
  const place = [
    where?.field,
    where?.offset === undefined ? undefined : `at byte 0x${where.offset.toString(16)}`,
  ].filter((part) => part !== undefined)
  const head = `${MARK[severity]}  ${message}${place.length > 0 ? ` (${place.join(', ')})` : ''}`
  return next === undefined ? head : `${head}\n         -> ${next}`
}
