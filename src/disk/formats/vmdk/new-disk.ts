import { plural, VivariumError } from '../../../base/index.ts'
import { type Geometry, SECTOR } from '../../format.ts'
import type { DatabaseEntry } from './database.ts'
import { type ExtentLine, formatDescriptor, randomContentId } from './descriptor.ts'

/** What a new VMDK is asked to be, checked, and the descriptor and the extents that follow from it. */
export const DISK_TYPES = [
  'monolithicSparse',
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
  'streamOptimized',
] as const
export type VmdkSubformat = (typeof DISK_TYPES)[number]

export const ADAPTERS = ['ide', 'lsilogic', 'buslogic'] as const
export type VmdkAdapter = (typeof ADAPTERS)[number]

export interface NewVmdk {
  readonly subformat: VmdkSubformat
  /** Capacity in bytes, a multiple of 512. A differencing disk takes its parent's. */
  readonly sizeBytes: number
  /** The file's name in the end, `xp.vmdk`: the descriptor repeats it, and extents are named after it. */
  readonly name: string
  /** For a differencing disk, which is always sparse. */
  readonly parent?: NewVmdkParent | undefined
  readonly adapter?: VmdkAdapter
  /** 4 is read by every product since Workstation 5; up to 21. */
  readonly hardwareVersion?: number
  /** Random when absent. */
  readonly contentId?: number
  /** Made from size and adapter when absent. */
  readonly geometry?: Geometry
  /** More of the disk data base; nothing when absent. */
  readonly database?: readonly DatabaseEntry[]
}

export interface NewVmdkParent {
  /** The parent's content id as `ImageFacts.id` has it. */
  readonly id: string
  /** Relative to the child, or absolute. */
  readonly name: string
}

/** As VMware splits them: 2047 MiB, which every file system can hold; whole grains. */
export const SPLIT_SECTORS = 4_192_256
/** The size up to which everything can be counted. */
const MAX_SECTORS = 2 ** 43

/** @throws VivariumError kind `invalid` for an impossible size or combination. */
export function checkOptions({ sizeBytes, subformat, name, parent }: NewVmdk): void {
  const fail = (field: string, message: string, next: string): never => {
    throw new VivariumError('invalid', `vmdk-${field}-invalid`, message, {
      where: { path: name, field },
      next,
    })
  }
  if (
    !Number.isSafeInteger(sizeBytes) ||
    sizeBytes <= 0 ||
    sizeBytes % SECTOR !== 0 ||
    sizeBytes / SECTOR > MAX_SECTORS
  )
    fail(
      'size',
      `A VMDK cannot have ${plural(sizeBytes, 'byte')}.`,
      'Choose a positive multiple of 512 bytes.',
    )
  if (parent !== undefined && !subformat.endsWith('Sparse'))
    fail('parent', `A ${subformat} disk has no parent.`, 'Choose a sparse disk.')
  if (parent !== undefined && !isContentId(parent.id))
    fail('parent', `"${parent.id}" is no content id of a VMDK.`, 'A VMDK can have a VMDK as its parent only.')
  for (const text of [name, parent?.name ?? ''])
    if (/["\r\n\0]/.test(text))
      fail('name', `The name "${text}" cannot stand in a descriptor.`, 'Choose another one.')
}

export function isContentId(text: string): boolean {
  return /^[0-9a-f]{1,8}$/i.test(text)
}

export function extentsFor({ name, subformat, sizeBytes }: NewVmdk): ExtentLine[] {
  const capacity = sizeBytes / SECTOR
  const stem = name.replace(/\.vmdk$/i, '')
  const type = subformat.endsWith('Flat') ? 'FLAT' : 'SPARSE'
  const line = (sectors: number, file: string): ExtentLine => ({
    access: 'RW',
    sectors,
    type,
    name: file,
    offset: 0,
  })
  if (!subformat.startsWith('twoGb')) return [line(capacity, type === 'FLAT' ? `${stem}-flat.vmdk` : name)]
  const letter = type === 'FLAT' ? 'f' : 's'
  return Array.from({ length: Math.ceil(capacity / SPLIT_SECTORS) }, (_, index) =>
    line(
      Math.min(SPLIT_SECTORS, capacity - index * SPLIT_SECTORS),
      `${stem}-${letter}${String(index + 1).padStart(3, '0')}.vmdk`,
    ),
  )
}

export function descriptorFor(disk: NewVmdk, extents: readonly ExtentLine[]): Uint8Array<ArrayBuffer> {
  const { adapter = 'ide', parent, sizeBytes } = disk
  return formatDescriptor({
    createType: disk.subformat,
    contentId: disk.contentId ?? randomContentId(),
    ...(parent && { parent: { contentId: Number.parseInt(parent.id, 16), hint: parent.name } }),
    extents,
    adapter,
    geometry: disk.geometry ?? geometryFor(sizeBytes / SECTOR, adapter),
    hardwareVersion: disk.hardwareVersion ?? 4,
    ...(disk.database && { database: disk.database }),
  })
}

const MAX_CYLINDERS = 16383

/** IDE counts 16 heads; the SCSI adapters' BIOS translates disks above 1 GiB to 255. */
export function geometryFor(sectors: number, adapter: string): Geometry {
  const heads = adapter === 'ide' ? 16 : sectors > 2 ** 21 ? 255 : 64
  const sectorsPerTrack = heads === 64 ? 32 : 63
  const cylinders = Math.max(1, Math.floor(sectors / (heads * sectorsPerTrack)))
  return {
    cylinders: adapter === 'ide' ? Math.min(MAX_CYLINDERS, cylinders) : cylinders,
    heads,
    sectorsPerTrack,
  }
}
