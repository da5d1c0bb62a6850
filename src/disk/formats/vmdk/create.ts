import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { emptySource } from '../../source.ts'
import { writeLayout } from '../../write-layout.ts'
import { layoutDisk } from './layout.ts'
import type { NewVmdk } from './new-disk.ts'

export interface NewVmdkFiles extends NewVmdk {
  /** Makes a new, empty file beside the descriptor; for disks of several files. Closed here. */
  readonly createSibling?: (name: string) => ByteStore
}

/**
 * Writes a new, empty VMDK into an empty store, and its extents into siblings, and flushes all of it; what names the
 * extents comes last.
 * @throws VivariumError kind `invalid` for an impossible size or combination; what the stores throw.
 */
export function createVmdk(store: ByteStore, options: NewVmdkFiles): void {
  const source = emptySource(options.sizeBytes, options.parent === undefined ? 'zero' : 'below')
  const { files } = layoutDisk(source, options)
  for (const file of files) {
    if (file.name === options.name) writeLayout(file, source, store)
    else {
      const sibling = makeSibling(store, options, file.name)
      try {
        writeLayout(file, source, sibling)
      } finally {
        sibling.close()
      }
    }
  }
}

function makeSibling(store: ByteStore, { subformat, createSibling }: NewVmdkFiles, name: string): ByteStore {
  if (createSibling !== undefined) return createSibling(name)
  throw new VivariumError('invalid', 'vmdk-siblings-invalid', `A ${subformat} disk needs several files.`, {
    where: { path: store.name, field: 'siblings' },
    next: 'Choose "monolithicSparse" for a single file.',
  })
}
