import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { SECTOR, type Surroundings } from '../../format.ts'
import type { DiskSource, LaidExtent } from '../../layout.ts'
import { quoted } from '../../next-steps.ts'
import { type Descriptor, NO_PARENT } from './descriptor.ts'
import { descriptorFileIn } from './extent-files.ts'
import { readSparseHeader } from './sparse-extent.ts'
import { GRAIN_SECTORS, sparseFile } from './sparse-layout.ts'

/**
 * The sparse extents of a disk of several files, each laid out anew with what it holds of the disk. The descriptor
 * does not change, and each new file shows what the old one did: however many of them have taken their places, the
 * disk is whole. Undefined for a disk without such extents.
 * @throws VivariumError kind `unsupported` where extents do not begin at grains of 64 KiB, or have others over a parent.
 */
export function layoutSparseExtents(
  store: ByteStore,
  source: DiskSource,
  surroundings: Surroundings | undefined,
): LaidExtent[] | undefined {
  const descriptor = descriptorFileIn(store)
  if (descriptor === undefined || !descriptor.extents.some(({ type }) => type === 'SPARSE')) return undefined
  const hasParent = descriptor.parentContentId !== NO_PARENT
  if (hasParent) requireUsualGrains(store, descriptor, surroundings)
  const laid: LaidExtent[] = []
  let firstSector = 0
  for (const { type, access, sectors, name } of descriptor.extents) {
    if (type === 'SPARSE' && access === 'RW' && name !== undefined && sectors > 0) {
      if (firstSector % GRAIN_SECTORS !== 0)
        throw uneven(store, `The extent "${name}" does not begin at a whole grain.`)
      const file = sparseFile(source, { name, firstSector, sectors, hasParent })
      laid.push({ file, offset: firstSector * SECTOR, length: sectors * SECTOR })
    }
    firstSector += sectors
  }
  return laid
}

/** Over a parent, all extents must have grains of one size: old and new ones lie beside each other for a while. */
function requireUsualGrains(
  store: ByteStore,
  { extents }: Descriptor,
  surroundings: Surroundings | undefined,
): void {
  for (const { type, name } of extents) {
    if (type !== 'SPARSE' || name === undefined) continue
    const file = surroundings?.openSibling?.(name, false)
    try {
      if (file !== undefined && readSparseHeader(file).grainSectors !== GRAIN_SECTORS)
        throw uneven(store, `The extent "${name}" has grains of another size than 64 KiB.`)
    } finally {
      file?.close()
    }
  }
}

function uneven({ name: path }: ByteStore, message: string): VivariumError {
  return new VivariumError('unsupported', 'vmdk-uneven-extents', message, {
    where: { path, field: 'extents' },
    next: `Convert it to a new image: vivarium disk convert ${quoted(path)} NEW, which leaves zeroes out.`,
  })
}
