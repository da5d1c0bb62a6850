import { type ByteStore, formatGuid } from '../../../base/index.ts'
import { type Geometry, NO_ID } from '../../format.ts'
import type { LayoutParent } from '../../layout.ts'
import { emptySource } from '../../source.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { layoutVhd } from './layout.ts'

export interface NewVhd {
  readonly type: 'fixed' | 'dynamic' | 'differencing'
  /** Capacity in bytes, a multiple of 512. A differencing disk takes its parent's. */
  readonly sizeBytes: number
  readonly blockSize?: number
  /** Only for a differencing disk. */
  readonly parent?: NewParent
  /** 16 bytes; random when absent. With `id` and `time` the file is the same every time. */
  readonly id?: Uint8Array
  readonly time?: Date
}

export interface NewParent {
  /** The parent's unique id in the text form of `ImageFacts.id`. */
  readonly id: string
  readonly stamp: number
  readonly geometry?: Geometry
  /** From the child's folder, with backslashes: `.\parent.vhd`. */
  readonly relativePath?: string
  readonly absolutePath: string
}

/**
 * Writes a new, empty VHD into an empty store and flushes it: the layout of a disk without content.
 * @throws VivariumError kind `invalid` for an impossible size; what the store throws when the disk is full.
 */
export function createVhd(store: ByteStore, options: NewVhd): void {
  const { type, sizeBytes, blockSize, parent, id, time } = options
  const source = emptySource(sizeBytes, parent === undefined ? 'zero' : 'below')
  const layout = layoutVhd(source, {
    subformat: type,
    name: store.name,
    ...(blockSize !== undefined && { blockSize }),
    ...(parent && { parent: layoutParent(parent, sizeBytes) }),
    ...(id && { id: formatGuid(id) }),
    ...(time && { time }),
  })
  writeLayout(onlyFile(layout), source, store)
}

function layoutParent({ id, relativePath = '', ...parent }: NewParent, sizeBytes: number): LayoutParent {
  const named = { ...parent, relativePath, sizeBytes }
  return id === NO_ID ? { ...named, format: 'raw' } : { ...named, id, format: 'vhd' }
}
