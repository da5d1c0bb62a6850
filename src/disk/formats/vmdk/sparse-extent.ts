import { type ByteStore, bytesEqual, type Problem, VivariumError } from '../../../base/index.ts'
import { type Layer, SECTOR, type Surroundings } from '../../format.ts'
import { inflateRaw } from '../../inflate.ts'
import { type Directories, GrainTables, readDirectories } from './grain-tables.ts'
import { PackedGrains } from './packed-grains.ts'
import { SparseLayer } from './sparse.ts'
import {
  HEADER_BYTES,
  headerProblems,
  layoutOf,
  MAGIC,
  parseSparseHeader,
  type SparseHeader,
  type SparseLayout,
} from './sparse-header.ts'
import { type SparseSurvey, surveySparse } from './survey.ts'

/** One sparse file: header parsed, directories read when they are needed. */
export interface SparseExtent {
  readonly header: SparseHeader
  readonly layout: SparseLayout
  readonly problems: readonly Problem[]
  survey(): SparseSurvey
  open(writable: boolean, hasParent: boolean): Layer
}

export function readSparseHeader(store: ByteStore): SparseHeader {
  return parseSparseHeader(requireHeader(store, 0), { path: store.name, offset: 0 })
}

/** @throws VivariumError kind `malformed`, `corrupt` or `unsupported`. */
export function readSparseExtent(store: ByteStore, surroundings: Surroundings | undefined): SparseExtent {
  const first = readSparseHeader(store)
  const header = first.directory === 'end' ? readFooter(store) : first
  const layout = layoutOf(header, store.size(), store.name)
  let directories: Directories | undefined
  const read = (): Directories => {
    directories ??= readDirectories(store, layout)
    return directories
  }
  const survey = () => surveySparse(store, layout, read())
  return {
    header,
    layout,
    problems: headerProblems(first, store.name),
    survey,
    open(writable, hasParent) {
      if (writable) requireWritable(store, layout, survey)
      const packed = layout.packed
        ? new PackedGrains(store, layout, surroundings?.inflate ?? inflateRaw)
        : undefined
      // The copy is only of use to who writes: of 2 TB it has 256 KiB, and a chain can have a hundred of them.
      const { redundant, ...primary } = read()
      const used = { ...primary, redundant: writable ? redundant : undefined }
      return new SparseLayer({
        store,
        layout,
        tables: new GrainTables(store, layout, used),
        hasParent,
        packed,
      })
    },
  }
}

function requireWritable(store: ByteStore, layout: SparseLayout, survey: () => SparseSurvey): void {
  if (layout.packed) {
    throw new VivariumError(
      'unsupported',
      'vmdk-packed-read-only',
      'A disk of compressed grains (stream-optimized) can only be read.',
      { where: { path: store.name }, next: 'Put an undo disk on top of it, or convert it.' },
    )
  }
  const [damage] = survey().problems
  if (damage === undefined) return
  throw new VivariumError('corrupt', damage.code, damage.message, {
    where: { path: store.name },
    next: 'It can still be read. Copy the file again from its source before writing to it.',
  })
}

/**
 * The header's copy that knows where the directory is: last but one sector, in front of the end-of-stream marker.
 * Files that were padded afterwards are searched backwards for it, over a few sectors.
 */
function readFooter(store: ByteStore): SparseHeader {
  const end = Math.floor(store.size() / SECTOR) * SECTOR
  for (let back = 2; back <= MAX_PADDING_SECTORS; back++) {
    const at = end - back * SECTOR
    if (at < SECTOR) break
    const bytes = new Uint8Array(HEADER_BYTES)
    store.read(at, bytes)
    if (!bytesEqual(bytes.subarray(0, 4), MAGIC)) continue
    const header = parseSparseHeader(bytes, { path: store.name, offset: at })
    if (header.directory !== 'end') return header
  }
  throw new VivariumError(
    'corrupt',
    'vmdk-footer-missing',
    'The footer at the end of the file is not there.',
    {
      where: { path: store.name, offset: end },
      next: 'The file was cut short while it was downloaded or exported: get it again from its source.',
    },
  )
}

const MAX_PADDING_SECTORS = 130

function requireHeader(store: ByteStore, at: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  if (store.size() >= at + HEADER_BYTES) {
    store.read(at, bytes)
    if (bytesEqual(bytes.subarray(0, 4), MAGIC)) return bytes
  }
  throw new VivariumError('malformed', 'vmdk-extent-not-sparse', 'It is no sparse extent of VMware.', {
    where: { path: store.name, offset: at },
    next: 'The descriptor says it is one: another file may have taken its place.',
  })
}
