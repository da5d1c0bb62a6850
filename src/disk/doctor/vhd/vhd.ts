import { asciiOf, type ByteStore, bytesEqual } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { ABSENT } from '../../formats/vhd/bat.ts'
import { FOOTER_BYTES, type Footer } from '../../formats/vhd/footer.ts'
import { probeFooter } from '../../formats/vhd/footers.ts'
import { geometryBytes, geometryOf, MAX_CHS_SECTORS } from '../../formats/vhd/geometry.ts'
import { HEADER_COOKIE } from '../../formats/vhd/header.ts'
import { MAX_VHD_BYTES } from '../../formats/vhd/layout.ts'
import { quoted } from '../../next-steps.ts'
import type { Doctor } from '../doctor.ts'
import { alignUp, type Patient, tell } from '../patient.ts'
import type { Reason } from '../surgery.ts'
import { cureBitmaps } from './bitmap-cure.ts'
import type { Span } from './blocks.ts'
import { type ChosenFooter, chooseFooter } from './footer-choice.ts'
import { findTail } from './footer-copies.ts'
import { cureHeader } from './header-cure.ts'
import { checkLocators } from './locator-check.ts'
import { type CuredTable, cureTable } from './table-cure.ts'

/**
 * VHD: first the footer tells what disk it is, then the header where the table is, then the table where the blocks
 * are; and only then it is known where the file ends and the footer belongs.
 */
export const vhdDoctor: Doctor = {
  format: 'vhd',
  recognises: (store, name) =>
    probeFooter(store) ||
    findTail(store) !== undefined ||
    hasHeader(store) ||
    /\.(vhd|vud|avhd)$/i.test(name),
  *treat(surgery, report, options) {
    const patient: Patient = { surgery, store: surgery.store, path: surgery.store.name, options, report }
    const chosen = chooseFooter(patient)
    if (chosen === undefined) return
    checkSize(patient, chosen.footer)
    if (chosen.footer.type === 'fixed') treatFixed(patient, chosen)
    else yield* treatSparse(patient, chosen)
  },
}

function hasHeader(store: ByteStore): boolean {
  if (store.size() < FOOTER_BYTES + 8) return false
  const bytes = new Uint8Array(8)
  store.read(FOOTER_BYTES, bytes)
  return asciiOf(bytes) === HEADER_COOKIE
}

const RESTORED: Reason = {
  what: 'Write the footer at the end of the file.',
  why: 'It is lost or damaged there, or does not agree with the file.',
}

function treatFixed(patient: Patient, { footer, bytes, tail }: ChosenFooter): void {
  const { surgery } = patient
  const size = Math.floor(footer.currentSize / SECTOR) * SECTOR
  const dataEnd = tail?.at ?? Math.floor(surgery.size / SECTOR) * SECTOR
  if (dataEnd > size)
    tell(patient, {
      code: 'vhd-data-behind-size',
      severity: 'note',
      field: 'current size',
      offset: size,
      message: `${dataEnd - size} bytes lie between the end of the disk and its footer.`,
      cure: 'nothing',
    })
  if (dataEnd >= size) {
    writeTail(patient, bytes, tail, dataEnd)
    return
  }
  tell(patient, {
    code: 'vhd-data-cut-short',
    severity: 'error',
    field: 'current size',
    offset: dataEnd,
    message: `The disk should hold ${size} bytes, and the file has ${dataEnd}. A repair fills the rest with zeroes; what was there is lost.`,
    cure: 'repair',
  })
  surgery.write(dataEnd, new Uint8Array(Math.min(surgery.size, size) - dataEnd), {
    what: `Clear the bytes from ${dataEnd} to the end of the file.`,
    why: 'The footer stands where data belongs.',
  })
  if (size > surgery.size)
    surgery.resize(size, {
      what: `Extend the file with zeroes to ${size} bytes.`,
      why: 'The disk was cut short: its end is lost already.',
      loses: true,
    })
  surgery.write(size, bytes, RESTORED)
}

function* treatSparse(patient: Patient, chosen: ChosenFooter): Generator<number, void> {
  const { surgery, store, options } = patient
  const { footer, tail } = chosen
  const isPadded = tail !== undefined && tail.at + tail.length < store.size()
  const limit = tail === undefined || isPadded ? Math.floor(store.size() / SECTOR) * SECTOR : tail.at
  const found = cureHeader(patient, footer)
  if (found === undefined) return
  const table = cureTable(patient, found, footer, { limit, isPadded })
  if (table === undefined) return
  const { header } = table
  if (options.deep) yield* cureBitmaps(patient, table, footer)
  const blocks = spansOf(table)
  const locators = footer.type === 'differencing' ? checkLocators(patient, header, blocks) : []
  checkParentFields(patient, footer, table)
  checkGaps(patient, table, locators, limit)
  if (!bytesEqual(header.bytes, surgery.bytesAt(header.at, header.bytes.length)))
    surgery.write(header.at, header.bytes, {
      what: 'Write the dynamic header.',
      why: 'It is lost or damaged, or does not agree with the file.',
    })
  const bytes = chosen.bytes
  if (footer.headerOffset !== header.at) pointTo(bytes, header.at)
  writeTail(patient, bytes, tail, table.end)
  surgery.write(0, bytes, {
    what: 'Write the copy of the footer at the start of the file.',
    why: 'It is lost or damaged there, or differs from the footer at the end.',
  })
}

