import type { ByteStore, Problem } from '../base/index.ts'
import type { DiskSource, ImageGrowth, ImageLayout, LaidExtent, LayoutOptions } from './layout.ts'

/**
 * What a disk format is to this room. A format answers "where is this range?"; one runner (layered-disk.ts)
 * moves the bytes, so a chain of any depth needs no recursion and no copy, and a format never sees its parent.
 *
 *   DiskFormat.read(store) -> DiskImage (the structures, parsed) -> open(writable) -> Layer (ranges)
 */
export interface DiskFormat {
  /** Short and stable: `vhd`, `raw`. */
  readonly name: string
  readonly label: string
  /** Lower case, with the dot. */
  readonly extensions: readonly string[]
  /** By content, never by name. `maybe` = only when asked for by name. */
  probe(store: ByteStore): 'no' | 'maybe' | 'sure'
  /** Parses the structures. @throws VivariumError kind `malformed`, `corrupt` or `unsupported`. */
  read(store: ByteStore, surroundings?: Surroundings): DiskImage
  /** What new images can be, the usual one first; absent = this format is read and not made. */
  readonly subformats?: readonly Subformat[]
  /**
   * Lays out a new image with the content of `source`; an empty disk is a source without data. Goes with `subformats`.
   * @throws VivariumError kind `invalid` (a size, a block size) or `unsupported` (a parent it cannot have).
   */
  layout?(source: DiskSource, options: LayoutOptions): ImageLayout
  /**
   * The unit for which `layout` will ask `source.units`, so that whoever has the time can have it mapped step by step
   * beforehand (`source.scan`). Absent: `layout` asks for none.
   */
  layoutUnit?(options: LayoutOptions, sizeBytes: number): number
  /**
   * Makes a disk larger in its file; the new part reads as zero. In steps that each leave a whole disk, of the old or
   * the new size. False, with nothing changed: there is no room for it in place, write a new file instead.
   * @throws VivariumError kind `invalid` for a size that is impossible, or smaller than the disk's.
   */
  expand?(store: ByteStore, sizeBytes: number, surroundings?: Surroundings): boolean
  /**
   * Of an image of several files: lays out anew those that grow with their content, each for itself, as what it is. Any
   * of them may take its file's place, and the others stay. Undefined: it is no such image, lay out all of it.
   * @throws VivariumError kind `unsupported`.
   */
  layoutExtents?(
    store: ByteStore,
    source: DiskSource,
    surroundings?: Surroundings,
  ): readonly LaidExtent[] | undefined
  /**
   * Of an image of several files: what makes it larger, with nothing changed yet. Undefined: it is no such image.
   * @throws VivariumError kind `invalid` for an impossible size, `unsupported` or `corrupt` for an image that cannot grow.
   */
  growth?(
    store: ByteStore,
    size: { readonly sizeBytes: number; readonly name: string },
    surroundings?: Surroundings,
  ): ImageGrowth | undefined
}

export interface Subformat {
  /** Short and stable, as `ImageFacts.subformat` tells it: `fixed`, `dynamic`, `differencing`, `streamOptimized`. */
  readonly name: string
  /** A few words for people: "grows with its content". */
  readonly label: string
  /** More than one file: it can neither be piped nor uploaded as one. */
  readonly severalFiles?: boolean
}

/** What a format may ask for besides its file; whoever has the files brings it. All of it may be absent. */
export interface Surroundings {
  /**
   * Opens another file that this one names (an extent of a VMDK), in its own folder. The name is what the file
   * says, so it is hostile until checked. @throws VivariumError kind `not-found`, `denied` or `unsupported`.
   */
  openSibling?(name: string, writable: boolean): ByteStore
  /** A faster way to unpack than the built-in `inflateRaw`, which runs everywhere. */
  readonly inflate?: Inflate
}

/**
 * Unpacks one raw DEFLATE stream (RFC 1951, no header) into `into`, and stops when that is full or the stream ends;
 * bytes behind the stream do not matter. Returns how many bytes it gave.
 * @throws VivariumError kind `corrupt`, code `deflate-damaged`.
 */
export type Inflate = (packed: Uint8Array, into: Uint8Array) => number

export interface Geometry {
  readonly cylinders: number
  readonly heads: number
  readonly sectorsPerTrack: number
}

export interface Creator {
  readonly application: string
  readonly version: string
  readonly hostOs: string
  /** The product's name in words, as far as it is known. */
  readonly product: string
}

