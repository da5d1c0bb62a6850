import { formatSize, GiB, MiB, type Problem, TiB, VivariumError } from '../base/index.ts'
import { SECTOR } from './format.ts'
import { largestFor } from './formats/qcow2/dimensions.ts'
import { DEFAULT_CLUSTER_SIZE } from './formats/qcow2/new-image.ts'
import { MAX_BLOCKS } from './formats/vdi/block-map.ts'
import { geometryBytes, geometryOf, MAX_CHS_SECTORS } from './formats/vhd/geometry.ts'
import { MAX_VHD_BYTES } from './formats/vhd/layout.ts'
import { MAX_SPARSE_SECTORS } from './formats/vmdk/sparse-layout.ts'

/** What a product takes as a disk: one name says the format, the kind, the sizes and how they are rounded. */
export interface DiskProfile {
  /** Short and stable. */
  readonly name: string
  readonly label: string
  /** What it takes, the best first; each with the kind that is made of it. */
  readonly formats: readonly { readonly format: string; readonly subformat: string }[]
  /** Sizes are made multiples of this many bytes; `cylinders`: as many as a VHD's geometry shows. */
  readonly multipleOf: number | 'cylinders'
  readonly minBytes?: number
  readonly maxBytes: number
  /** Where the largest size comes from. */
  readonly limit: string
  /** Why these formats, in a sentence. */
  readonly why: string
  /** Above this size something has to be minded. */
  readonly mind?: { readonly aboveBytes: number; readonly note: string }
}

/** The last byte that an IDE disk addressed by cylinders has: 65535 x 16 x 255 sectors, "127 GB". */
const CHS_LIMIT = MAX_CHS_SECTORS * SECTOR
/** 2^28 sectors: IDE without 48-bit addresses. */
const LBA28_LIMIT = 128 * GiB

/**
 * Sources: Azure's upload rules (fixed VHD, N x 1 MiB + 512 bytes; DiskCreationData.uploadSizeBytes: 20 MiB at the
 * least), the Virtual Server SDK (128 GB on IDE, 2 TB on SCSI), KB833144 (127 GB in Virtual PC), MS-VHDX (64 TB), the
 * VMDK specification (a capacity of whole grains).
 */
export const diskProfiles: readonly DiskProfile[] = [
  {
    name: 'azure',
    label: 'Microsoft Azure',
    formats: [{ format: 'vhd', subformat: 'fixed' }],
    multipleOf: MiB,
    minBytes: 20 * MiB,
    maxBytes: MAX_VHD_BYTES,
    limit: 'a VHD has at most 2040 GiB',
    why: 'Azure takes fixed VHDs of whole MiB only.',
  },
  {
    name: 'hyper-v-1',
    label: 'Hyper-V, generation 1',
    formats: [
      { format: 'vhdx', subformat: 'dynamic' },
      { format: 'vhd', subformat: 'dynamic' },
    ],
    multipleOf: SECTOR,
    maxBytes: 64 * TiB,
    limit: 'a VHDX has at most 64 TiB',
    why: 'VHDX, for it survives power failures; Windows Server 2008 takes VHD only.',
  },
  {
    name: 'hyper-v-2',
    label: 'Hyper-V, generation 2',
    formats: [{ format: 'vhdx', subformat: 'dynamic' }],
    multipleOf: SECTOR,
    maxBytes: 64 * TiB,
    limit: 'a VHDX has at most 64 TiB',
    why: 'Generation 2 takes VHDX only, and starts guests by UEFI only.',
  },
  {
    name: 'virtual-pc',
    label: 'Microsoft Virtual PC',
    formats: [{ format: 'vhd', subformat: 'dynamic' }],
    multipleOf: 'cylinders',
    maxBytes: CHS_LIMIT,
    limit: 'its IDE controller addresses 136,899,993,600 bytes ("127 GB")',
    why: 'Virtual PC attaches VHDs to IDE and shows the guest whole cylinders.',
  },
  {
    name: 'virtual-server',
    label: 'Microsoft Virtual Server',
    formats: [{ format: 'vhd', subformat: 'dynamic' }],
    multipleOf: SECTOR,
    maxBytes: MAX_VHD_BYTES,
    limit: 'a VHD has at most 2040 GiB',
    why: 'Virtual Server takes VHDs, on IDE and on SCSI.',
    mind: { aboveBytes: LBA28_LIMIT, note: 'On IDE it shows 128 GiB at most: attach the disk to SCSI.' },
  },
  {
    name: 'virtualbox',
    label: 'VirtualBox',
    formats: [{ format: 'vdi', subformat: 'dynamic' }],
    multipleOf: SECTOR,
    maxBytes: MAX_BLOCKS * MiB,
    limit: 'Vivarium keeps a VDI to 2^24 blocks of 1 MiB',
    why: "VDI is VirtualBox's own format, and the one it can resize and compact.",
  },
  {
    name: 'vmware',
    label: 'VMware Workstation, Player and Fusion',
    formats: [{ format: 'vmdk', subformat: 'monolithicSparse' }],
    multipleOf: 64 << 10,
    maxBytes: MAX_SPARSE_SECTORS * SECTOR,
    limit: 'a sparse VMDK has at most 2 TiB, less 2 GiB',
    why: 'One file that grows, of whole grains of 64 KiB.',
  },
  {
    name: 'qemu',
    label: 'QEMU, KVM and libvirt',
    formats: [{ format: 'qcow2', subformat: 'dynamic' }],
    multipleOf: SECTOR,
    maxBytes: largestFor(DEFAULT_CLUSTER_SIZE),
    limit: 'the upper table of a QCOW2 has at most 32 MiB',
    why: "QCOW2 is QEMU's own format, with snapshots and backing files.",
  },
]