function pointTo(footer: Uint8Array, headerAt: number): void {
  const view = new DataView(footer.buffer, footer.byteOffset)
  view.setBigUint64(16, BigInt(headerAt))
  view.setUint32(64, 0)
  view.setUint32(64, ~footer.reduce((sum, value) => sum + value, 0) >>> 0)
}

/** The footer stays where it is when nothing else is there; it must be the last thing of the file. */
function writeTail(
  { surgery }: Patient,
  bytes: Uint8Array,
  tail: ChosenFooter['tail'],
  contentEnd: number,
): void {
  if (tail !== undefined && tail.at >= contentEnd) {
    const cut = alignUp(tail.at + FOOTER_BYTES, SECTOR)
    if (surgery.size > cut && cut === tail.at + FOOTER_BYTES)
      surgery.resize(cut, {
        what: `Cut the file to ${cut} bytes.`,
        why: 'Nothing may lie behind the footer.',
      })
    if (surgery.size <= cut) {
      surgery.write(tail.at, bytes, RESTORED)
      return
    }
  }
  surgery.write(Math.max(alignUp(surgery.size, SECTOR), alignUp(contentEnd, SECTOR)), bytes, RESTORED)
}

function spansOf({ bat, layout }: CuredTable): Span[] {
  const spans: Span[] = []
  const length = layout.bitmapBytes + layout.blockSize
  for (const entry of bat) if (entry !== ABSENT) spans.push({ at: entry * SECTOR, length })
  return spans
}

function checkParentFields(patient: Patient, footer: Footer, { header: { header, at } }: CuredTable): void {
  const named =
    header.parentName !== '' || header.locators.length > 0 || header.parentId.some((byte) => byte !== 0)
  if (footer.type !== 'dynamic' || !named) return
  tell(patient, {
    code: 'vhd-parent-of-dynamic',
    severity: 'note',
    field: 'dynamic header',
    offset: at,
    message: 'The disk is dynamic, which has no parent, and its header names one.',
    cure: 'nothing',
  })
}

/** Space that a compaction would give back. */
function checkGaps(
  patient: Patient,
  { header, layout, blocks }: CuredTable,
  locators: readonly Span[],
  limit: number,
): void {
  const structuresEnd = Math.max(
    layout.offset + layout.entries * 4,
    header.at + header.bytes.length,
    ...locators.map(({ at, length }) => at + length),
  )
  const behind = limit - Math.max(blocks.end, Math.min(structuresEnd, limit))
  const unused = blocks.gaps + Math.max(0, behind)
  if (unused < Math.max(layout.blockSize, SECTOR * 128)) return
  tell(patient, {
    code: 'vhd-leaked-space',
    severity: 'note',
    field: 'blocks',
    message: `${unused} bytes of the file belong to no block.`,
    cure: { next: `Only space is wasted. To get it back: vivarium disk compact ${quoted(patient.path)}.` },
  })
}

function checkSize(patient: Patient, { currentSize, geometry }: Footer): void {
  const fault = (code: string, severity: 'warning' | 'note', message: string, next?: string) =>
    tell(patient, { code, severity, message, field: 'size', cure: next === undefined ? 'nothing' : { next } })
  if (currentSize % SECTOR !== 0)
    fault(
      'vhd-odd-size',
      'warning',
      `The size of ${currentSize} bytes is no whole number of sectors; the rest is left out.`,
    )
  if (currentSize > MAX_VHD_BYTES)
    fault(
      'vhd-size-limit',
      'warning',
      `The disk has ${currentSize} bytes; Windows, Virtual PC and Virtual Server take up to ${MAX_VHD_BYTES}.`,
      'For those, convert it to VHDX.',
    )
  if (currentSize > MAX_CHS_SECTORS * SECTOR)
    fault(
      'vhd-beyond-ide',
      'note',
      `The disk has ${currentSize} bytes; on an IDE bus Virtual PC and Virtual Server use ${MAX_CHS_SECTORS * SECTOR} of them.`,
      'Attach it to a SCSI bus.',
    )
  const computed = geometryOf(currentSize)
  const bytes = geometryBytes(geometry)
  if (bytes === 0)
    fault('vhd-geometry-missing', 'warning', 'The footer gives no geometry; it is worked out from the size.')
  else if (geometryBytes(computed) !== bytes && bytes !== MAX_CHS_SECTORS * SECTOR)
    fault(
      'vhd-geometry-differs',
      'note',
      `The geometry covers ${bytes} bytes, and Virtual PC would give a disk of ${currentSize} bytes one of ${geometryBytes(computed)}.`,
      'The whole size is used here. Tools that go by the geometry see a disk of another size.',
    )
}
