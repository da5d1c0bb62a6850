import type { ByteStore } from '../../../base/index.ts'
import { type Descriptor, looksLikeDescriptor, MAX_DESCRIPTOR_BYTES, parseDescriptor } from './descriptor.ts'

/** The descriptor of a disk whose extents are other files; none for anything else. @throws VivariumError for a damaged one. */
export function descriptorFileIn(store: ByteStore): Descriptor | undefined {
  const bytes = descriptorBytesOf(store)
  return bytes && parseDescriptor(bytes, store.name)
}

export function descriptorBytesOf(store: ByteStore): Uint8Array | undefined {
  if (store.size() > MAX_DESCRIPTOR_BYTES) return undefined
  const bytes = new Uint8Array(store.size())
  store.read(0, bytes)
  return looksLikeDescriptor(bytes) ? bytes : undefined
}

/** The names of the files of a disk's extents, as its descriptor has them. @throws VivariumError for a damaged one. */
export function extentNames(store: ByteStore): string[] {
  return namesOf(descriptorFileIn(store), () => true)
}

/**
 * The same of the sparse ones. Flat extents are the guest's own writing, in which nothing may be looked for.
 * @throws VivariumError for a damaged descriptor.
 */
export function sparseExtentNames(store: ByteStore): string[] {
  return namesOf(descriptorFileIn(store), (type) => type === 'SPARSE')
}

function namesOf(descriptor: Descriptor | undefined, wanted: (type: string) => boolean): string[] {
  return (descriptor?.extents ?? []).flatMap(({ type, name }) =>
    name !== undefined && wanted(type) ? [name] : [],
  )
}
