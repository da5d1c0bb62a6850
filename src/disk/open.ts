import { ARCHIVE_HEAD_BYTES, archiveOf, type ByteStore, plural, VivariumError } from '../base/index.ts'
import { acceptsParent } from './chain.ts'
import { checkedDisk } from './checked-disk.ts'
import type { Disk } from './disk.ts'
import type {
  DiskFormat,
  DiskImage,
  ImageFacts,
  Layer,
  OpenImageOptions,
  ParentReference,
  Surroundings,
} from './format.ts'
import { diskFormats } from './formats/index.ts'
import { layeredDisk } from './layered-disk.ts'
import { nextPlainImage } from './next-steps.ts'

export interface ReadImageOptions {
  /** The format's name, where it is known. Once known it should be kept: content can be forged by a guest. */
  readonly format?: string
  /** Take the file for a raw image when no format recognises it. */
  readonly allowRaw?: boolean
  /** Take it for a raw image when it names a parent: all of a raw disk is its guest's own writing. */
  readonly refuseParent?: boolean
  /** The files beside it and so on, for the formats that need them. */
  readonly surroundings?: Surroundings
  /** The file's structures, where they have been parsed already, from the very store that goes with it. */
  readonly parsed?: DiskImage
}

/** The format that recognises the content for sure. */
export function probeFormat(store: ByteStore): DiskFormat | undefined {
  const looked = startRemembered(store)
  return diskFormats.find((format) => format.probe(looked) === 'sure')
}

/** Every format looks at the first bytes, and at the size. */
const START_BYTES = 512

/** For probing: what all formats look at is read once. In a chain of a hundred files that is half of all reads. */
function startRemembered(store: ByteStore): ByteStore {
  const size = store.size()
  const start = new Uint8Array(Math.min(size, START_BYTES))
  store.read(0, start)
  const refuse = (): never => {
    throw new Error('Probing changes nothing.')
  }
  return {
    name: store.name,
    writable: false,
    size: () => size,
    read(at, into) {
      if (at + into.length <= start.length) into.set(start.subarray(at, at + into.length))
      else store.read(at, into)
    },
    write: refuse,
    truncate: refuse,
    flush: refuse,
    close: refuse,
  }
}

/** Parses the structures of one file. @throws VivariumError kind `malformed`, `corrupt` or `unsupported`. */
export function readImage(store: ByteStore, options: ReadImageOptions = {}): DiskImage {
  if (options.parsed !== undefined) return options.parsed
  const image = formatFor(store, options).read(store, options.surroundings)
  const isForged = options.refuseParent === true && image.facts.parent !== undefined
  return isForged ? rawFormat().read(store) : image
}

function formatFor(store: ByteStore, { format: name, allowRaw }: ReadImageOptions): DiskFormat {
  if (name !== undefined) {
    const named = diskFormats.find((format) => format.name === name)
    if (named !== undefined) return named
    const known = diskFormats.map((format) => format.name).join(', ')
    throw new VivariumError('invalid', 'disk-format-unknown', `There is no disk format "${name}".`, {
      where: { path: store.name },
      next: `Known are: ${known}.`,
    })
  }
  const looked = startRemembered(store)
  const [found, other] = diskFormats.filter((format) => format.probe(looked) === 'sure')
  if (found !== undefined && other !== undefined) throw ambiguous(store, found, other)
  if (found !== undefined) return found
  if (allowRaw === true) return rawFormat()
  const archive = archiveOf(headOf(store))
  if (archive !== undefined) throw packed(store, archive)
  throw new VivariumError('malformed', 'disk-format-not-recognised', notRecognised(store), {
    where: { path: store.name },
    next: `It may be another kind of file, or a VHD that was cut short. ${nextPlainImage(store.name)}`,
  })
}

/** Some formats are known by the start of the file, some by its end, and one of these may be the guest's to write. */
function ambiguous(store: ByteStore, one: DiskFormat, other: DiskFormat): VivariumError {
  return new VivariumError(
    'malformed',
    'disk-format-ambiguous',
    `The file looks like a ${one.label} and like a ${other.label}.`,
    {
      where: { path: store.name },
      next: `A guest may have made it so. Say which it is: "${one.name}" or "${other.name}".`,
    },
  )
}

function headOf(store: ByteStore): Uint8Array {
  const head = new Uint8Array(Math.min(store.size(), ARCHIVE_HEAD_BYTES))
  store.read(0, head)
  return head
}

function packed(store: ByteStore, archive: string): VivariumError {
  return new VivariumError('unsupported', 'disk-packed', `It is no disk image, but ${archive}.`, {
    where: { path: store.name },
    next: 'Unpack it first.',
  })
}

function notRecognised(store: ByteStore): string {
  const labels = diskFormats.filter((format) => format.name !== 'raw').map((format) => format.label)
  return `The file of ${plural(store.size(), 'byte')} is none of the disk formats known by content (${labels.join(', ')}).`
}

