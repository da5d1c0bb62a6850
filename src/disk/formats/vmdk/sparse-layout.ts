import { VivariumError } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import type { DiskSource, LaidFile, Segment, UnitKind } from '../../layout.ts'
import { type UnitRun, unitRuns } from '../../unit-map.ts'
import { wholeUnits } from '../../whole-units.ts'
import { u32Bytes } from './grain-tables.ts'
import {
  FLAG_LINE_ENDS,
  FLAG_REDUNDANT_TABLES,
  formatSparseHeader,
  type SparseHeader,
} from './sparse-header.ts'

/** What every product writes: grains of 64 KiB, tables of 512 entries, 10 KiB for the descriptor. */
export const GRAIN_SECTORS = 128
export const GRAIN_BYTES = GRAIN_SECTORS * SECTOR
export const ENTRIES_PER_TABLE = 512
export const DESCRIPTOR_SECTORS = 20
export const TABLE_SECTORS = (ENTRIES_PER_TABLE * 4) / SECTOR

/** All sectors that 32-bit entries can name, less room for the tables. */
export const MAX_SPARSE_SECTORS = 2 ** 32 - 2 ** 22

/** What one sparse file holds of a disk. */
export interface SparsePart {
  readonly name: string
  /** Of the disk; the first a multiple of the grain. */
  readonly firstSector: number
  readonly sectors: number
  readonly hasParent: boolean
  /** Of the whole disk, when it lies in this file. */
  readonly descriptor?: Uint8Array
}

/**
 * A sparse extent: both directories and room for all tables, as VMware does, so that the tables of later grains
 * never have to be placed; tables without grains are holes.
 *
 *   [header][descriptor] [directory][tables] twice, up to a whole grain [grain] [grain] ...
 */
export function sparseFile(source: DiskSource, part: SparsePart): LaidFile {
  const plan = planFile(part)
  const descriptor = part.descriptor && padded(part.descriptor, part.name)
  let stored = 0
  for (const run of grainRuns(source, part)) if (isStored(run.kind, part)) stored += run.end - run.first
  return {
    name: part.name,
    sizeBytes: plan.overhead * SECTOR + stored * GRAIN_BYTES,
    segments: () => segmentsOf(source, part, plan, descriptor),
  }
}

/** Positions and lengths in sectors. */
interface FilePlan {
  readonly capacity: number
  readonly descriptorSectors: number
  readonly tables: number
  readonly directorySectors: number
  readonly redundantDirectory: number
  readonly directory: number
  readonly overhead: number
}

function planFile({ name, sectors: capacity, descriptor }: SparsePart): FilePlan {
  requireSparseCapacity(capacity, name)
  const descriptorSectors = descriptor === undefined ? 0 : DESCRIPTOR_SECTORS
  const tables = Math.ceil(Math.ceil(capacity / GRAIN_SECTORS) / ENTRIES_PER_TABLE)
  const directorySectors = Math.ceil((tables * 4) / SECTOR)
  const redundantDirectory = 1 + descriptorSectors
  const directory = redundantDirectory + directorySectors + tables * TABLE_SECTORS
  const end = directory + directorySectors + tables * TABLE_SECTORS
  const overhead = Math.ceil(end / GRAIN_SECTORS) * GRAIN_SECTORS
  return { capacity, descriptorSectors, tables, directorySectors, redundantDirectory, directory, overhead }
}

export function requireSparseCapacity(capacity: number, path: string): void {
  if (capacity <= MAX_SPARSE_SECTORS) return
  throw new VivariumError(
    'invalid',
    'vmdk-size-invalid',
    `A sparse extent cannot have ${capacity} sectors; the limit is ${MAX_SPARSE_SECTORS} (2 TiB, less 2 GiB).`,
    {
      where: { path, field: 'size' },
      next: 'Choose a split or a flat disk: --subformat twoGbMaxExtentSparse or monolithicFlat.',
    },
  )
}

/** Grains of the disk, not of the file. */
function* grainRuns(source: DiskSource, { firstSector, sectors }: SparsePart): Generator<UnitRun> {
  const first = firstSector / GRAIN_SECTORS
  yield* unitRuns(source.units(GRAIN_BYTES), first, first + Math.ceil(sectors / GRAIN_SECTORS))
}