/** How a child names its parent. */
export interface ParentReference {
  /** Absent where the child's format records none: the parent is then known by its name alone. */
  readonly id?: string
  /** The parent's format, where the child records it; it then holds whatever the parent's content looks like. */
  readonly format?: string
  /** The parent has no id either, and then at least the child's size. */
  readonly sizeBytes?: number
  /** Ids that the parent may have instead. */
  readonly otherIds?: readonly string[]
  /**
   * The id names a state of the content, as VMDK's content id does: unrelated disks may share it, and a child may
   * bear its parent's. It is compared, and neither searched for nor taken for the proof of a cycle.
   */
  readonly idIsContent?: boolean
  /** As the child's format counts it; compared, never converted (formats differ in zone and zero). */
  readonly stamp: number
  readonly names: readonly ParentName[]
}

/**
 * What a child records as the id of a parent whose format has none: a raw image, as Virtual PC attached them too. Then
 * name and size alone tell the parent.
 */
export const NO_ID = '00000000-0000-0000-0000-000000000000'

export interface ParentName {
  readonly kind: 'relative' | 'absolute' | 'name'
  readonly text: string
}

/** What the structures of one file say, without its data and without its parents. */
export interface ImageFacts {
  readonly format: string
  readonly subformat: string
  readonly sizeBytes: number
  readonly geometry?: Geometry
  readonly blockSize?: number
  readonly creator?: Creator
  /** What only this format records: a new image that is to be like this one is told so by `LayoutOptions.details`. */
  readonly details?: Readonly<Record<string, string | number>>
  /** What a child's `ParentReference.id` names. */
  readonly id?: string
  /** What the guest sees as the disk's own id, the same all along a chain; where it is another than `id`. */
  readonly diskId?: string
  /** Bytes of a sector as the guest sees it, where the format says so. */
  readonly sectorSize?: number
  /** Raw stamp, to compare with a child's `ParentReference.stamp`. */
  readonly stamp?: number
  /** ISO 8601. */
  readonly time?: string
  readonly timeNote?: string
  readonly parent?: ParentReference
  /** The image of a medium that is never written to (a CD): `open` refuses it, whatever the file allows. */
  readonly readOnly?: boolean
  /** A saved machine state depends on the content: writing would corrupt the guest. */
  readonly inSavedState: boolean
  readonly problems: readonly Problem[]
}

export interface DiskImage {
  readonly facts: ImageFacts
  /** Looks at the allocation tables too: bytes of guest data that this file stores, and what is wrong with them. */
  survey(): { readonly allocated: number; readonly problems: readonly Problem[] }
  /** @throws VivariumError kind `corrupt` when `writable` and the tables contradict themselves. */
  open(writable: boolean, options?: OpenImageOptions): Layer
}

export interface OpenImageOptions {
  /** Writing changes what children see, and they shall know this file as their parent all the same (a merge). */
  readonly keepId?: boolean
}

/** The answer of `Layer.locate`; one object is used again for every question, so that asking costs nothing. */
export interface Run {
  /**
   * `data`: at byte `at` of the layer's store; `packed`: the layer has the bytes and only `Layer.unpack` brings
   * them; `zero`: reads as zero; `below`: ask the next layer.
   */
  kind: 'data' | 'packed' | 'zero' | 'below'
  at: number
  length: number
}

/** A piece of a format's own tables, as bytes of the layer's store. */
export interface StoredTable {
  readonly store: ByteStore
  readonly at: number
  readonly length: number
}

/** One opened file of a chain. Offsets are guest bytes; the runner keeps them inside `sizeBytes`. */
export interface Layer {
  readonly format: string
  readonly store: ByteStore
  /** Capacity in bytes, a multiple of 512. */
  readonly sizeBytes: number
  /**
   * For a format that can only store whole units (grains, clusters) over a lower layer: bytes of one. The runner
   * then completes every write to a unit that is still `below`, so that such a unit is written and zeroed whole
   * (the last one up to `sizeBytes`). Absent: sectors can be stored one by one.
   */
  readonly allocationUnit?: number
  /** The longest run (as far as is cheap to tell) from `offset`, at most `length` bytes. Any alignment. */
  locate(offset: number, length: number, into: Run): void
  /** Ranges of the store that `locate` will have to read for the range; a host can be asked for all of them at once. */
  tables?(offset: number, length: number): Iterable<StoredTable>
  /** Fills `into` from guest byte `offset`, within one run that `locate` called `packed`. Any alignment. */
  unpack?(offset: number, into: Uint8Array): void
  /** Whole sectors only. */
  write(offset: number, from: Uint8Array): void
  /** Makes whole sectors read as zero whatever a lower layer shows. Called only where something else may show. */
  zero(offset: number, length: number): void
  /** A hint: stored bytes of whole sectors may be given back as zeroes; never uncovers a lower layer. */
  discard(offset: number, length: number): void
  flush(): void
  /** Closes the store, without flushing. */
  close(): void
}

export const SECTOR = 512
