import { VivariumError } from '../base/index.ts'
import { check } from './check.ts'
import { clone } from './clone.ts'
import { compact } from './compact.ts'
import { compare } from './compare.ts'
import { convert } from './convert.ts'
import { copyOut } from './copy-out.ts'
import { create } from './create.ts'
import { expand } from './expand.ts'
import { merge } from './merge.ts'
import type { Operation } from './operation.ts'
import { repair } from './repair.ts'
import { reparent } from './reparent.ts'
import { split } from './split.ts'
import { undoCommit, undoRecover } from './undo/operations.ts'

/** Every operation on disk files; adding one is a file beside this one and a line here. */
export const operations = [
  check,
  clone,
  compact,
  compare,
  convert,
  copyOut,
  create,
  expand,
  merge,
  repair,
  reparent,
  split,
  undoCommit,
  undoRecover,
] as const satisfies readonly Operation[]

/** For whoever has a name from outside; the spec then passes through its schema. @throws VivariumError kind `not-found`. */
export function operationNamed(name: string): Operation {
  const table = operations as readonly Operation[]
  const found = table.find((operation) => operation.name === name)
  if (found !== undefined) return found
  throw new VivariumError('not-found', 'no-such-operation', `There is no operation "${name}" on disks.`, {
    next: `There are: ${table.map((operation) => operation.name).join(', ')}.`,
  })
}
