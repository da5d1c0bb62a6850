import { fromHex, MiB, plural, VivariumError } from '../../../base/index.ts'
import { FLAT_UNIT, flatSegments } from '../../flat-layout.ts'
import { type Geometry, SECTOR, type Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LaidFile, LayoutOptions } from '../../layout.ts'
import { MAX_BAT_ENTRIES, MAX_BLOCK_SIZE } from './bat.ts'
import { OWN_CREATOR } from './creators.ts'
import { DISK_TYPES, FOOTER_BYTES, type Footer, formatFooter, type VhdType } from './footer.ts'
import { geometryOf } from './geometry.ts'
import { layoutSparse } from './sparse-layout.ts'
import { stampOf } from './stamps.ts'

/** 2040 GB, the limit of Virtual Server, Virtual PC and Windows. */
export const MAX_VHD_BYTES = 2_088_960 * MiB
export const DEFAULT_BLOCK_SIZE = 2 * MiB
/** Below 4 KiB the data of a block could not begin at a multiple of 4 KiB. */
const MIN_NEW_BLOCK_SIZE = 4096

export const VHD_SUBFORMATS: readonly Subformat[] = [
  { name: 'dynamic', label: 'grows with its content' },
  { name: 'fixed', label: 'takes all its room at once' },
  { name: 'differencing', label: 'stores what differs from its parent' },
]

/**
 * A new VHD. Identity and geometry are new, the parent's, or those that are given; the creator is always Vivarium, for
 * whose files everybody takes the right size.
 * @throws VivariumError kind `invalid` for an impossible size, block size, id or geometry; `unsupported` for a parent
 * without id, and where the file would have more than 2 TiB.
 */
export function layoutVhd(source: DiskSource, options: LayoutOptions): ImageLayout {
  const type = typeOf(options)
  const blockSize = options.blockSize ?? DEFAULT_BLOCK_SIZE
  checkSize(options.name, source.sizeBytes, blockSize)
  const footer = formatFooter(footerFor(type, source.sizeBytes, options))
  const file =
    type === 'fixed'
      ? layoutFixed(source, options.name, footer)
      : layoutSparse(source, { ...options, blockSize }, footer)
  return { files: [file] }
}

export function vhdLayoutUnit({ subformat, blockSize }: LayoutOptions): number {
  return subformat === 'fixed' ? FLAT_UNIT : (blockSize ?? DEFAULT_BLOCK_SIZE)
}

function typeOf({ subformat, parent, name }: LayoutOptions): VhdType {
  const fail = (message: string, next: string): never => {
    throw new VivariumError('invalid', 'vhd-subformat-invalid', message, { where: { path: name }, next })
  }
  if (!Object.hasOwn(DISK_TYPES, subformat))
    return fail(`There is no VHD of the kind "${subformat}".`, 'Choose dynamic, fixed or differencing.')
  if ((subformat === 'differencing') !== (parent !== undefined))
    return fail(
      parent === undefined ? 'A differencing disk needs a parent.' : `A ${subformat} disk has no parent.`,
      'A parent goes with a differencing disk, and only with one.',
    )
  return subformat as VhdType
}

function checkSize(path: string, sizeBytes: number, blockSize: number): void {
  const fail = (code: string, message: string, next: string): never => {
    throw new VivariumError('invalid', code, message, { where: { path, field: 'size' }, next })
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % SECTOR !== 0)
    fail(
      'vhd-size-invalid',
      `A VHD cannot have ${plural(sizeBytes, 'byte')}.`,
      'Choose a positive multiple of 512 bytes.',
    )
  if (sizeBytes > MAX_VHD_BYTES)
    fail(
      'vhd-size-invalid',
      `A VHD cannot have ${sizeBytes} bytes; the limit is ${MAX_VHD_BYTES} (2040 GB).`,
      'Choose a smaller size.',
    )
  if (blockSize < MIN_NEW_BLOCK_SIZE || blockSize > MAX_BLOCK_SIZE || !Number.isInteger(Math.log2(blockSize)))
    fail(
      'vhd-block-size-invalid',
      `A block cannot have ${plural(blockSize, 'byte')}.`,
      'Choose a power of two from 4 KiB to 256 MiB; everybody uses 2 MiB.',
    )
  if (Math.ceil(sizeBytes / blockSize) > MAX_BAT_ENTRIES)
    fail(
      'vhd-block-size-invalid',
      `Blocks of ${blockSize} bytes are too small for a disk of ${sizeBytes} bytes.`,
      'Choose larger blocks.',
    )
}

function footerFor(type: VhdType, sizeBytes: number, options: LayoutOptions): Footer {
  const { parent, id, stamp, time } = options
  return {
    type,
    headerOffset: type === 'fixed' ? undefined : FOOTER_BYTES,
    stamp: stamp ?? stampOf(time ?? new Date()),
    creatorApplication: OWN_CREATOR.application,
    creatorVersion: OWN_CREATOR.version,
    creatorOs: OWN_CREATOR.os,
    originalSize: sizeBytes,
    currentSize: sizeBytes,
    geometry: checkedGeometry(options) ?? inherited(parent, sizeBytes) ?? geometryOf(sizeBytes),
    id: id === undefined ? randomId() : idOf(id),
    inSavedState: false,
  }
}

/** The field takes 16, 8 and 8 bits. */
function fits({ cylinders, heads, sectorsPerTrack }: Geometry): boolean {
  return cylinders <= 0xffff && heads <= 0xff && sectorsPerTrack <= 0xff
}

function checkedGeometry({ name, geometry }: LayoutOptions): Geometry | undefined {
  if (geometry === undefined || fits(geometry)) return geometry
  const text = `${geometry.cylinders}/${geometry.heads}/${geometry.sectorsPerTrack}`
  throw new VivariumError('invalid', 'vhd-geometry-invalid', `A VHD cannot have the geometry ${text}.`, {
    where: { path: name, field: 'geometry' },
    next: 'Up to 65535 cylinders, 255 heads and 255 sectors per track are possible.',
  })
}

/** A child is the same disk to the guest. */
function inherited(parent: LayoutOptions['parent'], sizeBytes: number): Geometry | undefined {
  const { geometry } = parent ?? {}
  return geometry !== undefined && parent?.sizeBytes === sizeBytes && fits(geometry) ? geometry : undefined
}

function idOf(text: string): Uint8Array {
  const id = fromHex(text.replaceAll('-', ''))
  if (id?.length === 16) return id
  throw new VivariumError('invalid', 'vhd-id-invalid', `"${text}" is no unique id of a VHD.`, {
    next: 'An id is a GUID: 32 hexadecimal digits.',
  })
}

/** A version 4 UUID. */
function randomId(): Uint8Array {
  const id = crypto.getRandomValues(new Uint8Array(16))
  id[6] = (id[6]! & 0x0f) | 0x40
  id[8] = (id[8]! & 0x3f) | 0x80
  return id
}

function layoutFixed(source: DiskSource, name: string, footer: Uint8Array): LaidFile {
  const map = source.units(FLAT_UNIT)
  const { sizeBytes } = source
  return {
    name,
    sizeBytes: sizeBytes + FOOTER_BYTES,
    *segments() {
      yield* flatSegments(map, sizeBytes)
      yield { kind: 'bytes', bytes: footer }
    },
  }
}
