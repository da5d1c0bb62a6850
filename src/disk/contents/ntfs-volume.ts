import { asciiOf, viewOf } from '../../base/index.ts'
import type { Volume } from './volume.ts'

/**
 * The structures of NTFS (as the documentation of the Linux-NTFS project has them). The master file table holds a
 * record for every file, and the file system's own data are files too:
 *
 *   0 $MFT   2 $LogFile   3 $Volume   6 $Bitmap
 *
 *   record: 0 4 "FILE"   4 2 update sequence array   6 2 its length   20 2 first attribute   22 2 flags (1 = in use)
 *   attribute: 0 4 type   4 4 length   8 1 non-resident   9 1 length of its name   12 2 flags
 *     resident: 16 4 length   20 2 offset     non-resident: 16 8 first cluster   24 8 last   32 2 runs   48 8 size   56 8 valid
 */
export const NTFS_RECORDS = { table: 0, log: 2, volume: 3, bitmap: 6 } as const
export const NTFS_ATTRIBUTES = { list: 0x20, volumeName: 0x60, volumeInformation: 0x70, data: 0x80 } as const
const END = 0xffffffff
const MAX_RECORD_BYTES = 16 << 10

export interface NtfsGeometry {
  readonly sectorBytes: number
  readonly clusterBytes: number
  readonly sectors: number
  readonly recordBytes: number
  /** Byte of the volume. */
  readonly tableOffset: number
}

export interface NtfsAttribute {
  readonly type: number
  readonly resident: boolean
  readonly named: boolean
  /** Compressed, encrypted or sparse: 0 for none of it. */
  readonly flags: number
  /** From its first byte. */
  readonly bytes: Uint8Array
}

/** One run of a file: `clusters` from cluster `first` of the volume on. */
export interface NtfsRun {
  readonly first: number
  readonly clusters: number
}

/** The same for a file that may have holes: clusters that are stored nowhere have no `first`. */
export interface NtfsSpan {
  readonly first: number | undefined
  readonly clusters: number
}

/** Undefined when it is no boot sector of NTFS, or not one that can be. */
export function ntfsGeometryOf(boot: Uint8Array): NtfsGeometry | undefined {
  if (asciiOf(boot.subarray(3, 11)) !== 'NTFS    ') return undefined
  const view = viewOf(boot)
  const sectorBytes = view.getUint16(11, true)
  // Above 128 the field is a power of two, written as a negative number.
  const clusterSectors = boot[13]! <= 128 ? boot[13]! : 2 ** (256 - boot[13]!)
  const clusterBytes = sectorBytes * clusterSectors
  const perRecord = view.getInt8(64)
  const recordBytes = perRecord > 0 ? perRecord * clusterBytes : 2 ** -perRecord
  if (![512, 1024, 2048, 4096].includes(sectorBytes)) return undefined
  if (clusterBytes === 0 || clusterBytes > 2 << 20) return undefined
  if (recordBytes < 512 || recordBytes > MAX_RECORD_BYTES || recordBytes % 512 !== 0) return undefined
  return {
    sectorBytes,
    clusterBytes,
    sectors: Number(view.getBigUint64(40, true)),
    recordBytes,
    tableOffset: Number(view.getBigUint64(48, true)) * clusterBytes,
  }
}

/** A record at a byte of the volume, as it was before it was written; undefined when it is torn or none. */
export function ntfsRecordAt(volume: Volume, offset: number, recordBytes: number): Uint8Array | undefined {
  const record = volume.bytes(offset, recordBytes)
  if (record === undefined || asciiOf(record.subarray(0, 4)) !== 'FILE') return undefined
  return undoFixups(record) ? record : undefined
}

/** The last two bytes of every 512 are replaced by a check value, and kept in the update sequence array. */
export function undoFixups(record: Uint8Array): boolean {
  const view = viewOf(record)
  const array = view.getUint16(4, true)
  const count = view.getUint16(6, true)
  if (count === 0 || array + count * 2 > record.length || (count - 1) * 512 > record.length) return false
  for (let sector = 1; sector < count; sector++) {
    const at = sector * 512 - 2
    if (view.getUint16(at, true) !== view.getUint16(array, true)) return false
    view.setUint16(at, view.getUint16(array + sector * 2, true), true)
  }
  return true
}

export function* ntfsAttributes(record: Uint8Array): Generator<NtfsAttribute> {
  const view = viewOf(record)
  for (let at = view.getUint16(20, true); at + 24 <= record.length; ) {
    const type = view.getUint32(at, true)
    const length = view.getUint32(at + 4, true)
    if (type === END || length < 24 || at + length > record.length) return
    yield {
      type,
      resident: record[at + 8] === 0,
      named: record[at + 9] !== 0,
      flags: view.getUint16(at + 12, true),
      bytes: record.subarray(at, at + length),
    }
    at += length
  }
}

/** The unnamed attribute of a type. */
export function ntfsAttribute(record: Uint8Array, type: number): NtfsAttribute | undefined {
  for (const attribute of ntfsAttributes(record))
    if (attribute.type === type && !attribute.named) return attribute
  return undefined
}

/** The content of a resident attribute. */
export function residentContent({ resident, bytes }: NtfsAttribute): Uint8Array | undefined {
  if (!resident) return undefined
  const view = viewOf(bytes)
  const start = view.getUint16(20, true)
  const length = view.getUint32(16, true)
  return start + length <= bytes.length ? bytes.subarray(start, start + length) : undefined
}

/**
 * Where a non-resident attribute lies: pairs of a length and a distance from the run before, each in as many bytes as
 * the two halves of the byte before them say; no distance is a hole. Undefined where it is damaged.
 */
export function ntfsSpans({ resident, bytes }: NtfsAttribute): NtfsSpan[] | undefined {
  if (resident || bytes.length < 64) return undefined
  const runs: NtfsSpan[] = []
  let first = 0
  for (let at = viewOf(bytes).getUint16(32, true); ; ) {
    const sizes = bytes[at]
    if (sizes === undefined) return undefined
    if (sizes === 0) return runs
    const [lengthBytes, distanceBytes] = [sizes & 15, sizes >> 4]
    const end = at + 1 + lengthBytes + distanceBytes
    if (lengthBytes === 0 || lengthBytes > 6 || distanceBytes > 6) return undefined
    if (end > bytes.length) return undefined
    const clusters = signed(bytes.subarray(at + 1, at + 1 + lengthBytes))
    if (distanceBytes > 0) first += signed(bytes.subarray(at + 1 + lengthBytes, end))
    if (clusters <= 0 || first < 0) return undefined
    runs.push({ first: distanceBytes > 0 ? first : undefined, clusters })
    at = end
  }
}

/** As `ntfsSpans`; undefined for a file with holes too. */
export function ntfsRuns(attribute: NtfsAttribute): NtfsRun[] | undefined {
  const spans = ntfsSpans(attribute)
  if (spans === undefined) return undefined
  const runs = spans.flatMap(({ first, clusters }) => (first === undefined ? [] : [{ first, clusters }]))
  return runs.length === spans.length ? runs : undefined
}

function signed(bytes: Uint8Array): number {
  let value = 0
  for (let at = bytes.length - 1; at >= 0; at--) value = value * 256 + bytes[at]!
  return bytes.at(-1)! >= 128 ? value - 256 ** bytes.length : value
}
