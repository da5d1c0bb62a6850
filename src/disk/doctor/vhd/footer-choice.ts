import { type ByteStore, bytesEqual, plural, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import {
  DISK_TYPES,
  FOOTER_BYTES,
  type Footer,
  OLD_FOOTER_BYTES,
  parseFooter,
  withFooterChecksum,
} from '../../formats/vhd/footer.ts'
import { footerFault } from '../../formats/vhd/footer-faults.ts'
import { type Patient, tell } from '../patient.ts'
import { type FooterCopy, findHead, findTail } from './footer-copies.ts'
import { isSize, rebuiltFooter } from './footer-rebuild.ts'
import { headerAt, typeOfHeader } from './header-search.ts'

/** What the footer should say, and where it was found. */
export interface ChosenFooter {
  readonly footer: Footer
  /** 512 bytes with a right checksum: what is to be written to both places. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly tail: FooterCopy | undefined
  readonly head: FooterCopy | undefined
}

/** @returns Undefined when nothing tells what disk it is. */
export function chooseFooter(patient: Patient): ChosenFooter | undefined {
  const { store } = patient
  const tail = findTail(store)
  const head = findHead(store)
  const source = pick(store, tail, head)
  if (source === undefined) {
    const rebuilt = rebuiltFooter(patient)
    return rebuilt && { ...rebuilt, tail: undefined, head: undefined }
  }
  const bytes = corrected(patient, source)
  if (bytes === undefined) return undefined
  const footer = parseFooter(bytes, { path: store.name, offset: source.at })
  const sparse = footer.type !== 'fixed'
  tellTail(patient, tail, source)
  if (sparse) tellHead(patient, head, tail === source ? tail : undefined)
  return { footer, bytes, tail, head: sparse ? head : undefined }
}

function pick(
  store: ByteStore,
  tail: FooterCopy | undefined,
  head: FooterCopy | undefined,
): FooterCopy | undefined {
  const headServes = head?.sound === true && typeOf(head.bytes) !== 'fixed'
  if (tail?.sound) {
    // A fixed disk has the guest's data where the copy would be, so only a wrong tail can make this case.
    const wrongTail =
      headServes && sameId(tail, head) && !fits(store, tail) && fits(store, head) && hasHeader(store, head)
    return wrongTail ? head : tail
  }
  if (headServes && (tail === undefined || sameId(tail, head) || typeOf(tail.bytes) !== 'fixed')) return head
  // Without the end of a fixed disk its first sector says nothing: that is the guest's.
  return tail ?? (head !== undefined && hasHeader(store, head) ? head : undefined)
}

function sameId(one: FooterCopy, other: FooterCopy): boolean {
  return bytesEqual(one.bytes.subarray(68, 84), other.bytes.subarray(68, 84))
}

function typeOf(bytes: Uint8Array): Footer['type'] | undefined {
  const code = viewOf(bytes).getUint32(60)
  return (Object.keys(DISK_TYPES) as Footer['type'][]).find((type) => DISK_TYPES[type] === code)
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return Number(viewOf(bytes).getBigUint64(at))
}

/** Whether the file can be what the footer says: a fixed disk ends at its footer, another one has a header. */
function fits(store: ByteStore, copy: FooterCopy): boolean {
  const type = typeOf(copy.bytes)
  if (type === undefined) return false
  if (type === 'fixed') return sizeAt(copy.bytes, 48) === copy.at
  const header = headerAt(store, sizeAt(copy.bytes, 16))
  if (header === undefined) return false
  const view = viewOf(header)
  return view.getUint32(28) * view.getUint32(32) >= sizeAt(copy.bytes, 48)
}

function hasHeader(store: ByteStore, copy: FooterCopy): boolean {
  return headerAt(store, sizeAt(copy.bytes, 16)) !== undefined || headerAt(store, FOOTER_BYTES) !== undefined
}

/** Fields that cannot be are put right where the rest of the file tells them; else the fault is hopeless. */
function corrected(patient: Patient, source: FooterCopy): Uint8Array<ArrayBuffer> | undefined {
  const { store } = patient
  const bytes = source.bytes.slice()
  const view = viewOf(bytes)
  const header = headerAt(store, sizeAt(bytes, 16)) ?? headerAt(store, FOOTER_BYTES)
  const fault = (code: string, field: string, message: string, hopeless = false) =>
    tell(patient, {
      ...{ code, severity: 'error', field: `footer, ${field}`, offset: source.at, message },
      cure: hopeless ? 'hopeless' : 'repair',
    })
  if (view.getUint32(12) >>> 16 !== 1) {
    fault('vhd-version', 'version', `The footer has version 0x${view.getUint32(12).toString(16)}, not 1.0.`)
    view.setUint32(12, 0x10000)
  }
  if (typeOf(bytes) === undefined) {
    const isFixed = header === undefined && sizeAt(bytes, 48) === source.at
    const type = isFixed ? 'fixed' : header && typeOfHeader(header)
    const message = `The footer has the type ${view.getUint32(60)}; 2 (fixed), 3 (dynamic) and 4 (differencing) are known.`
    fault('vhd-type', 'type', message, type === undefined)
    if (type === undefined) return undefined
    view.setUint32(60, DISK_TYPES[type])
  }
  if (!isSize(sizeAt(bytes, 48)) || (!source.sound && !fits(store, { ...source, bytes }))) {
    const size = sizeFrom(bytes, source, header)
    if (size !== sizeAt(bytes, 48)) {
      const message = `The footer says that the disk has ${view.getBigUint64(48)} bytes, which cannot be.`
      fault('vhd-size-wrong', 'current size', message, size === undefined)
      if (size === undefined) return undefined
      view.setBigUint64(48, BigInt(size))
    }
  }
  return withFooterChecksum(bytes)
}

/** The original size, the place of a fixed disk's footer, or the table's entries, whatever can be. */
function sizeFrom(bytes: Uint8Array, source: FooterCopy, header: Uint8Array | undefined): number | undefined {
  const original = sizeAt(bytes, 40)
  const current = sizeAt(bytes, 48)
  if (typeOf(bytes) === 'fixed') {
    if (source.at > 0 && source.at % SECTOR === 0 && (original === source.at || !isSize(current)))
      return source.at
    return isSize(current) ? current : undefined
  }
  if (isSize(current)) return current
  const fromTable = header && viewOf(header).getUint32(28) * viewOf(header).getUint32(32)
  if (isSize(original) && original % SECTOR === 0 && (fromTable === undefined || original <= fromTable))
    return original
  return fromTable !== undefined && isSize(fromTable) ? fromTable : undefined
}

function tellTail(patient: Patient, tail: FooterCopy | undefined, source: FooterCopy): void {
  const { path, store } = patient
  const size = store.size()
  const fault = (code: string, severity: 'error' | 'warning', message: string, offset: number) =>
    tell(patient, { code, severity, message, offset, field: 'footer', cure: 'repair' })
  if (tail === undefined) {
    patient.report(footerFault(path, 'vhd-tail-footer-lost', size))
    return
  }
  const behind = size - tail.at - tail.length
  if (behind > 0)
    fault(
      'vhd-data-behind-footer',
      'warning',
      `${plural(behind, 'byte')} ${behind === 1 ? 'lies' : 'lie'} behind the footer at byte ${tail.at}, which should be the last of the file.`,
      tail.at + tail.length,
    )
  if (!tail.sound && tail.length >= OLD_FOOTER_BYTES)
    patient.report(
      footerFault(path, source === tail ? 'vhd-footer-checksum' : 'vhd-footer-checksum-copy', tail.at),
    )
  if (tail.length < OLD_FOOTER_BYTES)
    fault(
      'vhd-tail-footer-lost',
      'warning',
      `Only ${plural(tail.length, 'byte of the footer at the end is', 'bytes of the footer at the end are')} there.`,
      tail.at,
    )
  else if (tail.length === OLD_FOOTER_BYTES) patient.report(footerFault(path, 'vhd-footer-511', tail.at))
  if (source !== tail && tail.sound)
    fault(
      'vhd-footer-contradicts-file',
      'error',
      'The footer at the end does not describe this file; the copy at the start does.',
      tail.at,
    )
}

function tellHead(patient: Patient, head: FooterCopy | undefined, tail: FooterCopy | undefined): void {
  if (head === undefined) patient.report(footerFault(patient.path, 'vhd-head-footer-lost', 0))
  else if (!head.sound) patient.report(footerFault(patient.path, 'vhd-head-footer-checksum', 0))
  else if (tail?.sound && !bytesEqual(head.bytes, tail.bytes))
    tell(patient, {
      ...{ code: 'vhd-footers-differ', severity: 'warning', field: 'footer copy', offset: 0 },
      message: `The two footers differ in: ${differences(head.bytes, tail.bytes)}.`,
      cure: 'repair',
    })
}

const FIELDS: readonly (readonly [name: string, at: number, length: number])[] = [
  ['features', 8, 4],
  ['version', 12, 4],
  ['data offset', 16, 8],
  ['time stamp', 24, 4],
  ['creator', 28, 12],
  ['original size', 40, 8],
  ['current size', 48, 8],
  ['geometry', 56, 4],
  ['type', 60, 4],
  ['unique id', 68, 16],
  ['saved state', 84, 1],
]

function differences(one: Uint8Array, other: Uint8Array): string {
  const names = FIELDS.filter(
    ([, at, length]) => !bytesEqual(one.subarray(at, at + length), other.subarray(at, at + length)),
  ).map(([name]) => name)
  return names.length > 0 ? names.join(', ') : 'the unused bytes'
}
