import { asciiBytes, asciiOf, type ErrorDetails, VivariumError, viewOf } from '../../../base/index.ts'
import type { Geometry } from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { checksumOf } from './checksum.ts'

/**
 * The footer: 512 bytes, big-endian, in the last sector of every VHD; dynamic and differencing files keep a
 * copy in their first sector. Products before Virtual PC 2004 wrote only its first 511 bytes.
 *
 *    0  8  "conectix"             40  8  original size      68 16  unique id
 *    8  4  features               48  8  current size       84  1  in saved state
 *   12  4  version 1.0            56  4  geometry (2+1+1)   85     zero
 *   16  8  offset of the header   60  4  type
 *   24  4  time stamp             64  4  checksum
 *   28 12  creator: application, version, host OS
 */
export const FOOTER_BYTES = 512
export const OLD_FOOTER_BYTES = 511
export const FOOTER_COOKIE = 'conectix'
const CHECKSUM_AT = 64

export const DISK_TYPES = { fixed: 2, dynamic: 3, differencing: 4 } as const
export type VhdType = keyof typeof DISK_TYPES

export interface Footer {
  readonly type: VhdType
  /** Where the dynamic header lies; undefined in a fixed disk. */
  readonly headerOffset: number | undefined
  /** Seconds since 2000-01-01; whether UTC or local depends on the writer. */
  readonly stamp: number
  readonly creatorApplication: string
  readonly creatorVersion: number
  readonly creatorOs: string
  readonly originalSize: number
  readonly currentSize: number
  readonly geometry: Geometry
  readonly id: Uint8Array
  readonly inSavedState: boolean
}

export function hasFooterCookie(bytes: Uint8Array): boolean {
  return bytes.length >= OLD_FOOTER_BYTES && asciiOf(bytes.subarray(0, 8)) === FOOTER_COOKIE
}

export interface ChecksumState {
  readonly stored: number
  readonly computed: number
}

export function footerChecksum(bytes: Uint8Array): ChecksumState {
  return { stored: viewOf(bytes).getUint32(CHECKSUM_AT), computed: checksumOf(bytes, CHECKSUM_AT) }
}

export function isSoundFooter(bytes: Uint8Array): boolean {
  const { stored, computed } = footerChecksum(bytes)
  return hasFooterCookie(bytes) && stored === computed
}

/** Reads the fields; the checksum is the caller's business. `where` goes into the errors. */
export function parseFooter(bytes: Uint8Array, where: NonNullable<ErrorDetails['where']>): Footer {
  const view = viewOf(bytes)
  const version = view.getUint32(12)
  if (version >>> 16 !== 1) {
    throw new VivariumError(
      'unsupported',
      'vhd-version',
      `The VHD footer is of version ${version >>> 16}.${version & 0xffff}; only version 1 is known.`,
      { where: { ...where, field: 'version' } },
    )
  }
  const type = typeOf(view.getUint32(60), where)
  return {
    type,
    headerOffset: type === 'fixed' ? undefined : sizeOf(view.getBigUint64(16), 'data offset', where),
    stamp: view.getUint32(24),
    creatorApplication: asciiOf(bytes.subarray(28, 32)),
    creatorVersion: view.getUint32(32),
    creatorOs: asciiOf(bytes.subarray(36, 40)),
    // Some writers leave the original size wild; only the current size must make sense.
    originalSize: Number(view.getBigUint64(40)),
    currentSize: sizeOf(view.getBigUint64(48), 'current size', where),
    geometry: { cylinders: view.getUint16(56), heads: view.getUint8(58), sectorsPerTrack: view.getUint8(59) },
    id: bytes.slice(68, 84),
    inSavedState: view.getUint8(84) !== 0,
  }
}

function typeOf(value: number, where: NonNullable<ErrorDetails['where']>): VhdType {
  for (const [name, code] of Object.entries(DISK_TYPES)) if (code === value) return name as VhdType
  throw new VivariumError(
    'unsupported',
    'vhd-type',
    `The VHD is of type ${value}; only 2 (fixed), 3 (dynamic) and 4 (differencing) hold data.`,
    {
      where: { ...where, field: 'type' },
      next: 'A disk linked to a host drive cannot be opened elsewhere: copy that drive to an image.',
    },
  )
}

function sizeOf(value: bigint, field: string, where: NonNullable<ErrorDetails['where']>): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw new VivariumError('corrupt', 'vhd-number-too-large', `The ${field} is 0x${value.toString(16)}.`, {
    where: { ...where, field },
    next: NEXT_CHECK,
  })
}

export function formatFooter(footer: Footer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FOOTER_BYTES)
  const view = viewOf(bytes)
  bytes.set(asciiBytes(FOOTER_COOKIE))
  view.setUint32(8, 2) // the reserved bit, set in every real file
  view.setUint32(12, 0x10000)
  view.setBigUint64(16, footer.headerOffset === undefined ? 2n ** 64n - 1n : BigInt(footer.headerOffset))
  view.setUint32(24, footer.stamp)
  bytes.set(asciiBytes(footer.creatorApplication), 28)
  view.setUint32(32, footer.creatorVersion)
  bytes.set(asciiBytes(footer.creatorOs), 36)
  view.setBigUint64(40, BigInt(footer.originalSize))
  view.setBigUint64(48, BigInt(footer.currentSize))
  view.setUint16(56, footer.geometry.cylinders)
  view.setUint8(58, footer.geometry.heads)
  view.setUint8(59, footer.geometry.sectorsPerTrack)
  view.setUint32(60, DISK_TYPES[footer.type])
  bytes.set(footer.id, 68)
  view.setUint8(84, footer.inSavedState ? 1 : 0)
  view.setUint32(CHECKSUM_AT, checksumOf(bytes, CHECKSUM_AT))
  return bytes
}

/** The same footer with the checksum that belongs to it; 512 bytes long whatever came in. */
export function withFooterChecksum(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(FOOTER_BYTES)
  whole.set(bytes.subarray(0, FOOTER_BYTES))
  viewOf(whole).setUint32(CHECKSUM_AT, checksumOf(whole, CHECKSUM_AT))
  return whole
}

/** The same footer for a larger disk: bytes that nobody here knows are kept, and so are id and stamp. */
export function withSize(bytes: Uint8Array, sizeBytes: number, geometry: Geometry): Uint8Array<ArrayBuffer> {
  const changed = withFooterChecksum(bytes)
  const view = viewOf(changed)
  view.setBigUint64(48, BigInt(sizeBytes))
  view.setUint16(56, geometry.cylinders)
  view.setUint8(58, geometry.heads)
  view.setUint8(59, geometry.sectorsPerTrack)
  return withFooterChecksum(changed)
}
