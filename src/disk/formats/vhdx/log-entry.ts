import { asciiBytes, asciiOf, viewOf } from '../../../base/index.ts'
import { checksumOf } from './crc32c.ts'
import { readGuid, writeGuid } from './guid.ts'

/**
 * A log entry (MS-VHDX 2.3.1): sectors of 4 KiB, in a log that is a ring.
 *
 *   header      0 4 "loge"    4 4 CRC-32C of the entry   8 4 length   12 4 tail, an offset in the log
 *              16 8 sequence number   24 4 number of descriptors   32 16 log GUID
 *              48 8 flushed file offset   56 8 last file offset
 *   descriptors of 32 bytes from byte 64 on, in as many sectors as they need
 *     data      0 4 "desc"    4 4 last 4 bytes   8 8 first 8 bytes    16 8 file offset   24 8 sequence number
 *     zero      0 4 "zero"    8 8 length                              16 8 file offset   24 8 sequence number
 *   data sector 0 4 "data"    4 4 sequence high  8 4084 the rest      4092 4 sequence low
 */
export const LOG_SECTOR = 4096
const HEADER_BYTES = 64
const DESCRIPTOR_BYTES = 32
const CHECKSUM_AT = 4
/** As many as fit in one sector of descriptors: with their data less than half of the smallest log, 1 MiB. */
export const MAX_PAGES_PER_ENTRY = (LOG_SECTOR - HEADER_BYTES) / DESCRIPTOR_BYTES

export interface LogEntry {
  /** Offset in the log. */
  readonly at: number
  readonly length: number
  readonly tail: number
  readonly sequence: bigint
  readonly flushedFileOffset: number
  readonly lastFileOffset: number
  readonly descriptorCount: number
}

/** What an entry changes in the file. Without `bytes` the range becomes zero. */
export interface LogChange {
  readonly offset: number
  readonly length: number
  readonly bytes?: Uint8Array
}

/** Undefined when there is no valid entry at `at` (MS-VHDX 2.3.2): nothing else than "the log ends here". */
export function parseEntry(log: Uint8Array, at: number, guid: string): LogEntry | undefined {
  const head = log.subarray(at, at + HEADER_BYTES)
  if (asciiOf(head.subarray(0, 4)) !== 'loge' || readGuid(head, 32) !== guid) return undefined
  const view = viewOf(head)
  const entry: LogEntry = {
    at,
    length: view.getUint32(8, true),
    tail: view.getUint32(12, true),
    sequence: view.getBigUint64(16, true),
    descriptorCount: view.getUint32(24, true),
    flushedFileOffset: Number(view.getBigUint64(48, true)),
    lastFileOffset: Number(view.getBigUint64(56, true)),
  }
  if (!isPlausible(entry, log.length) || !hasWholeParts(log, entry)) return undefined
  const bytes = bytesOf(log, at, entry.length)
  return viewOf(bytes).getUint32(CHECKSUM_AT, true) === checksumOf(bytes, CHECKSUM_AT) ? entry : undefined
}

function isPlausible({ length, tail, sequence, descriptorCount }: LogEntry, logLength: number): boolean {
  return (
    length >= LOG_SECTOR &&
    length <= logLength &&
    length % LOG_SECTOR === 0 &&
    tail % LOG_SECTOR === 0 &&
    tail < logLength &&
    sequence > 0n &&
    HEADER_BYTES + descriptorCount * DESCRIPTOR_BYTES <= length
  )
}

/**
 * Looks at the signatures and sequence numbers before the checksum. No sector inside a valid entry can be mistaken
 * for the start of another one, so that all entries of a log together cost no more than reading it once.
 */
function hasWholeParts(log: Uint8Array, entry: LogEntry): boolean {
  let dataSector = descriptorSectorsOf(entry)
  const sectors = entry.length / LOG_SECTOR
  for (let index = 0; index < entry.descriptorCount; index++) {
    const descriptor = descriptorOf(log, entry, index)
    const view = viewOf(descriptor)
    if (view.getBigUint64(24, true) !== entry.sequence || view.getUint32(16, true) % LOG_SECTOR !== 0)
      return false
    const signature = asciiOf(descriptor.subarray(0, 4))
    if (signature === 'zero' && view.getUint32(8, true) % LOG_SECTOR === 0) continue
    if (signature !== 'desc' || dataSector >= sectors) return false
    if (!isDataSector(sectorOf(log, entry, dataSector), entry.sequence)) return false
    dataSector++
  }
  for (; dataSector < sectors; dataSector++)
    if (asciiOf(sectorOf(log, entry, dataSector).subarray(0, 4)) === 'loge') return false
  return true
}

