import { resolve } from 'node:path'
import { VivariumError } from '../base/index.ts'

/**
 * A path as a person typed it, made absolute. An empty one is a variable that a script forgot to set, and no name for
 * the current folder. @throws VivariumError kind `invalid`, code `path-empty`.
 */
export function pathOf(text: string): string {
  if (text !== '') return resolve(text)
  throw new VivariumError('invalid', 'path-empty', 'The file name is empty.', {
    next: 'Name a file or a folder; "." is the current folder.',
  })
}