function rawFormat(): DiskFormat {
  return diskFormats.find((format) => format.name === 'raw')!
}

export interface OpenDiskOptions extends ReadImageOptions {
  readonly writable?: boolean
  /** Write although a saved state of a machine depends on the disk. */
  readonly evenIfInSavedState?: boolean
}

/**
 * Opens a disk that needs no parent. @throws VivariumError; `disk-needs-parent` for a differencing disk.
 *
 * @example
 * const disk = openDisk(openFileStore('/disks/xp.vhd'))
 * disk.read(0, bootSector)
 */
export function openDisk(store: ByteStore, options: OpenDiskOptions = {}): Disk {
  return openDiskChain([store], [options], options)
}

export interface OpenChainOptions extends OpenImageOptions {
  readonly writable?: boolean
  readonly evenIfInSavedState?: boolean
  /** See `OpenImageOptions.keepId`. */
  readonly keepId?: boolean
  /** Called once when the disk has been closed. */
  readonly onClose?: () => void
}

/**
 * Opens the files of a chain, topmost first, each the parent of the one before; checks every unique id. Takes over
 * the stores: they are closed with the disk, or at once when it cannot be opened.
 */
export function openDiskChain(
  stores: readonly ByteStore[],
  images: readonly ReadImageOptions[],
  options: OpenChainOptions = {},
): Disk {
  const writable = options.writable === true
  const layers: Layer[] = []
  try {
    const read = readChain(stores, images)
    checkChain(stores, read)
    if (writable && read[0]!.facts.inSavedState && options.evenIfInSavedState !== true)
      throw inSavedState(stores[0]!)
    const { keepId = false } = options
    for (const image of read) layers.push(image.open(writable && layers.length === 0, { keepId }))
    return checkedDisk(layeredDisk(layers, writable), stores[0]!.name, options.onClose)
  } catch (error) {
    // An opened layer has its store, and may have others.
    for (const open of [...layers, ...stores.slice(layers.length)]) open.close()
    throw error
  }
}

/** Each image is read as what the one above it says it is, unless the caller knows better. */
function readChain(stores: readonly ByteStore[], images: readonly ReadImageOptions[]): DiskImage[] {
  const read: DiskImage[] = []
  for (const [index, store] of stores.entries()) {
    const reference = read.at(-1)?.facts.parent
    read.push(readImage(store, reference ? parentOptions(reference, images[index]) : images[index]))
  }
  return read
}

/**
 * How a parent is to be read: as the format that its child recorded, which a guest cannot forge; and where the
 * child records no id, it may be a raw image.
 */
export function parentOptions(reference: ParentReference, options: ReadImageOptions = {}): ReadImageOptions {
  return {
    ...(reference.format !== undefined && { format: reference.format }),
    ...options,
    allowRaw: options.allowRaw === true || reference.id === undefined,
  }
}

function inSavedState(store: ByteStore): VivariumError {
  return new VivariumError(
    'conflict',
    'disk-in-saved-state',
    'A saved state of a machine depends on this disk.',
    {
      where: { path: store.name },
      next: 'Discard the saved state first, or put an undo disk on top of the disk.',
    },
  )
}

function checkChain(stores: readonly ByteStore[], images: readonly DiskImage[]): void {
  for (const [index, { facts }] of images.entries()) {
    const below = images[index + 1]?.facts
    if (facts.parent === undefined) {
      if (below === undefined) return
      throw new VivariumError(
        'invalid',
        'disk-has-no-parent',
        'It is no differencing disk and takes no parent.',
        {
          where: { path: stores[index]!.name },
          next: `Leave ${stores[index + 1]!.name} out.`,
        },
      )
    }
    if (below === undefined) throw needsParent(stores[index]!, facts)
    if (!acceptsParent(facts.parent, below))
      throw notTheParent(stores[index]!, stores[index + 1]!, facts, below)
  }
}

function needsParent(store: ByteStore, facts: ImageFacts): VivariumError {
  const names = facts.parent!.names.map(({ text }) => text)
  return new VivariumError(
    'not-found',
    'disk-needs-parent',
    `It is a differencing disk and shows nothing right without its parent${names.length > 0 ? ` "${names[0]}"` : ''}.`,
    { where: { path: store.name }, next: 'Put the parent where the disk expects it, or name its folder.' },
  )
}

function notTheParent(
  child: ByteStore,
  parent: ByteStore,
  facts: ImageFacts,
  below: ImageFacts,
): VivariumError {
  return new VivariumError(
    'corrupt',
    'disk-parent-mismatch',
    `The parent should have the id ${facts.parent!.id}, and ${parent.name} has ${below.id ?? 'none'}.`,
    { where: { path: child.name, field: 'parent id' }, next: 'Find the parent this disk was made from.' },
  )
}
