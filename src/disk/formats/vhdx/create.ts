import type { ByteStore } from '../../../base/index.ts'
import { emptySource } from '../../source.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { layoutVhdx, type VhdxType } from './layout.ts'

export interface NewVhdx {
  readonly type: VhdxType
  /** Capacity in bytes, a multiple of the sector size. A differencing disk takes its parent's. */
  readonly sizeBytes: number
  /** A power of two from 1 MiB to 256 MiB. */
  readonly blockSize?: number
  /** What the guest sees as a sector; 512 when absent. A differencing disk takes its parent's. */
  readonly sectorSize?: 512 | 4096
  /** Only for a differencing disk. */
  readonly parent?: NewVhdxParent
  /** GUIDs in text form; random when absent. With all three the file is the same every time. */
  readonly id?: string
  readonly diskId?: string
  readonly fileId?: string
}

export interface NewVhdxParent {
  /** Its data write GUID, which is `ImageFacts.id`. */
  readonly id: string
  /** Its virtual disk id (`ImageFacts.diskId`): a child is the same disk to the guest. */
  readonly diskId: string
  readonly sectorSize: number
  /** From the child's folder, with backslashes: `.\parent.vhdx`. */
  readonly relativePath?: string
  readonly absolutePath: string
}

/**
 * Writes a new, empty VHDX into an empty store and flushes it: the layout of a disk without content.
 * @throws VivariumError kind `invalid` for an impossible size; what the store throws when the disk is full.
 */
export function createVhdx(store: ByteStore, options: NewVhdx): void {
  const { type, sizeBytes, blockSize, sectorSize, parent, id, diskId = parent?.diskId, fileId } = options
  const source = emptySource(sizeBytes, parent === undefined ? 'zero' : 'below')
  const layout = layoutVhdx(source, {
    subformat: type,
    name: store.name,
    ...(blockSize !== undefined && { blockSize }),
    ...(sectorSize !== undefined && { sectorSize }),
    ...(parent && { parent: { relativePath: '', ...parent, sizeBytes, format: 'vhdx' } }),
    ...(id !== undefined && { id }),
    ...(diskId !== undefined && { diskId }),
    ...(fileId !== undefined && { details: { fileId } }),
  })
  writeLayout(onlyFile(layout), source, store)
}
