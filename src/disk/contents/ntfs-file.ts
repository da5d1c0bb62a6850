import { viewOf } from '../../base/index.ts'
import type { FilePiece } from './file-piece.ts'
import {
  NTFS_ATTRIBUTES,
  NTFS_RECORDS,
  type NtfsAttribute,
  type NtfsGeometry,
  type NtfsRun,
  ntfsAttribute,
  ntfsAttributes,
  ntfsGeometryOf,
  ntfsRecordAt,
  ntfsRuns,
  ntfsSpans,
  residentContent,
} from './ntfs-volume.ts'
import type { Volume } from './volume.ts'

/**
 * A file of NTFS by the number of its record: where its bytes lie. A run without a place is a hole, and what lies behind
 * the valid length was never written and reads as zeroes. A file of many runs has them in several records, which the
 * attribute list names in order (the documentation of the Linux-NTFS project, "$ATTRIBUTE_LIST" and "Data Runs"):
 *
 *   entry of the list: 0 4 type   4 2 length   6 1 length of its name   8 8 first cluster   16 6 record
 */
const SPARSE = 0x8000
const IN_USE = 1
const LIST_ENTRY_BYTES = 26
const MAX_LIST_BYTES = 16 << 20

interface Table {
  readonly volume: Volume
  readonly geometry: NtfsGeometry
  readonly runs: readonly NtfsRun[]
}

/**
 * The pieces of a file in order; undefined when there is no such file, or it is kept in another way: within its record,
 * compressed or encrypted. What cannot be ends the list early.
 */
export function ntfsFilePieces(volume: Volume, number: number): Iterable<FilePiece> | undefined {
  const table = tableOf(volume)
  const record = table && recordOf(table, number)
  if (record === undefined || viewOf(record).getBigUint64(32, true) !== 0n) return undefined
  const parts = partsOf(table!, record)
  const first = parts?.[0]
  if (first === undefined || first.resident || (first.flags & ~SPARSE) !== 0 || first.bytes.length < 64)
    return undefined
  const view = viewOf(first.bytes)
  const sizes = { size: Number(view.getBigUint64(48, true)), valid: Number(view.getBigUint64(56, true)) }
  return Number.isSafeInteger(sizes.size) ? piecesOf(table!, parts!, sizes) : undefined
}

/** All of a small file; undefined as for the pieces, and when it is larger than `limit` or damaged. */
export function ntfsFileBytes(volume: Volume, number: number, limit: number): Uint8Array | undefined {
  const table = tableOf(volume)
  const record = table && recordOf(table, number)
  const data = record && ntfsAttribute(record, NTFS_ATTRIBUTES.data)
  if (data?.resident === true) {
    const content = residentContent(data)
    return content !== undefined && content.length <= limit ? content : undefined
  }
  const parts: Uint8Array[] = []
  let length = 0
  for (const piece of ntfsFilePieces(volume, number) ?? []) {
    length += piece.length
    if (length > limit) return undefined
    const bytes =
      piece.kind === 'hole' ? new Uint8Array(piece.length) : volume.bytes(piece.offset, piece.length)
    if (bytes === undefined) return undefined
    parts.push(bytes)
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Later parts of a much split table are not known here; files in them are read in another way. */
function tableOf(volume: Volume): Table | undefined {
  const boot = volume.bytes(0, 512)
  const geometry = boot && ntfsGeometryOf(boot)
  if (geometry === undefined) return undefined
  const { tableOffset, recordBytes } = geometry
  const record = ntfsRecordAt(volume, tableOffset + NTFS_RECORDS.table * recordBytes, recordBytes)
  const data = record && ntfsAttribute(record, NTFS_ATTRIBUTES.data)
  const runs = data && ntfsRuns(data)
  return runs && { volume, geometry, runs }
}

function recordOf({ volume, geometry, runs }: Table, number: number): Uint8Array | undefined {
  const { recordBytes, clusterBytes } = geometry
  let at = number * recordBytes
  for (const { first, clusters } of runs) {
    if (at < clusters * clusterBytes) {
      const record = ntfsRecordAt(volume, first * clusterBytes + at, recordBytes)
      return record && (viewOf(record).getUint16(22, true) & IN_USE) !== 0 ? record : undefined
    }
    at -= clusters * clusterBytes
  }
  return undefined
}

/** The unnamed data attribute, in its parts. */
function partsOf(table: Table, record: Uint8Array): NtfsAttribute[] | undefined {
  const list = ntfsAttribute(record, NTFS_ATTRIBUTES.list)
  if (list === undefined) {
    const data = ntfsAttribute(record, NTFS_ATTRIBUTES.data)
    return data && [data]
  }
  const content = list.resident ? residentContent(list) : spreadContent(table, list)
  if (content === undefined) return undefined
  const view = viewOf(content)
  const parts: NtfsAttribute[] = []
  for (let at = 0; at + LIST_ENTRY_BYTES <= content.length; ) {
    const length = view.getUint16(at + 4, true)
    if (length < LIST_ENTRY_BYTES || at + length > content.length) break
    if (view.getUint32(at, true) === NTFS_ATTRIBUTES.data && content[at + 6] === 0) {
      const part = partAt(table, view, at)
      if (part === undefined) break
      parts.push(part)
    }
    at += length
  }
  return parts
}

function partAt(table: Table, view: DataView, at: number): NtfsAttribute | undefined {
  const number = view.getUint16(at + 20, true) * 2 ** 32 + view.getUint32(at + 16, true)
  const firstCluster = view.getBigUint64(at + 8, true)
  const record = recordOf(table, number)
  if (record === undefined) return undefined
  for (const attribute of ntfsAttributes(record)) {
    if (attribute.type !== NTFS_ATTRIBUTES.data || attribute.named) continue
    if (attribute.resident || viewOf(attribute.bytes).getBigUint64(16, true) === firstCluster)
      return attribute
  }
  return undefined
}

/** The content of a non-resident attribute that is read whole. */
function spreadContent({ volume, geometry }: Table, attribute: NtfsAttribute): Uint8Array | undefined {
  const runs = ntfsRuns(attribute)
  const size = runs && Number(viewOf(attribute.bytes).getBigUint64(48, true))
  if (size === undefined || size > MAX_LIST_BYTES) return undefined
  const content = new Uint8Array(size)
  let done = 0
  for (const { first, clusters } of runs!) {
    const length = Math.min(clusters * geometry.clusterBytes, size - done)
    const bytes = volume.bytes(first * geometry.clusterBytes, length)
    if (bytes === undefined) return undefined
    content.set(bytes, done)
    done += length
  }
  return done === size ? content : undefined
}

function* piecesOf(
  { volume, geometry: { clusterBytes } }: Table,
  parts: readonly NtfsAttribute[],
  { size, valid }: { readonly size: number; readonly valid: number },
): Generator<FilePiece> {
  let at = 0
  for (const part of parts) {
    const spans = ntfsSpans(part)
    // A part that is missing would put what follows where it does not belong.
    if (spans === undefined || Number(viewOf(part.bytes).getBigUint64(16, true)) * clusterBytes !== at) return
    for (const { first, clusters } of spans) {
      const length = Math.min(clusters * clusterBytes, size - at)
      if (length <= 0) return
      const stored = first === undefined ? 0 : Math.max(0, Math.min(length, valid - at))
      if (stored > 0) {
        const offset = first! * clusterBytes
        if (offset + stored > volume.sizeBytes) return
        yield { kind: 'data', offset, length: stored }
      }
      if (length > stored) yield { kind: 'hole', length: length - stored }
      at += length
    }
  }
}
