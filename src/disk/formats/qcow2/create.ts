import type { ByteStore } from '../../../base/index.ts'
import { emptySource } from '../../source.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { layoutImage } from './layout.ts'
import type { NewQcow2 } from './new-image.ts'

/**
 * Writes a new, empty QCOW2 image into an empty store and flushes it.
 * @throws VivariumError kind `invalid` for impossible sizes or names; what the store throws when the disk is full.
 */
export function createQcow2(store: ByteStore, options: NewQcow2): void {
  const source = emptySource(options.sizeBytes, options.backing === undefined ? 'zero' : 'below')
  writeLayout(onlyFile(layoutImage(source, options, store.name)), source, store)
}
