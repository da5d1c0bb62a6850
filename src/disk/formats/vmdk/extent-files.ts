import type { ByteStore } from '../../../base/index.ts'
import { looksLikeDescriptor, MAX_DESCRIPTOR_BYTES, parseDescriptor } from './descriptor.ts'

/**
 * The names of the sparse extents of a disk in several files, as its descriptor has them; none for anything else. Flat
 * extents are the guest's own writing, in which nothing may be looked for. @throws VivariumError for a damaged one.
 */
export function sparseExtentNames(store: ByteStore): string[] {
  if (store.size() > MAX_DESCRIPTOR_BYTES) return []
  const bytes = new Uint8Array(store.size())
  store.read(0, bytes)
  if (!looksLikeDescriptor(bytes)) return []
  return parseDescriptor(bytes, store.name).extents.flatMap(({ type, name }) =>
    type === 'SPARSE' && name !== undefined ? [name] : [],
  )
}
