import type { ByteStore } from '../../../base/index.ts'
import { emptySource } from '../../source.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { layoutDisk, type NewVdi } from './layout.ts'

/**
 * Writes a new, empty VDI into an empty store and flushes it.
 * @throws VivariumError kind `invalid` for an impossible size; what the store throws when the disk is full.
 */
export function createVdi(store: ByteStore, options: NewVdi): void {
  const source = emptySource(options.sizeBytes, options.parent === undefined ? 'zero' : 'below')
  writeLayout(onlyFile(layoutDisk(source, options, store.name)), source, store)
}
