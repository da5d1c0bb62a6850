import { VivariumError } from '../../../base/index.ts'
import { FLAT_UNIT, flatSegments } from '../../flat-layout.ts'
import { SECTOR, type Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LaidFile, LayoutOptions, LayoutParent } from '../../layout.ts'
import { databaseDetails, keptDatabase } from './database.ts'
import type { Descriptor, ExtentLine } from './descriptor.ts'
import {
  ADAPTERS,
  checkOptions,
  DISK_TYPES,
  descriptorFor,
  extentsFor,
  isContentId,
  type NewVmdk,
  type NewVmdkParent,
  type VmdkAdapter,
  type VmdkSubformat,
} from './new-disk.ts'
import { GRAIN_BYTES, sparseFile } from './sparse-layout.ts'
import { streamFile } from './stream.ts'

export const VMDK_SUBFORMATS: readonly Subformat[] = [
  { name: 'monolithicSparse', label: 'grows with its content, in one file' },
  { name: 'monolithicFlat', label: 'all of it at once, a descriptor and one file', severalFiles: true },
  { name: 'twoGbMaxExtentSparse', label: 'grows with its content, in files of 2 GB', severalFiles: true },
  { name: 'twoGbMaxExtentFlat', label: 'all of it at once, in files of 2 GB', severalFiles: true },
  { name: 'streamOptimized', label: 'compressed, for OVF packages; only to be read' },
  { name: 'differencing', label: 'what differs from a parent' },
]

/** The unit that `layoutVmdk` maps the content in. */
export function vmdkUnit({ subformat }: LayoutOptions): number {
  return subformat.endsWith('Flat') ? FLAT_UNIT : GRAIN_BYTES
}

/**
 * A new disk as lists. A differencing one is monolithicSparse over its parent. `details`: `adapterType` is "ide"
 * (the default), "lsilogic" or "buslogic"; `hardwareVersion` is 3 to 21, 4 when absent; `ddb.toolsVersion` and the like are
 * lines of the disk data base, of which those stay that are true of the new disk.
 * @throws VivariumError kind `invalid`, or `unsupported` for a parent that is no VMDK.
 */
export function layoutVmdk(source: DiskSource, options: LayoutOptions): ImageLayout {
  const { name, parent, id, geometry, blockSize = GRAIN_BYTES } = options
  if (blockSize !== GRAIN_BYTES)
    throw invalid(
      name,
      'block size',
      `Grains of ${blockSize} bytes cannot be.`,
      'Leave it out: all have 64 KiB.',
    )
  if (id !== undefined && !isContentId(id))
    throw invalid(name, 'id', `"${id}" is no content id of a VMDK.`, 'It has eight hexadecimal digits.')
  return layoutDisk(
    source,
    {
      subformat: subformatOf(options),
      sizeBytes: source.sizeBytes,
      name,
      adapter: adapterOf(options),
      hardwareVersion: hardwareVersionOf(options),
      ...(parent && { parent: parentOf(parent, name) }),
      ...(id !== undefined && { contentId: Number.parseInt(id, 16) }),
      ...(geometry && { geometry }),
      database: keptDatabase(options),
    },
    options.deflate,
  )
}

function invalid(path: string, field: string, message: string, next: string): VivariumError {
  return new VivariumError('invalid', `vmdk-${field.replace(' ', '-')}-invalid`, message, {
    where: { path, field },
    next,
  })
}

/** A child's descriptor has the type of its extents: written anew, it is asked for by that name. */
function subformatOf({ subformat, name, parent }: LayoutOptions): VmdkSubformat {
  if (parent !== undefined && subformat === 'monolithicSparse') return subformat
  if ((subformat === 'differencing') !== (parent !== undefined))
    throw invalid(
      name,
      'parent',
      'A differencing disk, and only that, has a parent.',
      'Name one or the other.',
    )
  if (subformat === 'differencing') return 'monolithicSparse'
  const found = DISK_TYPES.find((type) => type === subformat)
  if (found !== undefined) return found
  throw invalid(
    name,
    'subformat',
    `There is no VMDK of the kind "${subformat}".`,
    `Choose ${DISK_TYPES.join(', ')} or differencing.`,
  )
}

