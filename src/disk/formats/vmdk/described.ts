import { type ByteStore, type Problem, problemFrom, VivariumError } from '../../../base/index.ts'
import { type Layer, SECTOR, type Surroundings } from '../../format.ts'
import type { Descriptor, ExtentLine } from './descriptor.ts'
import { closeAll, type OpenedExtent } from './extents.ts'
import { openFlatExtent, openZeroExtent } from './flat-extent.ts'
import { readSparseExtent, type SparseExtent } from './sparse-extent.ts'

/** The extents that a descriptor names, opened from the files beside it. */
interface Access {
  readonly writable: boolean
  readonly hasParent: boolean
}

/** Types we open; VMFS is a flat file that lay on ESX's file system. */
const FLAT_TYPES = new Set(['FLAT', 'VMFS'])
const KNOWN_TYPES = new Set([...FLAT_TYPES, 'SPARSE', 'ZERO'])

/** @throws VivariumError kind `unsupported` for ESX's own and for raw devices. */
export function requireKnownTypes(store: ByteStore, { extents, createType }: Descriptor): void {
  const foreign = extents.find(({ type, access }) => !KNOWN_TYPES.has(type) || access === 'NOACCESS')
  if (foreign === undefined && extents.length > 0 && !isDevice(createType)) return
  const what =
    foreign === undefined
      ? `is of the type "${createType}"`
      : `has an extent of the type ${foreign.access} ${foreign.type}`
  throw new VivariumError('unsupported', 'vmdk-extent-type', `The disk ${what}, which is not read here.`, {
    where: { path: store.name, field: 'extents' },
    next: 'Export it with its own product, as OVF or as a monolithic disk, and open that.',
  })
}

/** Disks that are a device of the host. Their extents would be names of devices, or of nothing. */
function isDevice(createType: string): boolean {
  return /^(?:fullDevice|partitionedDevice|vmfsRDM|vmfsRDMP|vmfsRawDeviceMap|vmfsPassthroughRawDeviceMap|vmfsRaw)$/i.test(
    createType,
  )
}

/** @throws VivariumError for the first extent that cannot be opened; nothing stays open then. */
export function openExtents(
  store: ByteStore,
  { extents }: Descriptor,
  surroundings: Surroundings | undefined,
  access: Access,
): OpenedExtent[] {
  requireDistinct(store, extents)
  const opened: OpenedExtent[] = []
  try {
    for (const line of extents) {
      if (line.sectors === 0) continue
      if (access.writable) requireWritable(store, line)
      const layer = openExtent(store, line, surroundings, access)
      opened.push({ layer, sizeBytes: line.sectors * SECTOR })
    }
    return opened
  } catch (error) {
    closeAll(opened.map(({ layer }) => layer))
    throw error
  }
}

/** Two sparse extents in one file would each put new grains over the other's. */
export function requireDistinct(store: ByteStore, extents: readonly ExtentLine[]): void {
  const names = extents.filter(({ type }) => type === 'SPARSE').map(({ name }) => name?.toLowerCase())
  if (new Set(names).size === names.length) return
  throw new VivariumError('corrupt', 'vmdk-extent-twice', 'The descriptor names one sparse extent twice.', {
    where: { path: store.name, field: 'extents' },
    next: 'The descriptor is damaged: copy it again from its source.',
  })
}

function requireWritable(store: ByteStore, { access, type }: ExtentLine): void {
  if (access === 'RW' && type !== 'ZERO') return
  throw new VivariumError(
    'denied',
    'vmdk-extent-read-only',
    `The descriptor has a ${type === 'ZERO' ? 'ZERO' : access} extent, so the disk can only be read.`,
    { where: { path: store.name, field: 'extents' }, next: 'Put an undo disk on top of it, or convert it.' },
  )
}

function openExtent(
  store: ByteStore,
  line: ExtentLine,
  surroundings: Surroundings | undefined,
  { writable, hasParent }: Access,
): Layer {
  if (line.type === 'ZERO') return openZeroExtent(store, line)
  const file = openFile(store, line, surroundings, writable)
  try {
    if (FLAT_TYPES.has(line.type)) return openFlatExtent(file, line, writable)
    return readSparseOf(line, file, surroundings).open(writable, hasParent)
  } catch (error) {
    file.close()
    throw error
  }
}

function openFile(
  store: ByteStore,
  { name, type }: ExtentLine,
  surroundings: Surroundings | undefined,
  writable: boolean,
): ByteStore {
  if (name === undefined) {
    throw new VivariumError('malformed', 'vmdk-descriptor', `A ${type} extent has no file name.`, {
      where: { path: store.name, field: 'extents' },
    })
  }
  if (surroundings?.openSibling !== undefined) return surroundings.openSibling(name, writable)
  throw new VivariumError(
    'unsupported',
    'disk-extent-out-of-reach',
    `The disk continues in the file "${name}", which cannot be reached here.`,
    {
      where: { path: store.name, field: 'extents' },
      next: 'Open the disk on a host that has all of its files.',
    },
  )
}

function readSparseOf(
  line: ExtentLine,
  file: ByteStore,
  surroundings: Surroundings | undefined,
): SparseExtent {
  const extent = readSparseExtent(file, surroundings)
  if (extent.layout.sizeBytes >= line.sectors * SECTOR) return extent
  throw new VivariumError(
    'corrupt',
    'vmdk-extent-size',
    `The extent has ${extent.layout.sizeBytes} bytes, and the descriptor says ${line.sectors * SECTOR}.`,
    {
      where: { path: file.name, field: 'capacity' },
      next: 'It may belong to another disk: find the right file.',
    },
  )
}

export function surveyExtents(
  store: ByteStore,
  { extents }: Descriptor,
  surroundings: Surroundings | undefined,
): { allocated: number; problems: Problem[] } {
  let allocated = 0
  const problems: Problem[] = []
  for (const line of extents) {
    if (line.type === 'ZERO' || line.sectors === 0) continue
    try {
      const survey = surveyExtent(store, line, surroundings)
      allocated += survey.allocated
      problems.push(...survey.problems)
    } catch (error) {
      problems.push(problemFrom(error))
    }
  }
  return { allocated, problems }
}

function surveyExtent(
  store: ByteStore,
  line: ExtentLine,
  surroundings: Surroundings | undefined,
): { allocated: number; problems: readonly Problem[] } {
  const file = openFile(store, line, surroundings, false)
  try {
    if (!FLAT_TYPES.has(line.type)) {
      const extent = readSparseOf(line, file, surroundings)
      const survey = extent.survey()
      return { allocated: survey.allocated, problems: [...extent.problems, ...survey.problems] }
    }
    // What `open` would refuse for writing is wrong with it.
    openFlatExtent(file, line, true)
    return {
      allocated: Math.min(line.sectors * SECTOR, file.allocatedBytes?.() ?? Number.POSITIVE_INFINITY),
      problems: [],
    }
  } finally {
    file.close()
  }
}
