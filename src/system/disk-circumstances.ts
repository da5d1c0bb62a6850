import { basename } from 'node:path'
import type { Problem } from '../base/index.ts'
import type { ResolvedLayer } from './disk-chains.ts'
import { childrenOf } from './disk-children.ts'
import { isOpenForWriting } from './disk-locks.ts'
import { readMergeMarker } from './merge-marker.ts'
import { unfinishedWork } from './unfinished-work.ts'

/**
 * What is to be known of a chain besides its files' content: who writes to it now, which disks lie on it, and merges
 * and repairs that were begun and not ended. Cheap: claims, marks, and the structures of the files in the disk's own folder.
 * @param layers Topmost first.
 */
export function circumstancesOf(layers: readonly ResolvedLayer[]): Problem[] {
  const [top, ...below] = layers
  if (top === undefined) return []
  return [
    ...beingWritten(top.path, 'note'),
    ...below.flatMap(({ path }) => beingWritten(path, 'warning')),
    ...unfinishedIn(layers),
    ...hasChildren(top),
  ]
}

/** For whoever reads a disk to copy it or to tell what is in it. */
export function beingWritten(path: string, severity: Problem['severity']): Problem[] {
  if (!isOpenForWriting(path)) return []
  return [
    {
      code: 'disk-being-written',
      severity,
      message: `${basename(path)} is open for writing: what is read now may be old and new in a mixture.`,
      next: 'Turn off the machine that uses it first, to read a state that the guest would know.',
      where: { path },
    },
  ]
}

/**
 * Merges and repairs that were begun on a file of the chain and not ended, for whoever reads the disk.
 * @param layers Topmost first.
 */
export function unfinishedIn(layers: readonly ResolvedLayer[]): Problem[] {
  return layers.flatMap(({ path }, index) => notEnded(path, layers.slice(0, index)))
}

/** The merged disk covers what was written below it; anything else on that disk shows a mixture. */
function notEnded(path: string, above: readonly ResolvedLayer[]): Problem[] {
  return unfinishedWork(path).map((problem) =>
    problem.code === 'merge-not-ended' && isMergedAbove(path, above)
      ? { ...problem, severity: 'note' }
      : problem,
  )
}

function isMergedAbove(path: string, above: readonly ResolvedLayer[]): boolean {
  const marker = readMergeMarker(path)
  return above.some(({ path: layer, facts }) => layer === marker?.child || isId(facts.id, marker?.childId))
}

function isId(id: string | undefined, other: string | undefined): boolean {
  return id !== undefined && id === other
}

function hasChildren({ path, facts }: ResolvedLayer): Problem[] {
  const children = childrenOf(path, facts, [])
  if (children.length === 0) return []
  const names = children.slice(0, 5).map((child) => basename(child))
  const more = children.length > names.length ? ` and ${children.length - names.length} more` : ''
  return [
    {
      code: 'disk-is-a-parent',
      severity: 'note',
      message: `The disk is the parent of ${names.join(', ')}${more}: writing to it damages ${children.length === 1 ? 'that disk' : 'those disks'}.`,
      next: 'Put an undo disk or a linked clone on top of it, and write there.',
      where: { path },
    },
  ]
}
