import { MiB, plural, VivariumError } from '../../../base/index.ts'
import { SECTOR, type Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LayoutOptions, Segment, UnitKind } from '../../layout.ts'
import { unitRuns } from '../../unit-map.ts'
import { wholeUnits } from '../../whole-units.ts'
import { ABSENT, MAX_BLOCKS, ZERO } from './block-map.ts'
import { formatHeader, guidBytes, HEADER_BYTES, randomGuid, type VdiType } from './header.ts'

export const VDI_SUBFORMATS: readonly Subformat[] = [
  { name: 'dynamic', label: 'grows with its content' },
  { name: 'static', label: 'all of it at once' },
  { name: 'differencing', label: 'what differs from a parent' },
]

/** The only block size that VirtualBox and QEMU both take. */
export const BLOCK_BYTES = MiB

/**
 * A new image as a list, the file as VirtualBox makes it:
 *
 *   [header][block map, filled up to a whole MiB][block] [block] ...
 *
 * A differencing disk names its parent by its id alone: where that lies is in VirtualBox's settings.
 * @throws VivariumError kind `invalid`, or `unsupported` for a parent without an id.
 */
export function layoutVdi(source: DiskSource, options: LayoutOptions): ImageLayout {
  const { subformat, name, parent, blockSize = BLOCK_BYTES, id, stamp } = options
  if (blockSize !== BLOCK_BYTES) {
    throw new VivariumError('invalid', 'vdi-block-size', `Blocks of ${blockSize} bytes cannot be.`, {
      where: { path: name, field: 'block size' },
      next: 'Leave it out: VirtualBox and QEMU both take blocks of 1 MiB only.',
    })
  }
  if (parent !== undefined && parent.id === undefined) {
    throw new VivariumError(
      'unsupported',
      'vdi-parent',
      `A ${parent.format} image has no id to be known by.`,
      {
        where: { path: name, field: 'parent' },
        next: 'A VDI names its parent by its id alone. Convert the parent first, or make a child of another format.',
      },
    )
  }
  return layoutDisk(
    source,
    {
      type: typeOf(subformat, name),
      sizeBytes: source.sizeBytes,
      ...(id !== undefined && { id: guidBytes(id) }),
      ...(stamp !== undefined && { modificationId: stampedId(stamp) }),
      ...(parent?.id !== undefined && {
        parent: {
          id: parent.id,
          ...(parent.stamp !== undefined && { modificationId: stampedId(parent.stamp) }),
        },
      }),
    },
    name,
  )
}

function typeOf(subformat: string, name: string): NewVdi['type'] {
  if (subformat === 'dynamic' || subformat === 'static' || subformat === 'differencing') return subformat
  throw new VivariumError('invalid', 'vdi-subformat', `There is no VDI of the kind "${subformat}".`, {
    where: { path: name, field: 'subformat' },
    next: 'Choose dynamic, static or differencing.',
  })
}

/** `ImageFacts.stamp` is the first six bytes of a modification id; no more of it is known here. */
function stampedId(stamp: number): Uint8Array {
  const id = new Uint8Array(16)
  for (let at = 5, rest = stamp; at >= 0; at--, rest = Math.floor(rest / 256)) id[at] = rest % 256
  return id
}

export interface NewVdi {
  readonly type: Exclude<VdiType, 'undo'>
  /** Capacity in bytes, a multiple of 512. A differencing disk takes its parent's. */
  readonly sizeBytes: number
  /** The id of a differencing disk's parent, as `ImageFacts.id` has it, and 16 bytes of its modification id. */
  readonly parent?: { readonly id: string; readonly modificationId?: Uint8Array }
  /** 16 bytes; random when absent. */
  readonly id?: Uint8Array
  readonly modificationId?: Uint8Array
}

/** Data begins at a whole block, as VirtualBox has it: the map can grow in its place, up to disks of 255 GiB. */
const DATA_ALIGNMENT = BLOCK_BYTES
/** Entries of the map that are made at once. */
const MAP_PIECE = 1 << 14

export function layoutDisk(source: DiskSource, options: NewVdi, name: string): ImageLayout {
  checkOptions(options, name)
  const map = source.units(BLOCK_BYTES)
  const dataAt = Math.ceil((HEADER_BYTES + map.count * 4) / DATA_ALIGNMENT) * DATA_ALIGNMENT
  const allocated = options.type === 'static' ? map.count : map.dataCount
  const header = headerFor(options, { dataAt, blocks: map.count, allocated })
  return {
    files: [
      {
        name,
        sizeBytes: dataAt + allocated * BLOCK_BYTES,
        segments: () => segmentsOf(source, options, header, dataAt),
      },
    ],
  }
}

function checkOptions({ type, sizeBytes, parent }: NewVdi, path: string): void {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES)
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % SECTOR !== 0 || blocks > MAX_BLOCKS) {
    throw new VivariumError(
      'invalid',
      'vdi-size-invalid',
      `A VDI cannot have ${plural(sizeBytes, 'byte')}.`,
      {
        where: { path, field: 'size' },
        next: 'Choose a positive multiple of 512 bytes, up to 16 TiB.',
      },
    )
  }
  if ((type === 'differencing') !== (parent !== undefined)) {
    throw new VivariumError('invalid', 'vdi-parent', 'A differencing disk, and only that, has a parent.', {
      where: { path, field: 'parent' },
    })
  }
}

function headerFor(
  { type, sizeBytes, parent, id = randomGuid(), modificationId = randomGuid() }: NewVdi,
  sizes: { readonly dataAt: number; readonly blocks: number; readonly allocated: number },
): Uint8Array<ArrayBuffer> {
  return formatHeader({
    ...sizes,
    type,
    comment: '',
    mapAt: HEADER_BYTES,
    geometry: undefined,
    sizeBytes,
    blockSize: BLOCK_BYTES,
    blockExtra: 0,
    id,
    modificationId,
    parentId: parent === undefined ? new Uint8Array(16) : guidBytes(parent.id),
    parentModificationId: parent?.modificationId ?? new Uint8Array(16),
  })
}

function* segmentsOf(
  source: DiskSource,
  { type, sizeBytes }: NewVdi,
  header: Uint8Array,
  dataAt: number,
): Generator<Segment> {
  const map = source.units(BLOCK_BYTES)
  const isStored = (kind: UnitKind) => kind === 'data' || type === 'static'
  yield { kind: 'bytes', bytes: header }
  const piece = new DataView(new ArrayBuffer(MAP_PIECE * 4))
  let stored = 0
  for (let start = 0; start < map.count; start += MAP_PIECE) {
    const end = Math.min(start + MAP_PIECE, map.count)
    for (const run of unitRuns(map, start, end))
      for (let block = run.first; block < run.end; block++) {
        const entry = isStored(run.kind) ? stored++ : entryWithout(run.kind, type)
        piece.setUint32((block - start) * 4, entry, true)
      }
    yield { kind: 'bytes', bytes: new Uint8Array(piece.buffer, 0, (end - start) * 4) }
  }
  const filling = dataAt - HEADER_BYTES - map.count * 4
  if (filling > 0) yield { kind: 'zero', length: filling }
  for (const run of unitRuns(map))
    if (isStored(run.kind))
      yield* wholeUnits(run.kind === 'data' ? 'guest' : 'zero', run, BLOCK_BYTES, sizeBytes)
}

function entryWithout(kind: UnitKind, type: VdiType): number {
  return kind === 'zero' && type === 'differencing' ? ZERO : ABSENT
}
