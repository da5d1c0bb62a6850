import { type ByteStore, KiB, VivariumError } from '../../../base/index.ts'
import { requireLarger, writeZeroes } from '../../expand.ts'
import { SECTOR } from '../../format.ts'
import { ABSENT, type BatLayout, layoutOf, MAX_BAT_ENTRIES, readBat, surveyBat, writeBat } from './bat.ts'
import { FOOTER_BYTES, withFooterChecksum, withSize } from './footer.ts'
import { type FoundFooter, findFooter } from './footers.ts'
import { geometryOf } from './geometry.ts'
import { type DynamicHeader, firstSectorWithTable, HEADER_BYTES, parseHeader } from './header.ts'
import { MAX_VHD_BYTES } from './layout.ts'

/** Ends of tables are looked at and written in pieces. */
const PIECE_BYTES = 64 * KiB

/**
 * Makes a VHD larger in its file. Id and stamp stay, so that children go on to know it. A file with a damaged or old
 * footer, or with blocks where they cannot be, is left alone (false): a new one is written without its faults.
 * @throws VivariumError kind `invalid` for a size that is smaller or impossible, `conflict` for a disk that a saved
 * state depends on.
 */
export function expandVhd(store: ByteStore, sizeBytes: number): boolean {
  const found = findFooter(store)
  const { footer, tailOffset } = found
  requireLarger(store, footer.currentSize, sizeBytes)
  if (sizeBytes > MAX_VHD_BYTES)
    throw new VivariumError(
      'invalid',
      'vhd-size-invalid',
      `A VHD cannot have ${sizeBytes} bytes; the limit is ${MAX_VHD_BYTES} (2040 GB).`,
      {
        where: { path: store.name, field: 'size' },
        next: 'Choose a smaller size, or convert the disk to VHDX.',
      },
    )
  if (footer.inSavedState)
    throw new VivariumError(
      'conflict',
      'disk-in-saved-state',
      'A saved state of a machine depends on this disk.',
      { where: { path: store.name }, next: 'Discard the saved state first.' },
    )
  const whole = found.tailSound && found.headSound && found.bytes.length === FOOTER_BYTES
  const aligned = tailOffset !== undefined && tailOffset % SECTOR === 0 && footer.currentSize % SECTOR === 0
  if (!whole || !aligned) return false
  if (sizeBytes === footer.currentSize) return true
  const bytes = withSize(found.bytes, sizeBytes, geometryOf(sizeBytes))
  return footer.type === 'fixed'
    ? expandFixed(store, found, tailOffset, bytes, sizeBytes)
    : expandSparse(store, found, tailOffset, bytes, sizeBytes)
}

/**
 * The footer, still of the old size, goes to its new place: the disk is whole, with unused room behind it. The old
 * footer is zeroed, which is that room by now. Then the size changes, in one sector.
 */
function expandFixed(
  store: ByteStore,
  { footer, bytes: old }: FoundFooter,
  tailOffset: number,
  bytes: Uint8Array,
  sizeBytes: number,
): boolean {
  const slack = tailOffset - footer.currentSize
  if (slack < 0) return false
  const end = Math.max(sizeBytes, tailOffset)
  if (end > tailOffset) {
    store.write(end, withFooterChecksum(old))
    store.flush()
  }
  // Whatever lies behind the old end, and the old footer with it.
  const zeroEnd = end > tailOffset ? tailOffset + FOOTER_BYTES : tailOffset
  writeZeroes(store, footer.currentSize, zeroEnd - footer.currentSize)
  store.flush()
  store.write(end, bytes)
  store.flush()
  return true
}

/**
 * Where the old BAT has no room, a longer one at the end of the file: first the tail footer behind it, then the table
 * in place of the old footer. Then the one sector of the header that names the table; and the footers, that at the
 * start first: the other one holds until it is replaced itself.
 */
