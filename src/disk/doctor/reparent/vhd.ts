import { bytesEqual, encodeUtf16, fromHex, viewOf } from '../../../base/index.ts'
import { NO_ID, SECTOR } from '../../format.ts'
import { ABSENT, layoutOf, readBat } from '../../formats/vhd/bat.ts'
import { FOOTER_BYTES } from '../../formats/vhd/footer.ts'
import { findFooter } from '../../formats/vhd/footers.ts'
import { HEADER_BYTES, PARENT_NAME_BYTES, parseHeader } from '../../formats/vhd/header.ts'
import { encodeLocatorText, formatLocatorEntries, type LocatorEntry } from '../../formats/vhd/locators.ts'
import { alignUp } from '../patient.ts'
import type { Surgery } from '../surgery.ts'
import { withChecksum } from '../vhd/header-cure.ts'
import { cannotRecord, type ParentRecord } from './parent-record.ts'

const LOCATORS_AT = 576
const LOCATORS_BYTES = 192
const MAX_SPACE = 65536
const WHY = 'The disk shall find its parent again.'

/**
 * The parent's name, its locators, id and time stamp stand in the dynamic header; the locators' texts lie elsewhere in
 * the file. New ones go in front of the footer, which moves: until the header, written last, names them, the old ones
 * are whole. Old kinds of locators (Wi2r, Wi2k, Mac, MacX) are dropped: they would go on naming the former place.
 */
export function renameVhdParent(surgery: Surgery, parent: ParentRecord): void {
  const { store } = surgery
  const { footer, tailOffset, tailSound } = findFooter(store)
  const at = footer.headerOffset ?? 0
  if (tailOffset === undefined || !tailSound || tailOffset + FOOTER_BYTES > store.size())
    throw cannotRecord(store.name, 'The footer at the end of the disk is damaged: repair it first.')
  const bytes = surgery.bytesAt(at, HEADER_BYTES)
  const header = parseHeader(bytes, { path: store.name, offset: at })
  const layout = layoutOf(header, Math.floor(footer.currentSize / SECTOR) * SECTOR, store, at)
  const others = [
    { at: 0, end: FOOTER_BYTES },
    { at, end: at + HEADER_BYTES },
    { at: layout.offset, end: layout.offset + layout.entries * 4 },
    { at: tailOffset, end: store.size() },
    ...blocksOf(readBat(store, layout), layout.bitmapBytes + layout.blockSize),
  ]
  const texts: [string, string][] = [
    ['W2ku', parent.absolutePath],
    ['W2ru', parent.relativePath],
  ]
  const entries: LocatorEntry[] = []
  const added: { readonly text: string; readonly padded: Uint8Array; readonly at: number }[] = []
  let footerAt = tailOffset
  for (const [code, text] of texts) {
    const encoded = encodeLocatorText(text)
    const old = header.locators.find(
      ({ code: known, offset, length }) =>
        known === code &&
        length === encoded.length &&
        roomFrom(offset, others) >= length &&
        bytesEqual(surgery.bytesAt(offset, length), encoded),
    )
    const offset = old?.offset ?? footerAt
    if (old === undefined) {
      const padded = new Uint8Array(alignUp(encoded.length, SECTOR))
      padded.set(encoded)
      added.push({ text: `${code}: ${text}`, padded, at: footerAt })
      footerAt += padded.length
    }
    const space = old?.space ?? alignUp(encoded.length, SECTOR)
    entries.push({ code, space, length: encoded.length, offset })
  }
  if (added.length > 0)
    surgery.write(footerAt, surgery.bytesAt(tailOffset, FOOTER_BYTES), {
      what: `Move the footer to byte ${footerAt}.`,
      why: 'It is the last thing of the file, and the names of the parent go in front of it.',
    })
  for (const { text, padded, at: place } of added)
    surgery.write(place, padded, { what: `Write the locator ${text}`, why: WHY })
  writeHeader(surgery, at, bytes, parent, entries)
}

function blocksOf(bat: Uint32Array, length: number): { at: number; end: number }[] {
  const spans: { at: number; end: number }[] = []
  for (const entry of bat)
    if (entry !== ABSENT) spans.push({ at: entry * SECTOR, end: entry * SECTOR + length })
  return spans
}

/** Bytes from a place to the next thing in the file; none when it lies within one. */
function roomFrom(at: number, spans: readonly { at: number; end: number }[]): number {
  let room = MAX_SPACE
  for (const span of spans) {
    if (span.at <= at && at < span.end) return 0
    if (span.at > at) room = Math.min(room, span.at - at)
  }
  return room
}

function writeHeader(
  surgery: Surgery,
  at: number,
  bytes: Uint8Array,
  parent: ParentRecord,
  entries: readonly LocatorEntry[],
): void {
  const changed = Uint8Array.from(bytes)
  const id = fromHex((parent.id ?? NO_ID).replaceAll('-', ''))
  if (id?.length !== 16)
    throw cannotRecord(surgery.store.name, `"${parent.id}" is no id that a VHD can record as its parent's.`)
  changed.set(id, 40)
  viewOf(changed).setUint32(56, parent.stamp)
  const name =
    parent.absolutePath.length * 2 <= PARENT_NAME_BYTES - 2
      ? parent.absolutePath
      : parent.absolutePath.split(/[\\/]/).at(-1)!
  changed.fill(0, 64, 64 + PARENT_NAME_BYTES)
  changed.set(encodeUtf16(name, 'be').subarray(0, PARENT_NAME_BYTES - 2), 64)
  changed.fill(0, LOCATORS_AT, LOCATORS_AT + LOCATORS_BYTES)
  formatLocatorEntries(entries, changed)
  surgery.write(at, withChecksum(changed), {
    what: `Write the dynamic header: parent ${name}, id ${parent.id ?? 'none'}.`,
    why: WHY,
  })
}
