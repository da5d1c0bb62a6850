import { dirname } from 'node:path'
import type { Problem } from '../base/index.ts'
import { type ImageFacts, type ParentReference, quoted } from '../disk/index.ts'

/** What can be wrong between a child and its parent, in words. */
export interface Child {
  readonly path: string
  readonly facts: ImageFacts
}

export function parentWarnings(
  child: Child,
  path: string,
  reference: ParentReference,
  facts: ImageFacts,
): Problem[] {
  const problems: Problem[] = facts.problems.filter(({ severity }) => severity !== 'note')
  // Windows 10 writes 0 into every child: that says nothing.
  if (reference.stamp !== 0 && facts.stamp !== reference.stamp) {
    problems.push({
      code: 'parent-time-mismatch',
      severity: 'warning',
      message: `The parent ${path} bears another time stamp than its child recorded: it may have been changed since.`,
      next: 'Make sure that nothing wrote to the parent; if something did, the child may be damaged.',
      where: { path: child.path, field: 'parent time stamp' },
    })
  }
  if (reference.id === undefined) {
    problems.push({
      code: 'parent-by-name',
      severity: 'note',
      message: `The disk records no id of its parent: ${path} was taken by its name alone.`,
      where: { path: child.path, field: 'parent' },
    })
  }
  if (facts.sizeBytes !== child.facts.sizeBytes) {
    problems.push({
      code: 'parent-size-mismatch',
      // Formats that know their parent by name only also let a child be larger, and many are.
      severity: reference.id === undefined ? 'note' : 'warning',
      message: `The disk has ${child.facts.sizeBytes} bytes and its parent ${facts.sizeBytes}; what the parent lacks reads as zero.`,
      next: 'Make sure that this is the right parent.',
      where: { path: child.path },
    })
  }
  return problems
}

export function parentMissing(child: Child, recordedAs: readonly string[]): Problem {
  return {
    code: 'parent-missing',
    severity: 'error',
    message: `The parent of ${child.path} is not there. It was recorded as ${recordedAs.map((name) => `"${name}"`).join(', ') || 'nothing'}.`,
    next: `Put the parent beside that file, or let it be found: vivarium disk reparent ${quoted(child.path)} --search FOLDER (on the site: Find parent).`,
    where: { path: child.path, field: 'parent' },
  }
}

export const PARENT_RAW_ELSEWHERE = 'parent-raw-elsewhere'

export function parentRawElsewhere(child: Child, path: string): Problem {
  return {
    code: PARENT_RAW_ELSEWHERE,
    severity: 'error',
    message: `The disk names ${path} as its parent, to be read as a raw image. Any file can be read so: in another folder it is left alone.`,
    next: `If it is the parent, name its folder: --search ${quoted(dirname(path))}.`,
    where: { path: child.path, field: 'parent' },
  }
}

/** For who makes such a child: how it is read later. */
export function rawParentNote(childPath: string, parentPath: string): Problem | undefined {
  if (dirname(childPath) === dirname(parentPath)) return undefined
  return {
    code: PARENT_RAW_ELSEWHERE,
    severity: 'note',
    message: 'Its parent is a raw image in another folder, which is read only where that folder is named.',
    next: `Add --search ${quoted(dirname(parentPath))} to the commands that read the disk, or put both into one folder.`,
    where: { path: childPath },
  }
}

export function parentIdMismatch(
  child: Child,
  path: string,
  reference: ParentReference,
  facts: ImageFacts,
): Problem {
  return {
    code: 'parent-id-mismatch',
    severity: 'error',
    message: `${path} is not the parent of ${child.path}: its id is ${facts.id ?? 'none'}, and ${reference.id} is needed.`,
    next: 'Find the disk this one was made from; with another one below it the content would be wrong.',
    where: { path: child.path, field: 'parent id' },
  }
}

export function parentCycle(child: Child, path: string): Problem {
  return {
    code: 'parent-cycle',
    severity: 'error',
    message: `The chain of parents comes back to ${path}.`,
    next: 'One of the files was copied over another: restore the base disk from its source.',
    where: { path: child.path, field: 'parent' },
  }
}