function expandSparse(
  store: ByteStore,
  { footer, bytes: old }: FoundFooter,
  tailOffset: number,
  bytes: Uint8Array,
  sizeBytes: number,
): boolean {
  const at = footer.headerOffset ?? 0
  const header = new Uint8Array(HEADER_BYTES)
  store.read(at, header)
  const parsed = parseHeader(header, { path: store.name, offset: at })
  if (parsed.checksumStored !== parsed.checksumComputed || at % SECTOR !== 0) return false
  const layout = layoutOf(parsed, footer.currentSize, store, at)
  const entries = Math.ceil(sizeBytes / layout.blockSize)
  if (entries > MAX_BAT_ENTRIES) return false
  const bat = readBat(store, layout)
  if (surveyBat(bat, layout, tailOffset, store.name).problems.length > 0) return false
  const lastBlock = bat[layout.entries - 1]!
  if (!zeroBehindEnd(store, layout, lastBlock, tailOffset)) return false

  let tail = tailOffset
  const inPlace = hasRoom(store, { ...layout, entries, sizeBytes }, parsed, bat, tailOffset)
  if (!inPlace) {
    tail = tailOffset + alignUp(entries * 4)
    store.write(tail, withFooterChecksum(old))
    store.flush()
    writeTable(store, { ...layout, offset: tailOffset, entries: (tail - tailOffset) / 4 }, bat)
    store.flush()
  }
  if (!inPlace || entries > parsed.batEntries) {
    store.write(at, firstSectorWithTable(header, inPlace ? layout.offset : tailOffset, entries))
    store.flush()
  }
  store.write(0, bytes)
  store.flush()
  store.write(tail, bytes)
  store.flush()
  return true
}

/** What the last block holds behind the disk's end is nobody's yet, and can be anything. False: it is not all there. */
function zeroBehindEnd(store: ByteStore, layout: BatLayout, entry: number, blocksEnd: number): boolean {
  const used = layout.sizeBytes - (layout.entries - 1) * layout.blockSize
  if (entry === ABSENT || used === layout.blockSize) return true
  const start = entry * SECTOR + layout.bitmapBytes
  const end = start + layout.blockSize
  const onTable = start < layout.offset && end > layout.offset
  if (end > blocksEnd || onTable) return false
  writeZeroes(store, start + used, layout.blockSize - used)
  store.flush()
  return true
}

/**
 * Whether the table, as far as its last sector goes, has all the entries of the larger disk, and those that are new name
 * no blocks. Real files fill that sector with ones.
 */
function hasRoom(
  store: ByteStore,
  larger: BatLayout,
  { batEntries, locators }: DynamicHeader,
  bat: Uint32Array,
  blocksEnd: number,
): boolean {
  const start = larger.offset + bat.length * 4
  const end = larger.offset + larger.entries * 4
  if (end > larger.offset + alignUp(batEntries * 4) || end > blocksEnd) return false
  if (locators.some(({ offset, length }) => offset < end && offset + length > start)) return false
  if (surveyBat(bat, larger, blocksEnd, store.name).problems.length > 0) return false
  const piece = new Uint8Array(PIECE_BYTES)
  for (let at = start; at < end; at += piece.length) {
    const part = piece.subarray(0, Math.min(piece.length, end - at))
    store.read(at, part)
    if (part.some((value) => value !== 0xff)) return false
  }
  return true
}

/** The known entries, and none up to the end of the table. */
function writeTable(store: ByteStore, layout: BatLayout, bat: Uint32Array): void {
  const step = PIECE_BYTES / 4
  for (let first = 0; first < layout.entries; first += step) {
    const piece = new Uint32Array(Math.min(step, layout.entries - first)).fill(ABSENT)
    piece.set(bat.subarray(first, first + piece.length))
    writeBat(store, { ...layout, offset: layout.offset + first * 4 }, piece, 0, piece.length)
  }
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / SECTOR) * SECTOR
}
