import { asciiOf, type ByteStore } from '../../../base/index.ts'
import { type Geometry, SECTOR } from '../../format.ts'

/**
 * What a raw image is an image of. Its bytes alone do not tell: a guest may write anything to its disk. So the
 * name says what it may be, and size or content must agree.
 */
export type Medium = 'flat' | 'floppy' | 'iso'

const FLOPPY_NAMES: readonly string[] = ['.vfd', '.flp', '.ima', '.img']
const ISO_NAME = '.iso'

/** Formatted capacities of the PC's drives; Virtual PC and Virtual Server made those of 720 KB and 1.44 MB. */
const FLOPPIES: readonly (Geometry & { readonly label: string })[] = [
  { label: '360 KB', cylinders: 40, heads: 2, sectorsPerTrack: 9 },
  { label: '720 KB', cylinders: 80, heads: 2, sectorsPerTrack: 9 },
  { label: '1.2 MB', cylinders: 80, heads: 2, sectorsPerTrack: 15 },
  { label: '1.44 MB', cylinders: 80, heads: 2, sectorsPerTrack: 18 },
  { label: '1.68 MB', cylinders: 80, heads: 2, sectorsPerTrack: 21 },
  { label: '2.88 MB', cylinders: 80, heads: 2, sectorsPerTrack: 36 },
]

/** For people: "360 KB (368640 bytes), ...". */
export const FLOPPY_SIZES = FLOPPIES.map((floppy) => `${floppy.label} (${bytesOf(floppy)} bytes)`).join(', ')

function bytesOf({ cylinders, heads, sectorsPerTrack }: Geometry): number {
  return cylinders * heads * sectorsPerTrack * SECTOR
}

/** The tracks of a floppy of that size; undefined when no drive has it. */
export function floppyGeometry(sizeBytes: number): Geometry | undefined {
  const found = FLOPPIES.find((floppy) => bytesOf(floppy) === sizeBytes)
  if (found === undefined) return undefined
  const { cylinders, heads, sectorsPerTrack } = found
  return { cylinders, heads, sectorsPerTrack }
}

export function mediumOf(store: ByteStore): Medium {
  const name = store.name.toLowerCase()
  if (name.endsWith(ISO_NAME) && isIso(store)) return 'iso'
  const isFloppy = FLOPPY_NAMES.some((ending) => name.endsWith(ending))
  return isFloppy && floppyGeometry(store.size()) !== undefined ? 'floppy' : 'flat'
}

/** ECMA-119 section 8: the volume descriptors begin at sector 16 of 2048 bytes, each with "CD001" behind its type. */
const ISO_SIGNATURE_AT = 16 * 2048 + 1

function isIso(store: ByteStore): boolean {
  const bytes = new Uint8Array(5)
  if (store.size() < ISO_SIGNATURE_AT + bytes.length) return false
  store.read(ISO_SIGNATURE_AT, bytes)
  return asciiOf(bytes) === 'CD001'
}
