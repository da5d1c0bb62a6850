import type { Problem } from '../base/index.ts'
import type { Disk, ImageFacts } from '../disk/index.ts'
import { layersOf, openDiskLayers, resolveChain, unfinishedIn } from '../system/index.ts'
import type { OperationControl } from './operation.ts'

export interface SourceDisk {
  readonly disk: Disk
  /** Of the topmost file. */
  readonly facts: ImageFacts
  /** The files of the chain, topmost first. */
  readonly layers: readonly string[]
}

/**
 * Opens a disk with all its parents to read it whole: claimed, so that nobody writes to it meanwhile. What is odd about
 * its parents becomes a note, and so does a merge or a repair of one of its files that was begun and not ended.
 * @throws VivariumError kind `busy`, code `disk-in-use`, when a machine writes to it; `not-found` (a parent) ...
 */
export function openSourceDisk(path: string, control: OperationControl): SourceDisk {
  const { roots, searchFolders } = control
  const chain = resolveChain(path, { roots, ...(searchFolders && { searchFolders }) })
  const layers = layersOf(chain)
  const disk = openDiskLayers({ layers, writable: false }, { lock: true, roots })
  const facts = chain.layers[0]?.facts
  if (facts === undefined) throw new Error('a resolved chain has at least one layer')
  for (const problem of [...facts.problems, ...chain.problems, ...unfinishedIn(chain.layers)])
    control.note(problem)
  if (facts.inSavedState)
    control.note({
      code: 'disk-in-saved-state',
      severity: 'warning',
      message:
        'A saved state of a machine depends on this disk: the copy is what a power failure would leave.',
      where: { path },
      next: 'Restore the saved state and shut the guest down, then do it again.',
    })
  return { disk, facts, layers }
}

/**
 * For whoever reads a disk without opening it here: merges and repairs of its files that were begun and not ended.
 * @throws VivariumError when the file itself cannot be read.
 */
export function unfinishedOf(
  path: string,
  { roots, searchFolders }: Pick<OperationControl, 'roots' | 'searchFolders'>,
): Problem[] {
  return unfinishedIn(resolveChain(path, { roots, ...(searchFolders && { searchFolders }) }).layers)
}
