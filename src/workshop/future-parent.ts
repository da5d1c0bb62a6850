import { VivariumError } from '../base/index.ts'
import type { ImageFacts } from '../disk/index.ts'
import { layersOf, rawParentNote, resolveChain, unfinishedIn } from '../system/index.ts'
import type { OperationControl } from './operation.ts'

/**
 * Looks at a disk that another one is to lie on: with all its own parents it must show something. How a raw one will
 * be read below the new disk becomes a note.
 * @throws VivariumError for a parent that is missing, wrong, or leads back to its child; for an empty file.
 */
export function requireFutureParent(
  path: string,
  child: string,
  { roots, searchFolders = [], note }: OperationControl,
): ImageFacts {
  const chain = resolveChain(path, { roots, searchFolders })
  layersOf(chain)
  const { facts } = chain.layers[0]!
  requireContent(path, facts.sizeBytes)
  const raw = facts.format === 'raw' ? rawParentNote(child, path) : undefined
  if (raw !== undefined) note(raw)
  for (const problem of unfinishedIn(chain.layers)) note(problem)
  return facts
}

/** No format can have a disk of no bytes. @throws VivariumError kind `invalid`, code `disk-empty`. */
export function requireContent(path: string, sizeBytes: number): void {
  if (sizeBytes > 0) return
  throw new VivariumError('invalid', 'disk-empty', 'The file has 0 bytes: there is no disk in it.', {
    where: { path },
    next: 'Copy it again from its source, or name another file.',
  })
}
