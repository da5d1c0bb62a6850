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
  return [{ field: path.join('.'), message: `${issue.message}.` }]
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
