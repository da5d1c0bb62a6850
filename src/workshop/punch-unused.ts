import {
  type Disk,
  type FreeRanges,
  type ImageFacts,
  sourceOf,
  type UnitMap,
  unitRuns,
} from '../disk/index.ts'
import { openDiskLayers } from '../system/index.ts'
import type { ClaimedDisk } from './claimed-disk.ts'
import type { OperationControl } from './operation.ts'
import { paceOf, partOf } from './pace.ts'

/** Bytes of a file, or of the room that it takes on the host, and why they became fewer. */
export interface Saved {
  readonly before: number
  readonly after: number
  /** What of it was zero, or the same as in the parent. */
  readonly savedByZeroes: number
  /** What of it no file system uses. */
  readonly savedByFreeSpace: number
}

/** Images that hold the disk byte for byte: they cannot become shorter, but the host need not store zeroes. */
export function isFlat({ format, subformat }: ImageFacts): boolean {
  return format === 'raw' || (format === 'vhd' && subformat === 'fixed') || /flat$/i.test(subformat)
}

/** At most so many units are looked at: smaller ones find more, and take memory (2 bits each). */
const MAX_UNITS = 1 << 22
const MIN_UNIT_BYTES = 4096

/**
 * Makes holes in the file where the disk shows zeroes, and where no file system uses it. In place: until a hole is
 * made its range shows what it did, and afterwards zeroes.
 */
export async function punchUnused(
  claimed: ClaimedDisk,
  free: FreeRanges | undefined,
  dryRun: boolean,
  control: OperationControl,
): Promise<Saved> {
  const { disk, path } = claimed
  const zeroes = await unitsOf(disk, undefined, partOf(control, 0, 0.3))
  const all = free === undefined ? zeroes : await unitsOf(disk, free, partOf(control, 0.3, 0.6))
  const before = storedIn(disk, 0, disk.sizeBytes)
  const byZeroes = storedInZeroes(disk, zeroes)
  const saved = storedInZeroes(disk, all)
  if (saved === 0)
    control.note({
      code: 'compact-nothing-to-save',
      severity: 'note',
      message: 'Nothing can be saved: it stays as it is.',
      where: { path },
    })
  else if (!dryRun) await punch(claimed, all, partOf(control, 0.6, 1))
  const after = dryRun || saved === 0 ? before - saved : storedNow(claimed)
  const savedByZeroes = Math.min(byZeroes, before - after)
  return { before, after, savedByZeroes, savedByFreeSpace: before - after - savedByZeroes }
}

/** With the file opened anew: where the holes of an opened one are is asked once, and these were made since. */
function storedNow({ path }: ClaimedDisk): number {
  const disk = openDiskLayers({ layers: [path], writable: false }, { lock: false })
  try {
    return storedIn(disk, 0, disk.sizeBytes)
  } finally {
    disk.close()
  }
}

async function unitsOf(
  disk: Disk,
  free: FreeRanges | undefined,
  control: OperationControl,
): Promise<UnitMap> {
  const pace = paceOf(control)
  const source = sourceOf(disk, free && { free })
  let unit = MIN_UNIT_BYTES
  while (disk.sizeBytes / unit > MAX_UNITS) unit *= 2
  for (const at of source.scan(unit)) {
    control.progress(at / disk.sizeBytes)
    await pace()
  }
  return source.units(unit)
}

function* zeroRuns({ sizeBytes }: Disk, map: UnitMap): Generator<{ offset: number; length: number }> {
  for (const { first, end, kind } of unitRuns(map)) {
    if (kind !== 'zero') continue
    const offset = first * map.unitBytes
    yield { offset, length: Math.min(end * map.unitBytes, sizeBytes) - offset }
  }
}

function storedInZeroes(disk: Disk, map: UnitMap): number {
  let stored = 0
  for (const { offset, length } of zeroRuns(disk, map)) stored += storedIn(disk, offset, length)
  return stored
}

/** Bytes of a range that the host has really stored. */
function storedIn(disk: Disk, offset: number, length: number): number {
  let stored = 0
  for (let at = offset; at < offset + length; ) {
    const piece = disk.storedAt(at, offset + length - at)
    at += piece.length
    if (piece.kind !== 'data' || piece.store === undefined) continue
    const { store, at: from = 0 } = piece
    const end = from + piece.length
    if (store.nextData === undefined || store.nextHole === undefined) {
      stored += piece.length
      continue
    }
    for (let data = store.nextData(from); data < end; ) {
      const hole = Math.min(end, Math.max(store.nextHole(data), data + 1))
      stored += hole - data
      data = store.nextData(hole)
    }
  }
  return stored
}

async function punch(
  { path, disk, layers }: ClaimedDisk,
  map: UnitMap,
  control: OperationControl,
): Promise<void> {
  const pace = paceOf(control)
  // The claim on it is held already; its id may not change, as what it shows where it is in use does not.
  const writer = openDiskLayers({ layers, writable: true }, { lock: false, keepId: true })
  try {
    for (const { offset, length } of zeroRuns(disk, map)) {
      writer.discard(offset, length)
      control.progress(offset / disk.sizeBytes, `Making holes in ${path}`)
      await pace()
    }
    writer.flush()
  } finally {
    writer.close()
  }
}