function isDataSector(sector: Uint8Array, sequence: bigint): boolean {
  const view = viewOf(sector)
  return (
    asciiOf(sector.subarray(0, 4)) === 'data' &&
    view.getUint32(4, true) === Number(sequence >> 32n) &&
    view.getUint32(LOG_SECTOR - 4, true) === Number(sequence & 0xffff_ffffn)
  )
}

function descriptorSectorsOf({ descriptorCount }: LogEntry): number {
  return Math.ceil((HEADER_BYTES + descriptorCount * DESCRIPTOR_BYTES) / LOG_SECTOR)
}

function sectorOf(log: Uint8Array, entry: LogEntry, index: number): Uint8Array {
  const at = (entry.at + index * LOG_SECTOR) % log.length
  return log.subarray(at, at + LOG_SECTOR)
}

function descriptorOf(log: Uint8Array, entry: LogEntry, index: number): Uint8Array {
  const at = (entry.at + HEADER_BYTES + index * DESCRIPTOR_BYTES) % log.length
  return log.subarray(at, at + DESCRIPTOR_BYTES)
}

/** A piece of the ring, in one piece. */
function bytesOf(log: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length <= log.length) return log.subarray(at, at + length)
  const bytes = new Uint8Array(length)
  bytes.set(log.subarray(at))
  bytes.set(log.subarray(0, at + length - log.length), log.length - at)
  return bytes
}

/** The changes of a valid entry, in their order. */
export function* changesOf(log: Uint8Array, entry: LogEntry): Generator<LogChange> {
  let dataSector = descriptorSectorsOf(entry)
  for (let index = 0; index < entry.descriptorCount; index++) {
    const descriptor = descriptorOf(log, entry, index)
    const view = viewOf(descriptor)
    const offset = Number(view.getBigUint64(16, true))
    if (asciiOf(descriptor.subarray(0, 4)) === 'zero') {
      yield { offset, length: Number(view.getBigUint64(8, true)) }
      continue
    }
    const bytes = sectorOf(log, entry, dataSector++).slice()
    bytes.set(descriptor.subarray(8, 16), 0)
    bytes.set(descriptor.subarray(4, 8), LOG_SECTOR - 4)
    yield { offset, length: LOG_SECTOR, bytes }
  }
}

export interface NewLogEntry {
  readonly guid: string
  readonly tail: number
  readonly sequence: bigint
  readonly fileSize: number
  /** At most `MAX_PAGES_PER_ENTRY` pages of 4 KiB and their file offsets. */
  readonly pages: readonly { readonly offset: number; readonly bytes: Uint8Array }[]
}

export function formatEntry({ guid, tail, sequence, fileSize, pages }: NewLogEntry): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((1 + pages.length) * LOG_SECTOR)
  const view = viewOf(bytes)
  bytes.set(asciiBytes('loge'))
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, tail, true)
  view.setBigUint64(16, sequence, true)
  view.setUint32(24, pages.length, true)
  writeGuid(bytes, 32, guid)
  view.setBigUint64(48, BigInt(fileSize), true)
  view.setBigUint64(56, BigInt(fileSize), true)
  for (const [index, page] of pages.entries()) {
    const at = HEADER_BYTES + index * DESCRIPTOR_BYTES
    bytes.set(asciiBytes('desc'), at)
    bytes.set(page.bytes.subarray(LOG_SECTOR - 4), at + 4)
    bytes.set(page.bytes.subarray(0, 8), at + 8)
    view.setBigUint64(at + 16, BigInt(page.offset), true)
    view.setBigUint64(at + 24, sequence, true)
    const sector = (1 + index) * LOG_SECTOR
    bytes.set(page.bytes, sector)
    bytes.set(asciiBytes('data'), sector)
    view.setUint32(sector + 4, Number(sequence >> 32n), true)
    view.setUint32(sector + LOG_SECTOR - 4, Number(sequence & 0xffff_ffffn), true)
  }
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT), true)
  return bytes
}
