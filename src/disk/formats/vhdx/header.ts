import { asciiBytes, asciiOf, viewOf } from '../../../base/index.ts'
import { checksumOf } from './crc32c.ts'
import { readGuid, writeGuid } from './guid.ts'

/**
 * A header (MS-VHDX 2.2.2): 4 KiB, little-endian, one at 64 KiB and one at 128 KiB.
 *
 *    0  4  "head"                64  2  log version, 0
 *    4  4  CRC-32C               66  2  version, 1
 *    8  8  sequence number       68  4  log length
 *   16 16  file write GUID       72  8  log offset
 *   32 16  data write GUID       80     zero
 *   48 16  log GUID
 */
export const HEADER_BYTES = 4096
export const HEADER_OFFSETS = [64 << 10, 128 << 10] as const
const SIGNATURE = 'head'
const CHECKSUM_AT = 4

export interface Header {
  readonly sequence: bigint
  /** Changes when anything in the file does. */
  readonly fileWriteGuid: string
  /** Changes when what the guest sees does; children name their parent by it. */
  readonly dataWriteGuid: string
  /** Of the entries to replay; all zero = the log is empty. */
  readonly logGuid: string
  readonly logVersion: number
  readonly version: number
  readonly logLength: number
  readonly logOffset: number
}

/** Undefined when the signature or the checksum is wrong: then the other header counts (MS-VHDX 2.2.2). */
export function parseHeader(bytes: Uint8Array): Header | undefined {
  if (asciiOf(bytes.subarray(0, 4)) !== SIGNATURE) return undefined
  const view = viewOf(bytes)
  if (view.getUint32(CHECKSUM_AT, true) !== checksumOf(bytes, CHECKSUM_AT)) return undefined
  return {
    sequence: view.getBigUint64(8, true),
    fileWriteGuid: readGuid(bytes, 16),
    dataWriteGuid: readGuid(bytes, 32),
    logGuid: readGuid(bytes, 48),
    logVersion: view.getUint16(64, true),
    version: view.getUint16(66, true),
    logLength: view.getUint32(68, true),
    logOffset: Number(view.getBigUint64(72, true)),
  }
}

export function formatHeader(header: Header): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  bytes.set(asciiBytes(SIGNATURE))
  view.setBigUint64(8, header.sequence, true)
  writeGuid(bytes, 16, header.fileWriteGuid)
  writeGuid(bytes, 32, header.dataWriteGuid)
  writeGuid(bytes, 48, header.logGuid)
  view.setUint16(64, header.logVersion, true)
  view.setUint16(66, header.version, true)
  view.setUint32(68, header.logLength, true)
  view.setBigUint64(72, BigInt(header.logOffset), true)
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT), true)
  return bytes
}