/** @throws VivariumError kind `not-found`, code `no-such-profile`. */
export function profileNamed(name: string): DiskProfile {
  const found = diskProfiles.find((profile) => profile.name === name)
  if (found !== undefined) return found
  throw new VivariumError('not-found', 'no-such-profile', `There is no profile "${name}".`, {
    where: { field: 'profile' },
    next: `There are: ${diskProfiles.map((profile) => profile.name).join(', ')}.`,
  })
}

export interface ProfiledDisk {
  readonly format: string
  readonly subformat: string
  readonly sizeBytes: number
  /** What was changed, and what to mind. */
  readonly notes: readonly Problem[]
}

/**
 * What a disk of this size becomes. Made larger where a rule says so, never smaller: no data is cut off.
 * @param wanted What the user asked for besides; it must be something that the product takes.
 * @throws VivariumError kind `unsupported`: code `profile-too-large`, `profile-format`.
 */
export function applyProfile(
  profile: DiskProfile,
  sizeBytes: number,
  wanted: { readonly format?: string | undefined; readonly subformat?: string | undefined } = {},
): ProfiledDisk {
  const { format, subformat } = kindFor(profile, wanted)
  const fitting = roundUp(Math.max(sizeBytes, profile.minBytes ?? 0), profile.multipleOf)
  const limit = format === 'vhd' ? Math.min(profile.maxBytes, MAX_VHD_BYTES) : profile.maxBytes
  if (fitting > limit)
    throw new VivariumError(
      'unsupported',
      'profile-too-large',
      `The disk has ${sizeBytes} bytes (${formatSize(sizeBytes)}), and ${profile.label} takes at most ${limit}: ${profile.limit}.`,
      {
        where: { field: 'profile' },
        next: 'Choose another profile, or make the partitions and the disk smaller in the guest first.',
      },
    )
  return { format, subformat, sizeBytes: fitting, notes: notesOn(profile, sizeBytes, fitting) }
}

function kindFor(
  { label, formats }: DiskProfile,
  wanted: { readonly format?: string | undefined; readonly subformat?: string | undefined },
): { readonly format: string; readonly subformat: string } {
  const found = formats.find(
    ({ format, subformat }) =>
      (wanted.format === undefined || wanted.format === format) &&
      (wanted.subformat === undefined || wanted.subformat === subformat),
  )
  if (found !== undefined) return found
  const asked = [wanted.subformat, wanted.format?.toUpperCase()].filter((word) => word !== undefined)
  const taken = formats.map(({ format, subformat }) => `${subformat} ${format.toUpperCase()}`).join(' or ')
  throw new VivariumError(
    'unsupported',
    'profile-format',
    `The profile of ${label} makes ${taken}, not ${asked.join(' ')}.`,
    { where: { field: 'profile' }, next: 'Leave the format out, or the profile.' },
  )
}

function roundUp(sizeBytes: number, multipleOf: number | 'cylinders'): number {
  if (multipleOf !== 'cylinders') return Math.ceil(sizeBytes / multipleOf) * multipleOf
  // More bytes may mean another geometry, whose cylinders are larger.
  let size = Math.ceil(sizeBytes / SECTOR) * SECTOR
  for (;;) {
    const geometry = geometryOf(size)
    if (geometryBytes(geometry) >= size || size >= CHS_LIMIT) return size
    size = geometryBytes({ ...geometry, cylinders: geometry.cylinders + 1 })
  }
}

function notesOn(profile: DiskProfile, asked: number, made: number): Problem[] {
  const notes: Problem[] = []
  if (made !== asked)
    notes.push({
      code: 'size-rounded',
      severity: 'note',
      message: `The size was rounded up from ${asked} to ${made} bytes, for ${reasonOf(profile, asked)}.`,
    })
  if (profile.mind !== undefined && made > profile.mind.aboveBytes)
    notes.push({ code: 'profile-mind', severity: 'note', message: profile.mind.note })
  return notes
}

function reasonOf({ label, multipleOf, minBytes }: DiskProfile, asked: number): string {
  if (minBytes !== undefined && asked < minBytes)
    return `${label} takes no disk below ${formatSize(minBytes)}`
  if (multipleOf === 'cylinders') return `${label} shows the guest whole cylinders only`
  return `${label} takes whole ${multipleOf === MiB ? 'MiB' : `multiples of ${formatSize(multipleOf)}`} only`
}
