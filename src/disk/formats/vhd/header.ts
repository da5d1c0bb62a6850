import {
  asciiBytes,
  asciiOf,
  decodeUtf16,
  type ErrorDetails,
  encodeUtf16,
  VivariumError,
  viewOf,
} from '../../../base/index.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { checksumOf } from './checksum.ts'
import { formatLocatorEntries, type LocatorEntry, parseLocatorEntries } from './locators.ts'

/**
 * The dynamic header: 1024 bytes, big-endian, at the offset that the footer names.
 *
 *    0   8  "cxsparse"                     40  16  parent's unique id
 *    8   8  next structure, all ones       56   4  parent's time stamp
 *   16   8  offset of the BAT              64 512  parent's name, UTF-16 BIG-endian
 *   24   4  version 1.0                   576 192  eight locator entries
 *   28   4  number of BAT entries         768      zero
 *   32   4  block size in bytes
 *   36   4  checksum over the 1024 bytes
 */
export const HEADER_BYTES = 1024
export const HEADER_COOKIE = 'cxsparse'
export const PARENT_NAME_BYTES = 512
const CHECKSUM_AT = 36
const NO_OFFSET = 2n ** 64n - 1n

export interface DynamicHeader {
  readonly batOffset: number
  readonly batEntries: number
  readonly blockSize: number
  readonly parentId: Uint8Array
  readonly parentStamp: number
  readonly parentName: string
  readonly locators: readonly LocatorEntry[]
  readonly checksumStored: number
  readonly checksumComputed: number
}

export function parseHeader(bytes: Uint8Array, where: NonNullable<ErrorDetails['where']>): DynamicHeader {
  if (asciiOf(bytes.subarray(0, 8)) !== HEADER_COOKIE) {
    throw new VivariumError(
      'corrupt',
      'vhd-header-missing',
      'There is no dynamic header ("cxsparse") where the footer says it is.',
      { where, next: NEXT_CHECK },
    )
  }
  const view = viewOf(bytes)
  const batOffset = view.getBigUint64(16)
  if (batOffset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new VivariumError(
      'corrupt',
      'vhd-number-too-large',
      `The BAT offset is 0x${batOffset.toString(16)}.`,
      {
        where: { ...where, field: 'table offset' },
        next: NEXT_CHECK,
      },
    )
  }
  const name = bytes.subarray(64, 64 + PARENT_NAME_BYTES)
  return {
    batOffset: Number(batOffset),
    batEntries: view.getUint32(28),
    blockSize: view.getUint32(32),
    checksumStored: view.getUint32(CHECKSUM_AT),
    checksumComputed: checksumOf(bytes, CHECKSUM_AT),
    parentId: bytes.slice(40, 56),
    parentStamp: view.getUint32(56),
    parentName: decodeUtf16(name, 'be').split('\0')[0]!,
    locators: parseLocatorEntries(bytes),
  }
}

export type NewHeader = Pick<
  DynamicHeader,
  'batOffset' | 'batEntries' | 'blockSize' | 'parentId' | 'parentStamp' | 'parentName' | 'locators'
>

export function formatHeader(header: NewHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = viewOf(bytes)
  bytes.set(asciiBytes(HEADER_COOKIE))
  view.setBigUint64(8, NO_OFFSET)
  view.setBigUint64(16, BigInt(header.batOffset))
  view.setUint32(24, 0x10000)
  view.setUint32(28, header.batEntries)
  view.setUint32(32, header.blockSize)
  bytes.set(header.parentId, 40)
  view.setUint32(56, header.parentStamp)
  // The last two bytes stay zero: some readers look for the end of the name.
  bytes.set(encodeUtf16(header.parentName, 'be').subarray(0, PARENT_NAME_BYTES - 2), 64)
  formatLocatorEntries(header.locators, bytes)
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT))
  return bytes
}

/** The first sector of a header, with its table elsewhere; the rest of the header stays as it is. */
export function firstSectorWithTable(
  header: Uint8Array,
  batOffset: number,
  batEntries: number,
): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(header)
  const view = viewOf(bytes)
  view.setBigUint64(16, BigInt(batOffset))
  view.setUint32(28, batEntries)
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT))
  return bytes.slice(0, 512)
}
