import { type ByteStore, formatGuid, type Problem, VivariumError } from '../../../base/index.ts'
import { openFlat } from '../../flat.ts'
import {
  type DiskFormat,
  type DiskImage,
  type ImageFacts,
  type Layer,
  NO_ID,
  type ParentReference,
  SECTOR,
} from '../../format.ts'
import { NEXT_CHECK } from '../../next-steps.ts'
import { ABSENT, type BatLayout, batPieces, layoutOf, surveyBat, usedBytesOf } from './bat.ts'
import { bitmapBytesOf, countSet } from './bitmap.ts'
import { creatorOf } from './creators.ts'
import { expandVhd } from './expand.ts'
import { FOOTER_BYTES, type Footer, withFooterChecksum } from './footer.ts'
import { type FoundFooter, findFooter, probeFooter } from './footers.ts'
import { type DynamicHeader, HEADER_BYTES, parseHeader } from './header.ts'
import { layoutVhd, VHD_SUBFORMATS, vhdLayoutUnit } from './layout.ts'
import { readParentNames } from './locators.ts'
import { SparseLayer } from './sparse.ts'
import { stampNote, stampToIso } from './stamps.ts'

/**
 * Virtual Hard Disk, the format of Virtual PC and Virtual Server (`.vhd`) and of their undo disks (`.vud`,
 * differencing VHDs under another name).
 *
 * The capacity is the CURRENT SIZE, never cylinders x heads x sectors: the latter is rounded and would lose the
 * last sectors of disks made by Windows and by Virtual PC itself.
 */
export const vhd: DiskFormat = {
  name: 'vhd',
  label: 'Virtual Hard Disk',
  extensions: ['.vhd', '.vud', '.avhd'],
  probe: (store) => (probeFooter(store) ? 'sure' : 'no'),
  read: readVhd,
  subformats: VHD_SUBFORMATS,
  layout: layoutVhd,
  layoutUnit: vhdLayoutUnit,
  expand: expandVhd,
}

function readVhd(store: ByteStore): DiskImage {
  const found = findFooter(store)
  return found.footer.type === 'fixed' ? fixedImage(store, found) : sparseImage(store, found)
}

function factsOf(store: ByteStore, found: FoundFooter, sizeBytes: number): ImageFacts {
  const { footer } = found
  return {
    format: 'vhd',
    subformat: footer.type,
    sizeBytes,
    geometry: footer.geometry,
    creator: creatorOf(footer),
    id: formatGuid(footer.id),
    stamp: footer.stamp,
    time: stampToIso(footer.stamp),
    timeNote: stampNote(footer),
    inSavedState: footer.inSavedState,
    problems: [...found.problems, ...sizeProblems(store, footer)],
  }
}

function sizeProblems(store: ByteStore, footer: Footer): Problem[] {
  const problems: Problem[] = []
  const where = { path: store.name, field: 'footer' }
  if (footer.currentSize % SECTOR !== 0) {
    problems.push({
      code: 'vhd-odd-size',
      severity: 'warning',
      message: `The size of ${footer.currentSize} bytes is no whole number of sectors; the rest is left out.`,
      where,
    })
  }
  if (footer.inSavedState) {
    problems.push({
      code: 'vhd-in-saved-state',
      severity: 'warning',
      message: 'A saved state of a machine depends on this disk.',
      next: 'Shut the machine down in its old product, or discard the saved state, before writing to the disk.',
      where,
    })
  }
  return problems
}

function usableSize(store: ByteStore, footer: Footer): number {
  const sizeBytes = Math.floor(footer.currentSize / SECTOR) * SECTOR
  if (sizeBytes > 0) return sizeBytes
  throw new VivariumError('corrupt', 'vhd-size-zero', 'The footer says that the disk has no size.', {
    where: { path: store.name, field: 'current size' },
    next: NEXT_CHECK,
  })
}

function fixedImage(store: ByteStore, found: FoundFooter): DiskImage {
  const sizeBytes = usableSize(store, found.footer)
  const dataEnd = Math.min(sizeBytes, found.tailOffset ?? 0)
  const cutShort = () =>
    new VivariumError(
      'corrupt',
      'vhd-data-cut-short',
      `The disk should hold ${sizeBytes} bytes, and the file has ${dataEnd}.`,
      { where: { path: store.name, offset: dataEnd }, next: NEXT_CHECK },
    )
  return {
    facts: factsOf(store, found, sizeBytes),
    survey: () => ({
      allocated: dataEnd,
      problems: dataEnd < sizeBytes ? [{ ...cutShort().toJSON(), severity: 'error' as const }] : [],
    }),
    open(writable) {
      if (writable && dataEnd < sizeBytes) throw cutShort()
      const behindEnd = () => {
        throw cutShort()
      }
      return openFlat({ format: 'vhd', store, sizeBytes, dataEnd, behindEnd })
    },
  }
}

