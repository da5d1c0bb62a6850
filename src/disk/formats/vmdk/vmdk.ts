import { asciiOf, type ByteStore, type Problem, VivariumError } from '../../../base/index.ts'
import { type DiskFormat, type DiskImage, type ImageFacts, SECTOR, type Surroundings } from '../../format.ts'
import { contentIdUpdate } from './content-id.ts'
import { openExtents, requireKnownTypes, surveyExtents } from './described.ts'
import {
  contentIdText,
  type Descriptor,
  geometryOfDatabase,
  looksLikeDescriptor,
  MAX_DESCRIPTOR_BYTES,
  NO_PARENT,
  parseDescriptor,
} from './descriptor.ts'
import { closeAll, ExtentsLayer } from './extents.ts'
import { growVmdk } from './growth.ts'
import { detailsOf, layoutVmdk, VMDK_SUBFORMATS, vmdkUnit } from './layout.ts'
import { layoutSparseExtents } from './rewritten-extents.ts'
import { readSparseExtent, readSparseHeader, type SparseExtent } from './sparse-extent.ts'
import { MAGIC, type SparseHeader } from './sparse-header.ts'

/**
 * VMware's disks: a descriptor that names extents (flat or sparse files), or one sparse file with the descriptor in
 * it. After "Virtual Disk Format 5.0", VMware's technical note. The hardware version in the descriptor (3 to 21)
 * changes nothing of the layout.
 */
export const vmdk: DiskFormat = {
  name: 'vmdk',
  label: 'VMware disk',
  extensions: ['.vmdk'],
  probe: (store) => (kindOf(store) === undefined ? 'no' : 'sure'),
  read: readVmdk,
  subformats: VMDK_SUBFORMATS,
  layout: layoutVmdk,
  layoutUnit: vmdkUnit,
  layoutExtents: layoutSparseExtents,
  growth: growVmdk,
}

type Kind = 'sparse' | 'descriptor' | 'esx-sparse' | 'se-sparse'

const SPARSE_MAGIC = asciiOf(MAGIC)
const ESX_SPARSE_MAGIC = 'COWD'
const SE_SPARSE_MAGIC = '\xbe\xba\xfe\xca\0\0\0\0'

function kindOf(store: ByteStore): Kind | undefined {
  const start = new Uint8Array(Math.min(256, store.size()))
  store.read(0, start)
  const text = asciiOf(start.subarray(0, 8))
  if (text.startsWith(SPARSE_MAGIC)) return 'sparse'
  if (looksLikeDescriptor(start) && mayNameFiles(store)) return 'descriptor'
  if (text.startsWith(ESX_SPARSE_MAGIC)) return 'esx-sparse'
  return text === SE_SPARSE_MAGIC ? 'se-sparse' : undefined
}

/**
 * A guest that writes a descriptor to its raw disk must not reach the files beside it. A disk is longer than any
 * descriptor; and where the name says that a file is raw, the system room lends no siblings.
 */
function mayNameFiles(store: ByteStore): boolean {
  return store.size() <= MAX_DESCRIPTOR_BYTES
}

function readVmdk(store: ByteStore, surroundings?: Surroundings): DiskImage {
  const kind = kindOf(store)
  if (kind === 'sparse') return sparseImage(store, surroundings)
  if (kind === 'esx-sparse' || kind === 'se-sparse') throw esxFormat(store, kind)
  return describedImage(store, readDescriptor(store, 0, store.size()), 0, surroundings)
}

function esxFormat(store: ByteStore, kind: 'esx-sparse' | 'se-sparse'): VivariumError {
  const name =
    kind === 'esx-sparse' ? 'a sparse disk of ESX (vmfsSparse)' : 'a space-efficient disk of ESX (seSparse)'
  return new VivariumError('unsupported', 'vmdk-esx-format', `It is ${name}, which is not read here.`, {
    where: { path: store.name, offset: 0 },
    next: 'Export the machine as OVF, or copy the disk with "vmkfstools -i" as a monolithic one.',
  })
}

function readDescriptor(store: ByteStore, at: number, length: number): Descriptor {
  const size = Math.min(length, MAX_DESCRIPTOR_BYTES, Math.max(0, store.size() - at))
  const bytes = new Uint8Array(size)
  store.read(at, bytes)
  return parseDescriptor(bytes, store.name)
}

