import type { Stored } from './disk.ts'

/**
 * An image as a list: everything a new file will hold, in order, before any of it is written.
 *
 * Creating, converting, compacting and merging into a new disk are all the same act: look which units of the disk
 * have content, let the format lay out the file, and write the list from its first byte to its last. So a file can
 * as well be a pipe or a download; a copy between two files can be left to the kernel; and a test reads the list.
 *
 *   DiskSource (what the disk shows, unit by unit) -> DiskFormat.layout -> ImageLayout -> written by whoever has files
 */
export type Segment =
  /** These bytes. They stay unchanged until the next segment is asked for, no longer. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Bytes as the source shows them (`DiskSource.read`), within its size. Of any length. */
  | { readonly kind: 'guest'; readonly offset: number; readonly length: number }
  /** Zeroes; a hole where the target can have one. */
  | { readonly kind: 'zero'; readonly length: number }

export interface LaidFile {
  /** Name within the image's folder, without a path. The image's own name, or that of an extent of it. */
  readonly name: string
  /** Bytes; absent where only writing tells (compressed images). */
  readonly sizeBytes?: number
  /** From the first byte to the last. May be asked for again, and then yields the same. */
  segments(): Iterable<Segment>
}

/** One of the files of an image of several, and the bytes of the disk that it holds. */
export interface LaidExtent {
  readonly file: LaidFile
  readonly offset: number
  readonly length: number
}

/** What makes an image of several files larger. */
export interface ImageGrowth {
  /** New files without content, and at last the one that names all of them: it takes the old one's place. */
  readonly files: readonly LaidFile[]
  /** Makes the last of the old files larger: the disk keeps its size until its files are named anew. Can be done again. */
  growLast(): void
}

export interface ImageLayout {
  /** The extents first, what names them last: until that is there, nobody takes them for a disk. */
  readonly files: readonly LaidFile[]
}

/**
 * What one unit of a disk needs in a new image. `data`: bytes that must be stored; `zero`: it reads as zero, and
 * where the image has a parent that must be said; `below`: the parent shows it (never for an image without one).
 */
export type UnitKind = 'data' | 'zero' | 'below'

export interface UnitMap {
  readonly unitBytes: number
  /** Units of the disk, the last of which may be cut short by its size. */
  readonly count: number
  /** How many are `data`. */
  readonly dataCount: number
  kindOf(unit: number): UnitKind
  /** The first unit from `from` on that is not of `kind`, or `count`. */
  endOfRun(from: number, kind: UnitKind): number
}

/** The content of a new image, as a format's layout asks for it. Every range lies within `sizeBytes`. */
export interface DiskSource {
  /** Capacity of the new image in bytes. */
  readonly sizeBytes: number
  /**
   * What every unit of this many bytes needs. Where units are larger than a sector and the image has a parent, a
   * unit of which only a part is stored is `data`: what the rest of it shows is to be stored with it.
   * Remembered for the unit size that was asked for last.
   */
  units(unitBytes: number): UnitMap
  /**
   * Makes that map step by step, as it may have to read the whole disk: after each step of a few milliseconds comes
   * the guest offset up to which it is done. Left off, nothing is remembered. `units` goes through all steps at once.
   */
  scan(unitBytes: number): Iterable<number>
  /** Sector by sector within a range, for formats with sector bitmaps over a parent; runs of one kind, in order. */
  sectorRuns(offset: number, length: number): Iterable<{ offset: number; length: number; kind: UnitKind }>
  /** The content, whatever the map says of it; for formats that store compressed grains, and for copying. */
  read(offset: number, into: Uint8Array): void
  /** Where the content lies, for copying without looking at it; see `Disk.storedAt`. */
  storedAt(offset: number, length: number): Stored
}

/** How a new child names its parent, whatever the format. */
export interface LayoutParent {
  /** `ImageFacts.id` of the parent. */
  readonly id?: string
  /** `ImageFacts.diskId`, where the parent has one. */
  readonly diskId?: string
  readonly stamp?: number
  readonly format: string
  readonly sizeBytes: number
  /** `ImageFacts.sectorSize` of the parent, where it has one. */
  readonly sectorSize?: number
  readonly geometry?: { readonly cylinders: number; readonly heads: number; readonly sectorsPerTrack: number }
  /** From the child's folder, with backslashes: `.\base.vhd`. Empty: there is none, on another drive. */
  readonly relativePath: string
  readonly absolutePath: string
}

export interface LayoutOptions {
  /** One of the format's `subformats`. */
  readonly subformat: string
  /** The file's name in its folder; formats of several files name the others after it. */
  readonly name: string
  /** Present exactly when the subformat is `differencing`. */
  readonly parent?: LayoutParent
  /** Bytes of a block, cluster or grain; the format's default when absent. */
  readonly blockSize?: number
  /** Bytes of a sector as the guest sees it; 512 when absent. Only VHDX knows another (4096). */
  readonly sectorSize?: number
  /** Keep the identity: the new file takes the place of an older one (compact, expand). Text form of `ImageFacts`. */
  readonly id?: string
  readonly diskId?: string
  readonly stamp?: number
  readonly geometry?: { readonly cylinders: number; readonly heads: number; readonly sectorsPerTrack: number }
  /** What time to record; now when absent. */
  readonly time?: Date
  /** Packs as zlib does (RFC 1950), for compressed images. Absent: what they hold is stored in zlib's frame, unpacked. */
  readonly deflate?: (bytes: Uint8Array) => Uint8Array
  /** More that only one format has: documented where its layout is. Values come from users: check them. */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}