/** What a new disk like this one is to be told; without what it could not be told. */
export function detailsOf({ database, databaseEntries }: Descriptor): Record<string, string | number> {
  const adapterType = ADAPTERS.find((one) => one === database.get('adaptertype')?.toLowerCase())
  const hardwareVersion = Number(database.get('virtualhwversion'))
  return {
    ...(adapterType !== undefined && { adapterType }),
    ...(isHardwareVersion(hardwareVersion) && { hardwareVersion }),
    ...databaseDetails(databaseEntries),
  }
}

function isHardwareVersion(version: number): boolean {
  return Number.isInteger(version) && version >= 3 && version <= 21
}

function adapterOf({ details, name }: LayoutOptions): VmdkAdapter {
  const wanted = details?.adapterType ?? 'ide'
  const adapter = ADAPTERS.find((one) => one === wanted)
  if (adapter !== undefined) return adapter
  throw invalid(name, 'adapterType', `There is no adapter "${wanted}".`, `Choose ${ADAPTERS.join(', ')}.`)
}

function hardwareVersionOf({ details, name }: LayoutOptions): number {
  const wanted = Number(details?.hardwareVersion ?? 4)
  if (isHardwareVersion(wanted)) return wanted
  throw invalid(
    name,
    'hardwareVersion',
    `There is no virtual hardware of version "${details?.hardwareVersion}".`,
    'Choose 3 to 21; 4 is read by every product.',
  )
}

/** VMware's products take slashes on every host. */
function parentOf({ id, format, relativePath, absolutePath }: LayoutParent, path: string): NewVmdkParent {
  if (format !== 'vmdk' || id === undefined) {
    throw new VivariumError(
      'unsupported',
      'vmdk-parent',
      `A ${format} image cannot be the parent of a VMDK.`,
      {
        where: { path, field: 'parent' },
        next: 'Convert it to a VMDK first, or make a child of another format.',
      },
    )
  }
  const relative = relativePath.replaceAll('\\', '/').replace(/^\.\//, '')
  return { id, name: relative === '' ? absolutePath : relative }
}

/** @param deflate Packs as zlib does (RFC 1950); only for stream-optimized disks. */
export function layoutDisk(
  source: DiskSource,
  disk: NewVmdk,
  deflate?: (bytes: Uint8Array) => Uint8Array,
): ImageLayout {
  checkOptions(disk)
  const { name, subformat } = disk
  const extents = extentsFor(disk)
  const descriptor = descriptorFor(disk, extents)
  if (subformat === 'streamOptimized') return { files: [streamFile(source, name, descriptor, deflate)] }
  const hasParent = disk.parent !== undefined
  if (subformat === 'monolithicSparse') {
    const sectors = disk.sizeBytes / SECTOR
    return { files: [sparseFile(source, { name, firstSector: 0, sectors, hasParent, descriptor })] }
  }
  return { files: [...extentFiles(source, extents, hasParent), descriptorFile(name, descriptor)] }
}

function* extentFiles(
  source: DiskSource,
  extents: readonly ExtentLine[],
  hasParent: boolean,
): Generator<LaidFile> {
  let firstSector = 0
  for (const { type, sectors, name = '' } of extents) {
    yield type === 'FLAT'
      ? flatFile(source, name, firstSector, sectors)
      : sparseFile(source, { name, firstSector, sectors, hasParent })
    firstSector += sectors
  }
}

/** A part of the disk as it is; extents begin at whole units. */
function flatFile(source: DiskSource, name: string, firstSector: number, sectors: number): LaidFile {
  const first = (firstSector * SECTOR) / FLAT_UNIT
  const end = first + Math.ceil((sectors * SECTOR) / FLAT_UNIT)
  return {
    name,
    sizeBytes: sectors * SECTOR,
    segments: () => flatSegments(source.units(FLAT_UNIT), source.sizeBytes, first, end),
  }
}

export function descriptorFile(name: string, descriptor: Uint8Array): LaidFile {
  return {
    name,
    sizeBytes: descriptor.length,
    *segments() {
      yield { kind: 'bytes', bytes: descriptor }
    },
  }
}