/** Entries that say "zero" need a newer header, which not all products read: over a parent, zeroes are stored. */
function isStored(kind: UnitKind, { hasParent }: SparsePart): boolean {
  return kind === 'data' || (kind === 'zero' && hasParent)
}

function* segmentsOf(
  source: DiskSource,
  part: SparsePart,
  plan: FilePlan,
  descriptor: Uint8Array | undefined,
): Generator<Segment> {
  const start = new Uint8Array((1 + plan.descriptorSectors) * SECTOR)
  start.set(formatSparseHeader(headerFor(plan)))
  if (descriptor !== undefined) start.set(descriptor, SECTOR)
  yield { kind: 'bytes', bytes: start }
  for (const at of [plan.redundantDirectory, plan.directory]) {
    yield { kind: 'bytes', bytes: directoryBytes(plan, at + plan.directorySectors) }
    yield* tableSegments(source, part, plan)
  }
  const end = plan.directory + plan.directorySectors + plan.tables * TABLE_SECTORS
  if (end < plan.overhead) yield { kind: 'zero', length: (plan.overhead - end) * SECTOR }
  for (const run of grainRuns(source, part)) {
    if (!isStored(run.kind, part)) continue
    yield* wholeUnits(run.kind === 'data' ? 'guest' : 'zero', run, GRAIN_BYTES, source.sizeBytes)
  }
}

function headerFor(plan: FilePlan): SparseHeader {
  const { capacity, descriptorSectors, redundantDirectory, directory, overhead } = plan
  return {
    version: 1,
    flags: FLAG_LINE_ENDS | FLAG_REDUNDANT_TABLES,
    capacity,
    grainSectors: GRAIN_SECTORS,
    descriptorOffset: descriptorSectors === 0 ? 0 : 1,
    descriptorSectors,
    entriesPerTable: ENTRIES_PER_TABLE,
    redundantDirectory,
    directory,
    overhead,
    uncleanShutdown: false,
    compression: 0,
    lineEndsIntact: true,
  }
}

function directoryBytes({ tables, directorySectors }: FilePlan, firstTable: number): Uint8Array {
  const bytes = new Uint8Array(directorySectors * SECTOR)
  bytes.set(u32Bytes(Uint32Array.from({ length: tables }, (_, index) => firstTable + index * TABLE_SECTORS)))
  return bytes
}

/** Tables with entries, and holes between them. */
function* tableSegments(source: DiskSource, part: SparsePart, plan: FilePlan): Generator<Segment> {
  const table = new Uint32Array(ENTRIES_PER_TABLE)
  const firstGrain = part.firstSector / GRAIN_SECTORS
  let sector = plan.overhead
  let done = 0
  for (const run of grainRuns(source, part)) {
    if (!isStored(run.kind, part)) continue
    for (let grain = run.first - firstGrain; grain < run.end - firstGrain; grain++) {
      const index = Math.floor(grain / ENTRIES_PER_TABLE)
      if (index > done) {
        yield* endTable(table)
        if (index > ++done) yield holes(index - done)
        done = index
      }
      table[grain % ENTRIES_PER_TABLE] = sector
      sector += GRAIN_SECTORS
    }
  }
  yield* endTable(table)
  if (++done < plan.tables) yield holes(plan.tables - done)
}

function* endTable(table: Uint32Array): Generator<Segment> {
  yield table.every((entry) => entry === 0) ? holes(1) : { kind: 'bytes', bytes: u32Bytes(table) }
  table.fill(0)
}

function holes(tables: number): Segment {
  return { kind: 'zero', length: tables * TABLE_SECTORS * SECTOR }
}

/** @throws VivariumError kind `invalid` when the names in it are too long. */
export function padded(descriptor: Uint8Array, path: string): Uint8Array {
  const room = DESCRIPTOR_SECTORS * SECTOR
  if (descriptor.length <= room) {
    const bytes = new Uint8Array(room)
    bytes.set(descriptor)
    return bytes
  }
  throw new VivariumError(
    'invalid',
    'vmdk-descriptor-too-long',
    `The descriptor would have ${descriptor.length} bytes; there is room for ${room}.`,
    { where: { path, field: 'descriptor' }, next: 'Choose shorter names.' },
  )
}
