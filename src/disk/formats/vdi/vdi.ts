import { type ByteStore, formatGuid, VivariumError } from '../../../base/index.ts'
import type { DiskFormat, DiskImage, ImageFacts, Layer } from '../../format.ts'
import { BlockLayer } from './block-layer.ts'
import { layoutOf, surveyMap, type VdiLayout } from './block-map.ts'
import { expandVdi } from './expand.ts'
import { hasMagic, readHeader, type VdiHeader } from './header.ts'
import { BLOCK_BYTES, layoutVdi, VDI_SUBFORMATS } from './layout.ts'
import { MapPages } from './map-pages.ts'

/**
 * VirtualBox's own disks: dynamic, static, and differencing ones, which name their parent by its id alone (where it
 * lies is in the machine's settings). After VirtualBox's Storage/VDICore.h.
 */
export const vdi: DiskFormat = {
  name: 'vdi',
  label: 'VirtualBox disk',
  extensions: ['.vdi'],
  probe: (store) => (hasMagic(store) ? 'sure' : 'no'),
  read: readVdi,
  subformats: VDI_SUBFORMATS,
  layout: layoutVdi,
  layoutUnit: () => BLOCK_BYTES,
  expand: expandVdi,
}

function readVdi(store: ByteStore): DiskImage {
  const header = readHeader(store)
  const layout = layoutOf(header, store)
  const facts = factsOf(header, layout)
  return {
    facts,
    survey() {
      const { allocated, problems } = surveyMap(store, layout)
      return { allocated, problems }
    },
    open: (writable) => openLayer(store, layout, { writable, hasParent: facts.parent !== undefined }),
  }
}

function factsOf(header: VdiHeader, layout: VdiLayout): ImageFacts {
  const writer = /QEMU/.test(header.writer)
    ? 'QEMU'
    : /VirtualBox/.test(header.writer)
      ? 'VirtualBox'
      : 'unknown'
  const hasParent = header.type === 'differencing' || header.type === 'undo'
  return {
    format: 'vdi',
    subformat: header.type,
    sizeBytes: layout.sizeBytes,
    ...(header.geometry && { geometry: header.geometry }),
    blockSize: layout.blockSize,
    creator: { application: 'VDI', version: '1.1', hostOs: 'unknown', product: writer },
    id: formatGuid(header.id),
    stamp: stampOf(header.modificationId),
    ...(hasParent && {
      parent: { id: formatGuid(header.parentId), stamp: stampOf(header.parentModificationId), names: [] },
    }),
    inSavedState: false,
    problems: [],
  }
}

/** The modification id stands where other formats have a time: what counts is whether it is the same. */
function stampOf(id: Uint8Array): number {
  return id.subarray(0, 6).reduce((value, byte) => value * 256 + byte, 0)
}

function openLayer(
  store: ByteStore,
  layout: VdiLayout,
  { writable, hasParent }: { writable: boolean; hasParent: boolean },
): Layer {
  const { nextEntry, problems } = writable ? surveyMap(store, layout) : { nextEntry: 0, problems: [] }
  const [damage] = problems
  if (damage !== undefined) {
    throw new VivariumError('corrupt', damage.code, damage.message, {
      where: { path: store.name, offset: layout.mapAt, field: 'block map' },
      next: 'It can still be read. Copy the file again from its source before writing to it.',
    })
  }
  const map = new MapPages(store, layout)
  return new BlockLayer({ store, layout, map, hasParent, nextEntry })
}
