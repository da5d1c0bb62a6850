import { asciiBytes, asciiOf, bytesEqual, MiB, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { MAX_BAT_ENTRIES, MAX_BLOCK_SIZE, MIN_BLOCK_SIZE } from '../../formats/vhd/bat.ts'
import { checksumOf } from '../../formats/vhd/checksum.ts'
import type { Footer } from '../../formats/vhd/footer.ts'
import {
  type DynamicHeader,
  formatHeader,
  HEADER_BYTES,
  HEADER_COOKIE,
  parseHeader,
} from '../../formats/vhd/header.ts'
import { DEFAULT_BLOCK_SIZE } from '../../formats/vhd/layout.ts'
import { alignUp, type Patient, tell } from '../patient.ts'
import { isPlausibleTable } from './table-search.ts'

/** The dynamic header as it should be. */
export interface CuredHeader {
  readonly at: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly header: DynamicHeader
}

const CHECKSUM_AT = 36
const SEARCHED_BYTES = MiB

/** @returns Undefined when it is lost, and nothing tells what it said. */
export function cureHeader(patient: Patient, footer: Footer): CuredHeader | undefined {
  const { store } = patient
  const wanted = footer.headerOffset ?? 0
  const at = findHeader(patient, wanted)
  if (at === undefined) return rebuilt(patient, footer, wanted)
  const bytes = patient.surgery.bytesAt(at, HEADER_BYTES)
  const fault = (code: string, message: string, hopeless = false) =>
    tell(patient, {
      ...{ code, severity: hopeless ? 'error' : 'warning', field: 'dynamic header', offset: at, message },
      cure: hopeless ? 'hopeless' : 'repair',
    })
  if (asciiOf(bytes.subarray(0, 8)) !== HEADER_COOKIE)
    fault('vhd-header-missing', 'The dynamic header has lost its mark ("cxsparse"); its checksum proves it.')
  const proven = provenBytes(bytes, footer.currentSize)
  if (!isSound(bytes))
    fault(
      'vhd-header-checksum',
      `The checksum of the dynamic header is wrong${proven && !bytesEqual(proven, withChecksum(bytes)) ? '; it tells which field is damaged' : ''}.`,
    )
  const cured = withChecksum(proven ?? bytes)
  const view = viewOf(cured)
  if (view.getUint32(24) >>> 16 !== 1) {
    fault('vhd-header-version', `The dynamic header has version 0x${view.getUint32(24).toString(16)}.`)
    view.setUint32(24, 0x10000)
  }
  const header = parseHeader(withChecksum(cured), { path: store.name, offset: at })
  const table = tableOf(patient, header, footer.currentSize)
  if (table === undefined) {
    const message = `The dynamic header says: BAT at byte ${header.batOffset}, ${header.batEntries} entries, blocks of ${header.blockSize} bytes. No such table is in the file.`
    fault('vhd-header-damaged', message, true)
    return undefined
  }
  if (table.batOffset !== header.batOffset || table.blockSize !== header.blockSize) {
    const message = `The dynamic header says: BAT at byte ${header.batOffset}, blocks of ${header.blockSize} bytes. The table is at byte ${table.batOffset}, with blocks of ${table.blockSize}.`
    fault('vhd-header-damaged', message)
    view.setBigUint64(16, BigInt(table.batOffset))
    view.setUint32(32, table.blockSize)
  }
  const whole = withChecksum(cured)
  return { at, bytes: whole, header: parseHeader(whole, { path: store.name, offset: at }) }
}

export function withChecksum(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  copy.set(asciiBytes(HEADER_COOKIE))
  viewOf(copy).setUint32(CHECKSUM_AT, checksumOf(copy, CHECKSUM_AT))
  return copy
}

function isSound(bytes: Uint8Array): boolean {
  return viewOf(bytes).getUint32(CHECKSUM_AT) === checksumOf(bytes, CHECKSUM_AT)
}

/** Where the footer says, or at another sector near the start. */
function findHeader({ store, surgery }: Patient, wanted: number): number | undefined {
  const end = store.size() - HEADER_BYTES
  const places = [wanted, SECTOR]
  for (const at of places) if (at <= end && asciiOf(surgery.bytesAt(at, 8)) === HEADER_COOKIE) return at
  for (const at of places) if (at <= end && proves(surgery.bytesAt(at, HEADER_BYTES))) return at
  for (let at = 0; at <= Math.min(end, SEARCHED_BYTES); at += SECTOR)
    if (asciiOf(surgery.bytesAt(at, 8)) === HEADER_COOKIE && isSound(surgery.bytesAt(at, HEADER_BYTES)))
      return at
  return undefined
}

/** Without its mark: the checksum fits once the mark is put back. */
function proves(bytes: Uint8Array): boolean {
  const restored = bytes.slice()
  restored.set(asciiBytes(HEADER_COOKIE))
  return isSound(restored) && viewOf(bytes).getUint32(28) > 0
}

/** One field changed back so that the stored checksum fits again: then that field was what was damaged. */
function provenBytes(bytes: Uint8Array, sizeBytes: number): Uint8Array | undefined {
  const base = bytes.slice()
  base.set(asciiBytes(HEADER_COOKIE))
  if (isSound(base)) return base
  for (const change of changes(base, sizeBytes)) {
    const candidate = base.slice()
    change(viewOf(candidate))
    if (isSound(candidate)) return candidate
  }
  return undefined
}

function* changes(bytes: Uint8Array, sizeBytes: number): Generator<(view: DataView) => void> {
  yield (view) => view.setBigUint64(8, 2n ** 64n - 1n)
  yield (view) => view.setUint32(24, 0x10000)
  for (const at of [0x600n, 0x2000n]) yield (view) => view.setBigUint64(16, at)
  for (let size = MIN_BLOCK_SIZE; size <= MAX_BLOCK_SIZE; size *= 2) yield (view) => view.setUint32(32, size)
  const blockSize = viewOf(bytes).getUint32(32)
  if (blockSize > 0) yield (view) => view.setUint32(28, Math.ceil(sizeBytes / blockSize))
}

interface Table {
  readonly batOffset: number
  readonly blockSize: number
}

/** As the header says when that can be; else what the file itself shows. */
function tableOf({ store }: Patient, header: DynamicHeader, sizeBytes: number): Table | undefined {
  const { batOffset, blockSize } = header
  const entries = (size: number) => Math.ceil(sizeBytes / size)
  const fits = ({ batOffset: at, blockSize: size }: Table) =>
    entries(size) <= MAX_BAT_ENTRIES && at + Math.min(entries(size), header.batEntries) * 4 <= store.size()
  if (isBlockSize(blockSize) && batOffset >= SECTOR && fits({ batOffset, blockSize }))
    return { batOffset, blockSize }
  return search(sizeBytes, isBlockSize(blockSize) ? [blockSize] : [], [batOffset]).find(
    (table) =>
      fits(table) && isPlausibleTable(store, table.batOffset, entries(table.blockSize), table.blockSize),
  )
}

function isBlockSize(value: number): boolean {
  return value >= MIN_BLOCK_SIZE && value <= MAX_BLOCK_SIZE && (value & (value - 1)) === 0
}

function search(sizeBytes: number, sizes: readonly number[], offsets: readonly number[]): Table[] {
  const blockSizes = sizes.length > 0 ? sizes : [DEFAULT_BLOCK_SIZE, DEFAULT_BLOCK_SIZE / 4]
  const places = [...offsets.filter((at) => at >= SECTOR), 0x600, 0x2000]
  return blockSizes
    .filter((size) => sizeBytes / size <= MAX_BAT_ENTRIES)
    .flatMap((blockSize) => places.map((batOffset) => ({ batOffset, blockSize })))
}

/** The header is gone. The table may still tell itself; a parent cannot be told by anything else. */
function rebuilt(patient: Patient, footer: Footer, wanted: number): CuredHeader | undefined {
  const { store } = patient
  const at = wanted >= SECTOR && wanted % SECTOR === 0 && wanted < SEARCHED_BYTES ? wanted : SECTOR
  const table =
    footer.type === 'dynamic'
      ? search(footer.currentSize, [], []).find(({ batOffset, blockSize }) =>
          isPlausibleTable(store, batOffset, Math.ceil(footer.currentSize / blockSize), blockSize),
        )
      : undefined
  const lost = `The dynamic header is lost: it should be at byte ${wanted}.`
  tell(patient, {
    code: 'vhd-header-missing',
    severity: 'error',
    field: 'dynamic header',
    offset: wanted,
    message: table
      ? `${lost} A table that can be the BAT is at byte ${table.batOffset}, for blocks of ${table.blockSize} bytes.`
      : footer.type === 'differencing'
        ? `${lost} With it the parent's id is lost.`
        : `${lost} No table that can be the BAT was found.`,
    cure: table ? 'repair' : 'hopeless',
  })
  if (table === undefined) return undefined
  const bytes = formatHeader({
    batOffset: table.batOffset,
    batEntries: Math.ceil(footer.currentSize / table.blockSize),
    blockSize: table.blockSize,
    parentId: new Uint8Array(16),
    parentStamp: 0,
    parentName: '',
    locators: [],
  })
  return { at, bytes, header: parseHeader(bytes, { path: store.name, offset: at }) }
}

/** Bytes that a table of so many entries takes in the file. */
export function tableBytes(entries: number): number {
  return alignUp(entries * 4, SECTOR)
}