interface Sparse {
  readonly store: ByteStore
  readonly found: FoundFooter
  readonly header: DynamicHeader
  readonly layout: BatLayout
  readonly blocksEnd: number
}

function sparseImage(store: ByteStore, found: FoundFooter): DiskImage {
  const { footer } = found
  const sizeBytes = usableSize(store, footer)
  const at = footer.headerOffset ?? 0
  if (at + HEADER_BYTES > store.size()) {
    throw new VivariumError(
      'corrupt',
      'vhd-header-missing',
      `The dynamic header should lie at byte ${at}, and the file has ${store.size()} bytes.`,
      {
        where: { path: store.name, offset: at },
        next: NEXT_CHECK,
      },
    )
  }
  const bytes = new Uint8Array(HEADER_BYTES)
  store.read(at, bytes)
  const header = parseHeader(bytes, { path: store.name, offset: at })
  const layout = layoutOf(header, sizeBytes, store, at)
  const blocksEnd = found.tailOffset ?? store.size()
  const base = factsOf(store, found, sizeBytes)
  const parent = footer.type === 'differencing' ? parentOf(store, header, at, base.sizeBytes) : undefined
  const sparse: Sparse = { store, found, header, layout, blocksEnd }
  return {
    facts: {
      ...base,
      blockSize: header.blockSize,
      ...(parent && { parent: parent.reference }),
      problems: [...base.problems, ...headerProblems(store, header, at), ...(parent?.problems ?? [])],
    },
    survey: () => surveySparse(sparse),
    open: (writable) => openSparse(sparse, writable),
  }
}

function headerProblems(store: ByteStore, header: DynamicHeader, at: number): Problem[] {
  if (header.checksumStored === header.checksumComputed) return []
  return [
    {
      code: 'vhd-header-checksum',
      severity: 'warning',
      message: `The checksum of the dynamic header is 0x${header.checksumStored.toString(16)}, and its bytes give 0x${header.checksumComputed.toString(16)}.`,
      next: 'Its fields are used as they are. Other tools may refuse the file.',
      where: { path: store.name, offset: at, field: 'dynamic header' },
    },
  ]
}

function parentOf(
  store: ByteStore,
  header: DynamicHeader,
  at: number,
  sizeBytes: number,
): { readonly reference: ParentReference; readonly problems: Problem[] } {
  const { names, damaged } = readParentNames(store, header.locators)
  const all =
    header.parentName === '' ? names : [...names, { kind: 'name' as const, text: header.parentName }]
  const problems = damaged.map(
    (entry): Problem => ({
      code: 'vhd-locator-damaged',
      severity: 'warning',
      message: `The parent locator "${entry.code}" points outside the file.`,
      next: 'The parent is looked for by its other names.',
      where: { path: store.name, offset: at, field: 'parent locator' },
    }),
  )
  const id = formatGuid(header.parentId)
  const named = { stamp: header.parentStamp, names: all }
  // An undo disk of ours on a raw image: opened as such, whatever its content looks like.
  if (id === NO_ID) return { reference: { ...named, format: 'raw', sizeBytes }, problems }
  return { reference: { ...named, id }, problems }
}

/** Above this many blocks a differencing disk is counted in whole blocks, to stay quick. */
const MAX_COUNTED_BITMAPS = 1 << 16

function surveySparse({ store, found, layout, blocksEnd }: Sparse): ReturnType<DiskImage['survey']> {
  const survey = surveyBat(batPieces(store, layout), layout, blocksEnd, store.name)
  const exact =
    found.footer.type === 'differencing' &&
    survey.outside === 0 &&
    survey.allocatedBlocks <= MAX_COUNTED_BITMAPS
  let allocated = 0
  const bitmap = new Uint8Array(bitmapBytesOf(layout.blockSize))
  for (const { first, entries } of batPieces(store, layout)) {
    for (const [index, entry] of entries.entries()) {
      if (entry === ABSENT) continue
      const used = usedBytesOf(layout, first + index)
      if (exact) store.read(entry * SECTOR, bitmap)
      allocated += exact ? countSet(bitmap, used / SECTOR) * SECTOR : used
    }
  }
  return { allocated, problems: survey.problems }
}

function openSparse({ store, found, layout, blocksEnd }: Sparse, writable: boolean): Layer {
  if (writable) {
    const [damage] = surveyBat(batPieces(store, layout), layout, blocksEnd, store.name).problems
    if (damage !== undefined)
      throw new VivariumError('corrupt', damage.code, damage.message, {
        ...(damage.where && { where: damage.where }),
        next: 'It can still be read. Copy the file again from its source before writing to it.',
      })
  }
  return new SparseLayer({
    store,
    layout,
    differencing: found.footer.type === 'differencing',
    blocksEnd,
    footer: withFooterChecksum(found.bytes.subarray(0, FOOTER_BYTES)),
    tailOffset: found.tailOffset,
    tailSound: found.tailSound,
    headSound: found.headSound,
  })
}
