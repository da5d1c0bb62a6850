import { type ByteStore, bytesEqual, type Problem, VivariumError } from '../../../base/index.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import {
  DISK_TYPES,
  FOOTER_BYTES,
  type Footer,
  hasFooterCookie,
  isSoundFooter,
  OLD_FOOTER_BYTES,
  parseFooter,
} from './footer.ts'
import { footerFault } from './footer-faults.ts'

/**
 * Finds the footer among its places: the last 512 bytes, the last 511 (old products), and the copy at the start
 * of dynamic and differencing files, which brings the disk back when the tail was lost or damaged.
 */
export interface FoundFooter {
  readonly footer: Footer
  /** As stored; unknown bytes are kept when it is written again. */
  readonly bytes: Uint8Array
  /** Where the tail footer lies; undefined = lost. */
  readonly tailOffset: number | undefined
  readonly tailSound: boolean
  /** Only meaningful for dynamic and differencing files. */
  readonly headSound: boolean
  readonly problems: readonly Problem[]
}

interface Copy {
  readonly bytes: Uint8Array
  readonly offset: number
  readonly sound: boolean
}

export function findFooter(store: ByteStore): FoundFooter {
  const size = store.size()
  const tail = readTail(store, size)
  const head = readHead(store, size)
  const copyServes = head?.sound === true && (tail === undefined || isSameDisk(tail.bytes, head.bytes))
  const chosen = tail?.sound ? tail : copyServes ? head : (tail ?? head)
  if (chosen === undefined) {
    throw new VivariumError(
      'malformed',
      'vhd-footer-missing',
      'There is no VHD footer ("conectix") at the end of the file, and no copy at its start.',
      {
        where: { path: store.name, offset: Math.max(0, size - FOOTER_BYTES) },
        next: NEXT_CHECK,
      },
    )
  }
  const footer = parseFooter(chosen.bytes, { path: store.name, offset: chosen.offset })
  if (chosen === head && footer.type === 'fixed') {
    throw new VivariumError(
      'malformed',
      'vhd-footer-missing',
      'There is a VHD footer at the start of the file, but of a fixed disk, where it belongs at the end.',
      { where: { path: store.name, offset: 0 }, next: NEXT_CHECK },
    )
  }
  const sparse = footer.type !== 'fixed'
  return {
    footer,
    bytes: chosen.bytes,
    tailOffset: tail?.offset,
    tailSound: tail?.sound === true,
    headSound: !sparse || head?.sound === true,
    problems: problemsOf(store.name, chosen, tail, sparse ? head : undefined, sparse),
  }
}

/**
 * Whether the first sector is a copy of a damaged tail footer. In a fixed disk it belongs to the guest, who may
 * have put anything there.
 */
function isSameDisk(tail: Uint8Array, head: Uint8Array): boolean {
  return bytesEqual(tail.subarray(68, 84), head.subarray(68, 84)) || tail[63] !== DISK_TYPES.fixed
}

/** True when some place holds a footer with the right checksum, or the cookie at the very end. */
export function probeFooter(store: ByteStore): boolean {
  const size = store.size()
  if (readTail(store, size) !== undefined) return true
  return readHead(store, size)?.sound === true
}

function readTail(store: ByteStore, size: number): Copy | undefined {
  if (size < OLD_FOOTER_BYTES) return undefined
  const start = Math.max(0, size - FOOTER_BYTES)
  const last = new Uint8Array(size - start)
  store.read(start, last)
  if (last.length === FOOTER_BYTES && hasFooterCookie(last))
    return { bytes: last, offset: start, sound: isSoundFooter(last) }
  const old = last.subarray(last.length - OLD_FOOTER_BYTES)
  if (!hasFooterCookie(old)) return undefined
  return { bytes: old, offset: size - OLD_FOOTER_BYTES, sound: isSoundFooter(old) }
}

function readHead(store: ByteStore, size: number): Copy | undefined {
  // A file of one sector or less has a footer only, which readTail finds.
  if (size <= FOOTER_BYTES) return undefined
  const bytes = new Uint8Array(FOOTER_BYTES)
  store.read(0, bytes)
  return hasFooterCookie(bytes) ? { bytes, offset: 0, sound: isSoundFooter(bytes) } : undefined
}

function problemsOf(
  path: string,
  chosen: Copy,
  tail: Copy | undefined,
  head: Copy | undefined,
  sparse: boolean,
): Problem[] {
  const problems: Problem[] = []
  const note = (fault: Parameters<typeof footerFault>[1], offset: number) =>
    problems.push(footerFault(path, fault, offset))
  if (tail === undefined) note('vhd-tail-footer-lost', chosen.offset)
  else if (!tail.sound)
    note(chosen === tail ? 'vhd-footer-checksum' : 'vhd-footer-checksum-copy', tail.offset)
  if (sparse && head === undefined) note('vhd-head-footer-lost', 0)
  else if (sparse && head?.sound === false) note('vhd-head-footer-checksum', 0)
  if (tail !== undefined && tail.bytes.length === OLD_FOOTER_BYTES) note('vhd-footer-511', tail.offset)
  return problems
}
