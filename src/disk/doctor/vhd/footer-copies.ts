import { asciiBytes, type ByteStore, bytesEqual, isZero, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import {
  DISK_TYPES,
  FOOTER_BYTES,
  FOOTER_COOKIE,
  footerChecksum,
  hasFooterCookie,
  isSoundFooter,
  OLD_FOOTER_BYTES,
} from '../../formats/vhd/footer.ts'

/** A footer as it was found, which may be damaged. */
export interface FooterCopy {
  /** 512 bytes, a missing last one counted as zero. */
  readonly bytes: Uint8Array
  readonly at: number
  /** 512, or 511 as old products wrote it, or less of one that was cut off. */
  readonly length: number
  readonly sound: boolean
}

/** How far in front of the end a footer is looked for, when something was added behind it. */
const SEARCHED_BYTES = 1 << 20

/** The footer at the end, or near it. */
export function findTail(store: ByteStore): FooterCopy | undefined {
  const size = store.size()
  if (size < OLD_FOOTER_BYTES) return undefined
  for (const length of [FOOTER_BYTES, OLD_FOOTER_BYTES]) {
    const found = copyAt(store, size - length, length)
    if (found !== undefined) return found
  }
  return findBehind(store, size)
}

/** In front of padding, or cut off in its middle. Only what begins at a whole sector. */
function findBehind(store: ByteStore, size: number): FooterCopy | undefined {
  const start = Math.max(SECTOR, Math.floor((size - SEARCHED_BYTES) / SECTOR) * SECTOR)
  const window = new Uint8Array(Math.max(0, size - start))
  store.read(start, window)
  const cookie = asciiBytes(FOOTER_COOKIE)
  for (let at = Math.floor((window.length - 1) / SECTOR) * SECTOR; at >= 0; at -= SECTOR) {
    if (!bytesEqual(window.subarray(at, at + cookie.length), cookie)) continue
    const bytes = whole(window.subarray(at, at + FOOTER_BYTES))
    const length = Math.min(FOOTER_BYTES, window.length - at)
    if (length === FOOTER_BYTES && !isTail(bytes, start + at, window.subarray(at + FOOTER_BYTES))) continue
    return { bytes, at: start + at, length, sound: isSoundFooter(bytes) }
  }
  return undefined
}

/**
 * Old footers stay in the gaps of a file, and a guest may have written one. So only padding may lie behind it; behind
 * that of a fixed disk anything, when it stands where its own size says.
 */
function isTail(bytes: Uint8Array, at: number, behind: Uint8Array): boolean {
  if (!isSoundFooter(bytes)) return false
  const view = viewOf(bytes)
  return isZero(behind) || (view.getUint32(60) === DISK_TYPES.fixed && view.getBigUint64(48) === BigInt(at))
}

/** The copy in the first sector of dynamic and differencing disks. */
export function findHead(store: ByteStore): FooterCopy | undefined {
  return store.size() > FOOTER_BYTES ? copyAt(store, 0, FOOTER_BYTES) : undefined
}

function copyAt(store: ByteStore, at: number, length: number): FooterCopy | undefined {
  if (at < 0) return undefined
  const bytes = new Uint8Array(length)
  store.read(at, bytes)
  const found = hasFooterCookie(bytes) ? whole(bytes) : withCookieRestored(whole(bytes))
  return found && { bytes: found, at, length, sound: isSoundFooter(found) }
}

/** The checksum proves what it was, when nothing but the cookie is damaged. */
function withCookieRestored(bytes: Uint8Array): Uint8Array | undefined {
  const restored = bytes.slice()
  restored.set(asciiBytes(FOOTER_COOKIE))
  const { stored, computed } = footerChecksum(restored)
  return stored === computed && stored !== 0 ? restored : undefined
}

function whole(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(FOOTER_BYTES)
  copy.set(bytes)
  return copy
}
