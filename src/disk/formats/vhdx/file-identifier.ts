import { asciiBytes, asciiOf, type ByteStore, decodeUtf16, encodeUtf16 } from '../../../base/index.ts'
import type { Creator } from '../../format.ts'

/**
 * The file type identifier (MS-VHDX 2.2.1): 64 KiB at offset 0, written once and never changed.
 *
 *   0   8  "vhdxfile"
 *   8 512  creator, UTF-16 little-endian, for people only
 */
export const FILE_IDENTIFIER_BYTES = 64 << 10
const SIGNATURE = 'vhdxfile'
const CREATOR_AT = 8
const CREATOR_BYTES = 512
export const OWN_CREATOR = 'Vivarium'

export function isVhdx(store: ByteStore): boolean {
  if (store.size() < FILE_IDENTIFIER_BYTES) return false
  const bytes = new Uint8Array(SIGNATURE.length)
  store.read(0, bytes)
  return asciiOf(bytes) === SIGNATURE
}

export function readCreator(store: ByteStore): string {
  const bytes = new Uint8Array(CREATOR_BYTES)
  store.read(CREATOR_AT, bytes)
  const text = decodeUtf16(bytes, 'le').split('\0')[0]!
  return text.replace(/[^\x20-\x7e]/g, '').trim()
}

export function formatFileIdentifier(creator: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CREATOR_AT + CREATOR_BYTES)
  bytes.set(asciiBytes(SIGNATURE))
  bytes.set(encodeUtf16(creator, 'le').subarray(0, CREATOR_BYTES - 2), CREATOR_AT)
  return bytes
}

/**
 * Real files say "Microsoft Windows 10.0.19041.0", "Microsoft Windows 6.2.9200.0", "QEMU v5.2.0"; the first word
 * with a dotted number in it is the version.
 */
export function creatorOf(text: string): Creator {
  const match = /^(.*?)\s*\bv?(\d+(?:\.\d+)+)\b/.exec(text)
  const application = (match?.[1] ?? text).trim()
  return {
    application,
    version: match?.[2] ?? '',
    hostOs: application.includes('Windows') ? 'Windows' : '',
    product: text === '' ? 'unknown' : text,
  }
}
