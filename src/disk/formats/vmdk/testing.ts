import { asciiBytes, type ByteStore, VivariumError } from '../../../base/index.ts'
import type { Disk } from '../../disk.ts'
import type { Surroundings } from '../../format.ts'
import { readImage } from '../../open.ts'
import { emptySource, sourceOf } from '../../source.ts'
import { type MemoryStore, memoryStore } from '../../testing.ts'
import { onlyFile, writeLayout } from '../../write-layout.ts'
import { createVmdk } from './create.ts'
import { type ExtentLine, formatDescriptor } from './descriptor.ts'
import { layoutVmdk } from './layout.ts'
import type { VmdkSubformat } from './new-disk.ts'
import { sparseFile } from './sparse-layout.ts'

/** A folder in memory: files that name each other. */
export interface MemoryFolder {
  readonly files: Map<string, MemoryStore>
  readonly surroundings: Surroundings
  create(name: string): MemoryStore
}

export function memoryFolder(): MemoryFolder {
  const files = new Map<string, MemoryStore>()
  return {
    files,
    surroundings: {
      openSibling(name) {
        const found = files.get(name)
        if (found !== undefined) return found
        throw new VivariumError('not-found', 'disk-extent-missing', `There is no "${name}".`)
      },
    },
    create(name) {
      const store = memoryStore(undefined, name)
      files.set(name, store)
      return store
    },
  }
}

export interface Variant {
  readonly name: string
  readonly subformat: VmdkSubformat
  /** Changes the bytes of each new sparse file. */
  readonly patch?: (bytes: Uint8Array) => void
}

/** As other products write them: tables only where they are needed, and few entries in each; zeroed grains. */
export const variants: readonly Variant[] = [
  { name: 'sparse', subformat: 'monolithicSparse' },
  { name: 'flat', subformat: 'monolithicFlat' },
  { name: 'split sparse', subformat: 'twoGbMaxExtentSparse' },
  { name: 'split flat', subformat: 'twoGbMaxExtentFlat' },
  { name: 'sparse without tables', subformat: 'monolithicSparse', patch: withoutTables },
  { name: 'sparse with zeroed grains', subformat: 'monolithicSparse', patch: withZeroedGrains },
]

function withoutTables(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer)
  view.setUint32(44, 2, true)
  for (const at of [48, 56])
    bytes.fill(0, view.getUint32(at, true) * 512, view.getUint32(at, true) * 512 + 512)
}

function withZeroedGrains(bytes: Uint8Array): void {
  withoutTables(bytes)
  bytes[4] = 2
  bytes[8]! |= 4
}

export function newDisk(
  folder: MemoryFolder,
  { subformat, patch }: Variant,
  name: string,
  sizeBytes: number,
  parent?: ByteStore,
): MemoryStore {
  const store = folder.create(name)
  const id = parent && readImage(parent).facts.id
  createVmdk(store, {
    subformat,
    sizeBytes,
    name,
    ...(id !== undefined && { parent: { id, name: parent!.name } }),
    createSibling: (sibling) => folder.create(sibling),
  })
  if (patch !== undefined) {
    const bytes = store.bytes()
    patch(bytes)
    store.write(0, bytes)
  }
  return store
}

export interface SplitDisk {
  /** Bytes of the extents; a few grains each, in the place of 2047 MiB. */
  readonly sizes: readonly number[]
  readonly flat?: boolean
  readonly parent?: MemoryStore
  readonly createType?: string
}

/** The descriptor `NAME.vmdk` of a disk in the files `NAME-s001.vmdk` ... */
export function splitDisk(folder: MemoryFolder, name: string, disk: SplitDisk): MemoryStore {
  const { sizes, flat = false, parent, createType = 'custom' } = disk
  const extents = sizes.map((bytes, index): ExtentLine => {
    const file = folder.create(`${name}-${flat ? 'f' : 's'}${String(index + 1).padStart(3, '0')}.vmdk`)
    if (flat) file.truncate(bytes)
    else writeEmptyExtent(file, bytes)
    return { access: 'RW', sectors: bytes / 512, type: flat ? 'FLAT' : 'SPARSE', name: file.name, offset: 0 }
  })
  const store = folder.create(`${name}.vmdk`)
  const contentId = parent && Number.parseInt(readImage(parent).facts.id!, 16)
  store.write(
    0,
    formatDescriptor({
      createType,
      contentId: 5,
      ...(contentId !== undefined && { parent: { contentId, hint: parent!.name } }),
      extents,
      adapter: 'ide',
      geometry: { cylinders: 1, heads: 16, sectorsPerTrack: 63 },
      hardwareVersion: 21,
    }),
  )
  return store
}

export function descriptorStore(text: string, name = 'd.vmdk'): MemoryStore {
  return memoryStore(asciiBytes(text), name)
}

/** The content as a stream-optimized disk, packed or not. */
export function streamOf(
  disk: Disk,
  deflate?: (bytes: Uint8Array) => Uint8Array,
  name = 's.vmdk',
): MemoryStore {
  const store = memoryStore(undefined, name)
  const source = sourceOf(disk)
  const layout = layoutVmdk(source, { subformat: 'streamOptimized', name, ...(deflate && { deflate }) })
  writeLayout(onlyFile(layout), source, store)
  return store
}

export function writeEmptyExtent(store: MemoryStore, sizeBytes: number): void {
  const source = emptySource(sizeBytes)
  const part = { name: store.name, firstSector: 0, sectors: sizeBytes / 512, hasParent: false }
  writeLayout(sparseFile(source, part), source, store)
}
