import type { z } from 'zod'
import type { FieldFault } from '../base/index.ts'

type Issue = z.core.$ZodIssue

/** What a schema has against settings, each at its field. */
export function shapeFaults(error: { readonly issues: readonly Issue[] }): FieldFault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, []))
}

function faultsOfIssue(issue: Issue, below: readonly PropertyKey[]): FieldFault[] {
  const path = [...below, ...issue.path]
  const meant = issue.code === 'invalid_union' ? meantIn(issue.errors) : undefined
  if (meant !== undefined) return meant.flatMap((inner) => faultsOfIssue(inner, path))
  return [{ field: path.join('.'), message: `${wordsOf(issue)}.` }]
}

/** Where a schema says nothing of its own, its library speaks to programmers: what that means for who sets something. */
function wordsOf(issue: Issue): string {
  if (!/^(Too (small|big)|Invalid )/.test(issue.message)) return issue.message
  const of =
    'origin' in issue && issue.origin !== 'number' && issue.origin !== 'int' ? ` ${unitOf(issue.origin)}` : ''
  switch (issue.code) {
    case 'too_small':
      return `It is at least ${issue.minimum}${of}`
    case 'too_big':
      return `It is at most ${issue.maximum}${of}`
    case 'invalid_type':
      return `It is no ${KINDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `It is none of ${issue.values.join(', ')}`
    case 'invalid_format':
      return 'It has not the form that it must have'
    default:
      return issue.message
  }
}

function unitOf(origin: string): string {
  return origin === 'string' ? 'characters long' : 'in number'
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'whole number',
  boolean: 'true or false',
  string: 'text',
  array: 'list',
  object: 'group of settings',
}

/**
 * Of a thing that may have several shapes: what is wrong with the one that was meant, which is the one with the
 * fewest faults. Undefined where that is none, or several.
 */
function meantIn(shapes: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const possible = shapes.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  const [best, next] = [...possible].sort((left, right) => left.length - right.length)
  return best !== undefined && best.length !== next?.length ? best : undefined
}