function factsOf(store: ByteStore, descriptor: Descriptor, sizeBytes: number): ImageFacts {
  const { contentId, parentContentId, parentHint, database } = descriptor
  const geometry = geometryOfDatabase(database)
  const hardware = database.get('virtualhwversion')
  if (sizeBytes === 0) {
    throw new VivariumError('corrupt', 'vmdk-size-zero', 'The disk has no size.', {
      where: { path: store.name, field: 'extents' },
      next: 'The descriptor is damaged: copy it again from its source.',
    })
  }
  return {
    format: 'vmdk',
    subformat: descriptor.createType,
    sizeBytes,
    ...(geometry && { geometry }),
    ...(hardware !== undefined && { creator: creatorOf(hardware) }),
    details: detailsOf(descriptor),
    ...(contentId !== undefined && { id: contentIdText(contentId) }),
    ...(parentContentId !== NO_PARENT && {
      parent: {
        id: contentIdText(parentContentId),
        idIsContent: true,
        stamp: 0,
        names: parentHint === undefined ? [] : [{ kind: kindOfName(parentHint), text: parentHint }],
      },
    }),
    inSavedState: false,
    problems: descriptor.problems,
  }
}

/** The products write 4 for the oldest they care for; it says what the disk was made to be used with. */
function creatorOf(hardware: string): NonNullable<ImageFacts['creator']> {
  const version = hardware.slice(0, 20)
  return { application: 'VMDK', version, hostOs: 'unknown', product: `Virtual hardware version ${version}` }
}

function kindOfName(text: string): 'absolute' | 'relative' {
  return /^(?:[a-z]:|[\\/])/i.test(text) ? 'absolute' : 'relative'
}

/** A descriptor whose extents are other files. */
function describedImage(
  store: ByteStore,
  descriptor: Descriptor,
  descriptorAt: number,
  surroundings: Surroundings | undefined,
): DiskImage {
  requireKnownTypes(store, descriptor)
  const sectors = descriptor.extents.reduce((sum, extent) => sum + extent.sectors, 0)
  const hasParent = descriptor.parentContentId !== NO_PARENT
  return {
    facts: factsOf(store, descriptor, sectors * SECTOR),
    survey: () => surveyExtents(store, descriptor, surroundings),
    open(writable, options) {
      const extents = openExtents(store, descriptor, surroundings, { writable, hasParent })
      const renews = writable && options?.keepId !== true
      const contentId = renews ? contentIdUpdate(store, descriptorAt, descriptor) : undefined
      const layer = new ExtentsLayer({ descriptorFile: store, extents, hasParent, contentId })
      if (!writable || !hasParent || layer.allocationUnit !== undefined) return layer
      closeAll(extents.map((extent) => extent.layer))
      throw unevenExtents(store)
    },
  }
}

/** The runner can only complete units that are the same all over the disk. */
function unevenExtents(store: ByteStore): VivariumError {
  return new VivariumError(
    'unsupported',
    'vmdk-uneven-extents',
    'The extents of this child do not end at whole grains: it can only be read.',
    { where: { path: store.name }, next: 'Put an undo disk on top of it, or convert it.' },
  )
}

/** One sparse file; without a descriptor in it, it is an extent of a disk that has one elsewhere. */
function sparseImage(store: ByteStore, surroundings: Surroundings | undefined): DiskImage {
  const header = readSparseHeader(store)
  const descriptorAt = header.descriptorOffset * SECTOR
  const descriptor = embeddedDescriptor(store, header)
  // Some old disks keep only their descriptor in it.
  if (descriptor !== undefined && header.capacity === 0 && mayNameFiles(store))
    return describedImage(store, descriptor, descriptorAt, surroundings)
  const extent = readSparseExtent(store, surroundings)
  const facts = descriptor
    ? factsOf(store, descriptor, extent.layout.sizeBytes)
    : loneExtentFacts(store, extent)
  const hasParent = facts.parent !== undefined
  return {
    facts: {
      ...facts,
      blockSize: extent.layout.grainBytes,
      problems: [...facts.problems, ...extent.problems],
    },
    survey: () => extent.survey(),
    open(writable, options) {
      const renews = writable && options?.keepId !== true
      const contentId = renews && descriptor ? contentIdUpdate(store, descriptorAt, descriptor) : undefined
      const layer = extent.open(writable, hasParent)
      return new ExtentsLayer({ extents: [{ layer, sizeBytes: layer.sizeBytes }], hasParent, contentId })
    },
  }
}

function embeddedDescriptor(store: ByteStore, header: SparseHeader): Descriptor | undefined {
  const at = header.descriptorOffset * SECTOR
  if (header.descriptorOffset === 0 || header.descriptorSectors === 0 || at >= store.size()) return undefined
  return readDescriptor(store, at, header.descriptorSectors * SECTOR)
}

function loneExtentFacts(store: ByteStore, { layout }: SparseExtent): ImageFacts {
  const problem: Problem = {
    code: 'vmdk-lone-extent',
    severity: 'warning',
    message: 'It is one extent of a disk, without the descriptor.',
    next: 'Open the descriptor, the small .vmdk file beside it, to see the whole disk.',
    where: { path: store.name },
  }
  return {
    format: 'vmdk',
    subformat: 'extent',
    sizeBytes: layout.sizeBytes,
    inSavedState: false,
    problems: [problem],
  }
}
