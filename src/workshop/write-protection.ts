import { chmodSync, statSync } from 'node:fs'
import { quoted } from '../disk/index.ts'
import { childrenOf, factsOfFile, systemError } from '../system/index.ts'
import type { OperationControl } from './operation.ts'

/**
 * Nobody may write to the file any more, so that what lies on it stays right.
 * @returns What gives the right back that was taken.
 * @throws VivariumError kind `denied` for a file of somebody else; a file that nobody may write to is fine as it is.
 */
export function takeWritingAway(path: string): () => void {
  const taken = statSync(path).mode & 0o222
  if (taken === 0) return () => undefined
  change(path, (mode) => mode & 0o555)
  return () => change(path, (mode) => mode | taken)
}

/**
 * A disk that others were made on may be protected against writing; once one of them is on its own, that may have lost
 * its reason. It is given up only when asked, and not while other disks lie on it; else a note says so.
 * @returns Whether it was given up.
 */
export function decideOnProtection(path: string, giveUp: boolean, control: OperationControl): boolean {
  if ((statSync(path).mode & 0o222) !== 0) return false
  const others = childrenOf(path, factsOfFile(path), control.searchFolders ?? [])
  if (giveUp && others.length === 0) {
    change(path, (mode) => mode | 0o200)
    return true
  }
  control.note({
    code: 'split-parent-protected',
    severity: 'note',
    message:
      others.length > 0
        ? `${path} stays protected against writing: other disks lie on it (${others.join(', ')}).`
        : `${path} is still protected against writing, as "disk clone --protect" leaves it.`,
    ...(others.length === 0 && {
      next: `If no disk elsewhere lies on it, it may be written again: chmod u+w ${quoted(path)}. "disk split --unprotect" does that too.`,
    }),
    where: { path },
  })
  return false
}

function change(path: string, to: (mode: number) => number): void {
  try {
    chmodSync(path, to(statSync(path).mode & 0o777))
  } catch (error) {
    throw systemError(error, path)
  }
}
