import { VivariumError } from '../../../base/index.ts'
import type { Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LayoutOptions, LayoutParent, Segment, UnitKind } from '../../layout.ts'
import { unitRuns } from '../../unit-map.ts'
import { wholeUnits } from '../../whole-units.ts'
import { ZERO_FLAG } from './entries.ts'
import { headerOf, type ImageShape, type NewQcow2, shapeOf } from './new-image.ts'
import { planTables, refcountPieces, setOwnOffset, type TablePlan } from './table-plan.ts'

export const QCOW2_SUBFORMATS: readonly Subformat[] = [
  { name: 'dynamic', label: 'grows with its content' },
  { name: 'differencing', label: 'what differs from a backing file' },
]

/**
 * A new image as a list. `details`: `compat` is "1.1" (version 3, the usual one) or "0.10" (version 2, for very old
 * programs). There is no id to keep: a QCOW2 image is known by its name alone.
 * @throws VivariumError kind `invalid`.
 */
export function layoutQcow2(source: DiskSource, options: LayoutOptions): ImageLayout {
  return layoutImage(source, newImageOf(options, source.sizeBytes), options.name)
}

/** The unit that `layoutQcow2` maps the content in. @throws VivariumError kind `invalid`. */
export function qcow2Unit(options: LayoutOptions, sizeBytes: number): number {
  return shapeOf(newImageOf(options, sizeBytes), options.name).clusterSize
}

function newImageOf(options: LayoutOptions, sizeBytes: number): NewQcow2 {
  const { blockSize, parent } = options
  return {
    sizeBytes,
    version: versionOf(options),
    ...(blockSize !== undefined && { clusterSize: blockSize }),
    ...(parent && { backing: { path: backingPath(parent), format: parent.format } }),
  }
}

function versionOf({ details, name }: LayoutOptions): 2 | 3 {
  const compat = details?.compat ?? '1.1'
  if (compat === '1.1') return 3
  if (compat === '0.10') return 2
  throw new VivariumError('invalid', 'qcow2-compat-invalid', `There is no compat "${compat}" of QCOW2.`, {
    where: { path: name, field: 'compat' },
    next: 'Choose "1.1", or "0.10" for programs older than 2013.',
  })
}

/** With slashes; QEMU takes what stands before a colon for a protocol, unless a slash comes first. */
function backingPath({ relativePath, absolutePath }: LayoutParent): string {
  const relative = relativePath.replaceAll('\\', '/').replace(/^\.\//, '')
  if (relative === '') return absolutePath
  return /^[^/]*:/.test(relative) ? `./${relative}` : relative
}

/** What the tables say of a cluster. */
type Entry = 'stored' | 'zero' | 'absent'

export function layoutImage(source: DiskSource, options: NewQcow2, name: string): ImageLayout {
  const shape = shapeOf(options, name)
  const tables = tablesOf(source, shape)
  const plan = planTables(shape, tables.count, tables.stored)
  const header = headerOf(shape, plan, name)
  return {
    files: [
      {
        name,
        sizeBytes: plan.end * shape.clusterSize,
        segments: () => segmentsOf(source, shape, plan, tables.present, header),
      },
    ],
  }
}

function entryOf(kind: UnitKind, { backing, version }: ImageShape): Entry {
  if (kind === 'data') return 'stored'
  if (kind === 'below' || backing === undefined) return 'absent'
  // Version 2 cannot say that a cluster hides the lower layer with zeroes: they are stored.
  return version === 2 ? 'stored' : 'zero'
}

interface Tables {
  /** For each L1 entry, whether it has an L2 table. */
  readonly present: Uint8Array
  readonly count: number
  readonly stored: number
}

function tablesOf(source: DiskSource, shape: ImageShape): Tables {
  const map = source.units(shape.clusterSize)
  const perTable = shape.clusterSize / 8
  const present = new Uint8Array(Math.ceil(map.count / perTable))
  let stored = 0
  for (const { first, end, kind } of unitRuns(map)) {
    const entry = entryOf(kind, shape)
    if (entry === 'absent') continue
    if (entry === 'stored') stored += end - first
    present.fill(1, Math.floor(first / perTable), Math.ceil(end / perTable))
  }
  return { present, count: present.reduce((sum, one) => sum + one, 0), stored }
}

function* segmentsOf(
  source: DiskSource,
  shape: ImageShape,
  plan: TablePlan,
  present: Uint8Array,
  header: Uint8Array,
): Generator<Segment> {
  const { clusterSize, sizeBytes } = shape
  yield { kind: 'bytes', bytes: header }
  if (header.length < clusterSize) yield { kind: 'zero', length: clusterSize - header.length }
  for (const bytes of refcountPieces(plan, shape)) yield { kind: 'bytes', bytes }
  yield* l1Table(plan, present, clusterSize)
  yield* l2Tables(source, shape, plan, present)
  for (const run of unitRuns(source.units(clusterSize))) {
    if (entryOf(run.kind, shape) !== 'stored') continue
    yield* wholeUnits(run.kind === 'data' ? 'guest' : 'zero', run, clusterSize, sizeBytes)
  }
}

function* l1Table(plan: TablePlan, present: Uint8Array, clusterSize: number): Generator<Segment> {
  const perCluster = clusterSize / 8
  const piece = new DataView(new ArrayBuffer(clusterSize))
  let table = 0
  for (let start = 0; start < plan.l1Entries; start += perCluster) {
    const bytes = new Uint8Array(piece.buffer).fill(0)
    for (let index = start; index < Math.min(start + perCluster, plan.l1Entries); index++)
      if (present[index] === 1) setOwnOffset(piece, index - start, (plan.l2First + table++) * clusterSize)
    yield { kind: 'bytes', bytes }
  }
}

function* l2Tables(
  source: DiskSource,
  shape: ImageShape,
  plan: TablePlan,
  present: Uint8Array,
): Generator<Segment> {
  const { clusterSize } = shape
  const perTable = clusterSize / 8
  const map = source.units(clusterSize)
  const table = new DataView(new ArrayBuffer(clusterSize))
  let data = plan.dataFirst
  for (let index = present.indexOf(1); index !== -1; index = present.indexOf(1, index + 1)) {
    const bytes = new Uint8Array(table.buffer).fill(0)
    const start = index * perTable
    for (const { first, end, kind } of unitRuns(map, start, Math.min(start + perTable, map.count))) {
      const entry = entryOf(kind, shape)
      for (let unit = first - start; entry !== 'absent' && unit < end - start; unit++) {
        if (entry === 'stored') setOwnOffset(table, unit, data++ * clusterSize)
        else table.setUint32(unit * 8 + 4, ZERO_FLAG)
      }
    }
    yield { kind: 'bytes', bytes }
  }
}
