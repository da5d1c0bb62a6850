import {
  ARCHIVE_HEAD_BYTES,
  archiveOf,
  type ByteStore,
  type Problem,
  plural,
  VivariumError,
} from '../../../base/index.ts'
import { requireLarger } from '../../expand.ts'
import { openFlat } from '../../flat.ts'
import { FLAT_UNIT } from '../../flat-layout.ts'
import { type DiskFormat, type DiskImage, SECTOR } from '../../format.ts'
import { layoutRaw, RAW_SUBFORMATS } from './layout.ts'
import { floppyGeometry, mediumOf } from './media.ts'

/**
 * A plain image: hard disk, floppy or CD, byte for byte. Anything could be one, so it is never recognised by
 * content: the caller must ask for it, or allow it where nothing else fits. (A guest that may choose its own
 * format by writing its first sector could make the host open other files.)
 */
export const raw: DiskFormat = {
  name: 'raw',
  label: 'Raw image',
  extensions: ['.img', '.raw', '.dd', '.ima', '.vfd', '.flp', '.iso'],
  probe: () => 'maybe',
  read: readRaw,
  subformats: RAW_SUBFORMATS,
  layout: layoutRaw,
  layoutUnit: () => FLAT_UNIT,
  expand: expandRaw,
}

function readRaw(store: ByteStore): DiskImage {
  const fileSize = store.size()
  const sizeBytes = Math.ceil(fileSize / SECTOR) * SECTOR
  const medium = mediumOf(store)
  const geometry = medium === 'floppy' ? floppyGeometry(sizeBytes) : undefined
  return {
    facts: {
      format: 'raw',
      subformat: medium,
      sizeBytes,
      ...(geometry && { geometry }),
      ...(medium === 'iso' && { readOnly: true }),
      inSavedState: false,
      problems: [...packed(store, fileSize), ...(fileSize === sizeBytes ? [] : [oddSize(store, fileSize)])],
    },
    survey: () => ({ allocated: Math.min(store.allocatedBytes?.() ?? fileSize, fileSize), problems: [] }),
    open(writable) {
      if (writable && medium === 'iso') throw readOnlyMedium(store)
      return openFlat({ format: 'raw', store, sizeBytes, dataEnd: fileSize })
    },
  }
}

/** Only a warning: a guest may have written anything to its first sector. */
function packed(store: ByteStore, fileSize: number): Problem[] {
  const head = new Uint8Array(Math.min(fileSize, ARCHIVE_HEAD_BYTES))
  store.read(0, head)
  const archive = archiveOf(head)
  if (archive === undefined) return []
  return [
    {
      code: 'raw-packed',
      severity: 'warning',
      message: `The file begins as if it were ${archive}.`,
      next: 'If it is, unpack it first.',
      where: { path: store.name, offset: 0 },
    },
  ]
}

function oddSize({ name }: ByteStore, fileSize: number): Problem {
  return {
    code: 'raw-odd-size',
    severity: 'warning',
    message: `The image has ${plural(fileSize, 'byte')}, which is no whole number of 512-byte sectors.`,
    next: 'The last sector is filled up with zeroes. If it should be a disk, it may have been cut short.',
    where: { path: name, offset: fileSize },
  }
}

function readOnlyMedium({ name }: ByteStore): VivariumError {
  return new VivariumError('denied', 'raw-iso-read-only', 'It is the image of a CD, which is only read.', {
    where: { path: name },
    next: 'Attach it to a CD drive. If it is meant to be a disk, give it a name that ends in ".img".',
  })
}

/** What lies behind the end of a file and is made part of it reads as zero. */
function expandRaw(store: ByteStore, sizeBytes: number): boolean {
  const { sizeBytes: before, readOnly } = readRaw(store).facts
  if (readOnly) throw readOnlyMedium(store)
  requireLarger(store, before, sizeBytes)
  store.truncate(sizeBytes)
  store.flush()
  return true
}
