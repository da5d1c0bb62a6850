import { type Problem, VivariumError } from '../base/index.ts'
import {
  applyProfile,
  type DiskFormat,
  diskFormats,
  type ImageFacts,
  type LayoutOptions,
  profileNamed,
} from '../disk/index.ts'
import { formatNamed } from '../system/index.ts'
import { formatByEnding } from './fitting-ending.ts'

/** What somebody wants a new image to be; the rest follows from the file's name, the profile and the content. */
export interface ImageWish {
  readonly format?: string | undefined
  readonly subformat?: string | undefined
  readonly profile?: string | undefined
  /** Bytes of a block, cluster or grain. */
  readonly blockSize?: number | undefined
}

export interface PlannedImage {
  readonly format: DiskFormat
  /** Capacity in bytes, never less than the content's. */
  readonly sizeBytes: number
  readonly layout: LayoutOptions
  /** What the plan changes, for people. */
  readonly notes: readonly Problem[]
}

/**
 * Decides format, kind and size of a new image before anything is touched.
 * @param content Size of what goes into it, and the facts of where that comes from.
 * @throws VivariumError kind `invalid`, `unsupported` or `not-found` (no such profile).
 */
export function planImage(
  name: string,
  wish: ImageWish,
  content: { readonly sizeBytes: number; readonly facts?: ImageFacts },
): PlannedImage {
  const profile = wish.profile === undefined ? undefined : profileNamed(wish.profile)
  // Of what the product takes, the file's name may choose; `endingNotes` refuses a name that says something else.
  const named = formatByEnding(name)?.name
  const taken = profile?.formats.some(({ format }) => format === named) ? named : undefined
  const profiled =
    profile &&
    applyProfile(profile, content.sizeBytes, { format: wish.format ?? taken, subformat: wish.subformat })
  const format = formatNamed(wish.format ?? profiled?.format ?? formatOfName(name))
  const subformat = subformatOf(format, wish.subformat ?? profiled?.subformat)
  const sectors = keptSectorSize(format, content.facts)
  return {
    format,
    sizeBytes: profiled?.sizeBytes ?? content.sizeBytes,
    layout: {
      name,
      subformat,
      ...(wish.blockSize !== undefined && { blockSize: wish.blockSize }),
      ...sectors.option,
      ...keptGeometry(format, content.facts, profiled?.sizeBytes ?? content.sizeBytes),
      ...(content.facts?.format === format.name && detailsIn(content.facts)),
    },
    notes: [...(profiled?.notes ?? []), ...sectors.notes],
  }
}

/** By the file's extension. @throws VivariumError kind `invalid`, code `format-unknown`. */
export function formatOfName(name: string): string {
  const found = formatByEnding(name)
  if (found !== undefined) return found.name
  throw new VivariumError(
    'invalid',
    'format-unknown',
    `"${name}" does not tell which format it shall have.`,
    {
      where: { field: 'format' },
      next: `Give it one of the endings ${diskFormats.map(({ extensions }) => extensions[0]).join(', ')}, or name the format.`,
    },
  )
}

/** The format's name for it, whatever the case; its usual one when nothing is asked for. */
function subformatOf({ label, subformats }: DiskFormat, wanted: string | undefined): string {
  if (subformats === undefined)
    throw new VivariumError('unsupported', 'format-not-made', `${label} is read, and not made.`, {
      where: { field: 'format' },
      next: 'Choose another format.',
    })
  const independent = subformats.map(({ name }) => name).filter((name) => name !== DIFFERENCING)
  const found =
    wanted === undefined
      ? independent[0]
      : independent.find((name) => name.toLowerCase() === wanted.toLowerCase())
  if (found !== undefined) return found
  throw wanted?.toLowerCase() === DIFFERENCING
    ? withoutParent()
    : unknownSubformat(label, wanted, independent)
}

const DIFFERENCING = 'differencing'

function withoutParent(): VivariumError {
  return new VivariumError(
    'invalid',
    'differencing-needs-parent',
    'A differencing disk lies on a parent, and this makes a disk of its own.',
    {
      where: { field: 'subformat' },
      next: 'Make one on the disk instead: vivarium disk create NEW --parent DISK.',
    },
  )
}

function unknownSubformat(label: string, wanted = '', known: readonly string[]): VivariumError {
  return new VivariumError('invalid', 'subformat-unknown', `There is no kind "${wanted}" of ${label}.`, {
    where: { field: 'subformat' },
    next: `There are: ${known.join(', ')}.`,
  })
}

/** Only VHDX says how large the guest's sectors are; elsewhere a guest that counts in 4 KiB finds nothing. */
function keptSectorSize(
  format: DiskFormat,
  facts: ImageFacts | undefined,
): { readonly option: Pick<LayoutOptions, 'sectorSize'>; readonly notes: readonly Problem[] } {
  const sectorSize = facts?.sectorSize
  if (sectorSize === undefined || sectorSize === 512) return { option: {}, notes: [] }
  if (format.name === 'vhdx') return { option: { sectorSize }, notes: [] }
  return { option: {}, notes: sectorSizeNotes(format, facts) }
}

/** What a disk of these facts loses as an image of that format, or under a child of it. */
export function sectorSizeNotes({ name, label }: DiskFormat, facts: ImageFacts | undefined): Problem[] {
  const sectorSize = facts?.sectorSize
  if (sectorSize === undefined || sectorSize === 512 || name === 'vhdx') return []
  return [
    {
      code: 'sector-size-lost',
      severity: 'warning',
      message: `The guest counts in sectors of ${sectorSize} bytes, and ${label} cannot say so.`,
      next: 'Its partitions are not found where sectors have 512 bytes: keep the disk in VHDX.',
    },
  ]
}

/** The adapter of a VMDK, for one: the same format goes on saying so. */
function detailsIn({ details }: ImageFacts): Pick<LayoutOptions, 'details'> {
  return details === undefined ? {} : { details }
}

/** Old guests find their partitions by the geometry: the same format keeps it, as long as the size is the same. */
function keptGeometry(
  format: DiskFormat,
  facts: ImageFacts | undefined,
  sizeBytes: number,
): Pick<LayoutOptions, 'geometry'> {
  if (facts?.geometry === undefined || facts.format !== format.name || facts.sizeBytes !== sizeBytes)
    return {}
  return { geometry: facts.geometry }
}
