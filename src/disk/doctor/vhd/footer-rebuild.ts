import { type ByteStore, viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { OWN_CREATOR } from '../../formats/vhd/creators.ts'
import { FOOTER_BYTES, type Footer, formatFooter } from '../../formats/vhd/footer.ts'
import { geometryOf } from '../../formats/vhd/geometry.ts'
import { MAX_VHD_BYTES } from '../../formats/vhd/layout.ts'
import { quoted } from '../../next-steps.ts'
import { type Patient, tell } from '../patient.ts'
import { headerAt, typeOfHeader } from './header-search.ts'

export function isSize(value: number): boolean {
  return value >= SECTOR && value <= 2 * MAX_VHD_BYTES
}

/**
 * Nothing is left of any footer. A dynamic header tells all but the id. Without one any file could be the content of a
 * fixed disk, garbage too: that is for a person to say.
 */
export function rebuiltFooter(
  patient: Patient,
): { readonly footer: Footer; readonly bytes: Uint8Array<ArrayBuffer> } | undefined {
  const { store, options } = patient
  const header = headerAt(store, FOOTER_BYTES)
  const view = header && viewOf(header)
  const type = header === undefined ? 'fixed' : typeOfHeader(header)
  const sizeBytes = view
    ? view.getUint32(28) * view.getUint32(32)
    : Math.floor(store.size() / SECTOR) * SECTOR
  const isKnown = header !== undefined || options.fixed === true
  const isPossible = isKnown && isSize(sizeBytes)
  const what = header === undefined ? 'There is no VHD footer in the file' : 'Both footers are lost'
  tell(patient, {
    code: 'vhd-footer-missing',
    severity: 'error',
    field: 'footer',
    offset: Math.max(0, store.size() - FOOTER_BYTES),
    message: isPossible
      ? `${what}. A new one can be made for a ${type} disk of ${sizeBytes} bytes, with a new id: children know it no more.`
      : `${what}, and nothing tells what disk it is${hasBootMark(store) ? '; its first sector is that of a disk or a volume' : ''}.`,
    cure: isPossible ? 'repair' : isKnown ? 'hopeless' : { next: nextFixed(patient.path) },
  })
  if (!isPossible) return undefined
  const footer: Footer = {
    type,
    headerOffset: type === 'fixed' ? undefined : FOOTER_BYTES,
    stamp: 0,
    creatorApplication: OWN_CREATOR.application,
    creatorVersion: OWN_CREATOR.version,
    creatorOs: OWN_CREATOR.os,
    originalSize: sizeBytes,
    currentSize: sizeBytes,
    geometry: geometryOf(sizeBytes),
    id: options.newId(),
    inSavedState: false,
  }
  return { footer, bytes: formatFooter(footer) }
}

/** The last two bytes of a master boot record, and of the boot sector of a FAT or NTFS volume. */
function hasBootMark(store: ByteStore): boolean {
  if (store.size() < SECTOR) return false
  const mark = new Uint8Array(2)
  store.read(SECTOR - 2, mark)
  return mark[0] === 0x55 && mark[1] === 0xaa
}

function nextFixed(path: string): string {
  return `If it is the content of a fixed disk that lost its footer, say so: vivarium disk repair ${quoted(path)} --fixed. Otherwise copy the file again from its source.`
}
