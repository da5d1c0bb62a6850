import { toHex, viewOf } from '../../../base/index.ts'
import {
  NTFS_ATTRIBUTES,
  NTFS_RECORDS,
  type NtfsAttribute,
  type NtfsGeometry,
  type NtfsRun,
  ntfsAttribute,
  ntfsGeometryOf,
  ntfsRecordAt,
  ntfsRuns,
  residentContent,
} from '../ntfs-volume.ts'
import type { Volume } from '../volume.ts'
import {
  type AllocationMap,
  bitmapRuns,
  Doubt,
  damaged,
  demand,
  isSet,
  notClean,
  notKnown,
} from './allocation.ts'
import type { NtfsFile } from './ntfs-file.ts'
import { demandCleanLog } from './ntfs-log.ts'

/**
 * NTFS: $Bitmap has a bit for each cluster. It may lag behind where the log has still to be played, where Windows
 * sleeps with the volume open (then its log is open too), or where the volume is marked dirty. And where it keeps
 * shadow copies, free clusters hold what those show.
 */
export function ntfsAllocation(volume: Volume): AllocationMap {
  const geometry = ntfsGeometryOf(demand(volume, 0, 512))
  if (geometry === undefined) throw damaged('Its boot sector contradicts itself.')
  const { sectorBytes, sectors, clusterBytes } = geometry
  if (!(sectors * sectorBytes <= volume.sizeBytes)) throw damaged('It is larger than its partition.')
  demandNoShadows(volume)
  const table = tableRuns(volume, geometry)
  demandTidy(recordOf(volume, geometry, table, NTFS_RECORDS.volume))
  demandCleanLog(fileOf(volume, geometry, recordOf(volume, geometry, table, NTFS_RECORDS.log)))
  const bitmap = fileOf(volume, geometry, recordOf(volume, geometry, table, NTFS_RECORDS.bitmap))
  const count = Math.floor((sectors * sectorBytes) / clusterBytes)
  if (bitmap.sizeBytes < Math.ceil(count / 8)) throw damaged('Its bitmap is too short for its clusters.')
  for (const { first } of [{ first: 0 }, ...table, ...bitmap.runs])
    if (first >= count || !isSet(bitmap.bytes(Math.floor(first / 8), 1), first % 8))
      throw damaged('Its own structures lie in free clusters.')
  return {
    unitBytes: clusterBytes,
    start: 0,
    count,
    freeRuns: (from) => bitmapRuns(bitmap.bytes, count, from),
  }
}

/** Where the volume's shadow copies are listed: GUID 3808876b-c176-4e48-b7ae-04046e6cc752, the place at 48. */
const SHADOWS_AT = 0x1e00
const SHADOWS_SIGN = '6b87083876c1484eb7ae04046e6cc752'

function demandNoShadows(volume: Volume): void {
  const header = volume.bytes(SHADOWS_AT, 56)
  if (header === undefined || toHex(header.subarray(0, 16)) !== SHADOWS_SIGN) return
  if (viewOf(header).getBigUint64(48, true) !== 0n)
    throw new Doubt(
      'ntfs-shadow-copies',
      'It keeps shadow copies (restore points), which need free clusters too.',
    )
}

/** Where the file table lies; its first record says so. Later parts of a much split table are not needed here. */
function tableRuns(
  volume: Volume,
  { tableOffset, recordBytes, clusterBytes }: NtfsGeometry,
): readonly NtfsRun[] {
  const record = ntfsRecordAt(volume, tableOffset, recordBytes)
  const runs = record && ntfsRuns(dataOf(record))
  if (runs === undefined || runs[0]?.first !== tableOffset / clusterBytes)
    throw damaged('Its file table does not describe itself.')
  return runs
}

function recordOf(
  volume: Volume,
  { recordBytes, clusterBytes }: NtfsGeometry,
  table: readonly NtfsRun[],
  number: number,
): Uint8Array {
  let at = number * recordBytes
  for (const { first, clusters } of table) {
    if (at < clusters * clusterBytes) {
      const record = ntfsRecordAt(volume, first * clusterBytes + at, recordBytes)
      if (record === undefined || (viewOf(record).getUint16(22, true) & 1) === 0) break
      return record
    }
    at -= clusters * clusterBytes
  }
  throw damaged(`Record ${number} of its file table is damaged.`)
}

function dataOf(record: Uint8Array): NtfsAttribute {
  const data = ntfsAttribute(record, NTFS_ATTRIBUTES.data)
  if (data === undefined || data.flags !== 0) throw damaged('One of its own files has no plain data.')
  return data
}

function fileOf(volume: Volume, { clusterBytes }: NtfsGeometry, record: Uint8Array): NtfsFile {
  if (ntfsAttribute(record, NTFS_ATTRIBUTES.list) !== undefined)
    throw notKnown('One of its own files is spread over several records.')
  const data = dataOf(record)
  const runs = ntfsRuns(data)
  if (runs === undefined) throw damaged('One of its own files has damaged runs.')
  const view = viewOf(data.bytes)
  const sizeBytes = Number(view.getBigUint64(48, true))
  const held = runs.reduce((sum, { clusters }) => sum + clusters * clusterBytes, 0)
  // What is not valid yet reads as zero, which would mean free.
  if (view.getBigUint64(16, true) !== 0n || view.getBigUint64(56, true) < sizeBytes || !(sizeBytes <= held))
    throw damaged('One of its own files is shorter than it should be.')
  return { sizeBytes, runs, bytes: (at, length) => bytesOf(volume, clusterBytes, runs, at, length) }
}

function bytesOf(
  volume: Volume,
  clusterBytes: number,
  runs: readonly NtfsRun[],
  at: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let runStart = 0
  let done = 0
  for (const { first, clusters } of runs) {
    const runEnd = runStart + clusters * clusterBytes
    while (done < length && at + done < runEnd) {
      const count = Math.min(length - done, runEnd - at - done)
      bytes.set(demand(volume, first * clusterBytes + at + done - runStart, count), done)
      done += count
    }
    runStart = runEnd
  }
  if (done < length) throw damaged('One of its own files is shorter than it should be.')
  return bytes
}

/** $VOLUME_INFORMATION: flags at 10; 1 = dirty, 8 = mounted by NT 4 ..., all of them unfinished business. */
function demandTidy(record: Uint8Array): void {
  const information = ntfsAttribute(record, NTFS_ATTRIBUTES.volumeInformation)
  const content = information && residentContent(information)
  if (content === undefined || content.length < 12) throw damaged('Its volume information is missing.')
  if ((viewOf(content).getUint16(10, true) & 1) !== 0)
    throw notClean('It is marked as dirty: Windows wants to check it.')
}
