import { plural, VivariumError } from '../../../base/index.ts'
import { FLAT_UNIT, flatSegments } from '../../flat-layout.ts'
import type { Subformat } from '../../format.ts'
import type { DiskSource, ImageLayout, LayoutOptions } from '../../layout.ts'
import { FLOPPY_SIZES, floppyGeometry } from './media.ts'

export const RAW_SUBFORMATS: readonly Subformat[] = [
  { name: 'flat', label: 'byte for byte' },
  { name: 'floppy', label: 'byte for byte, of a size that a floppy drive has' },
]

/**
 * The disk and nothing else.
 * @throws VivariumError kind `unsupported`: a raw image has no parent; `invalid`: no floppy has that size.
 */
export function layoutRaw(source: DiskSource, { name, parent, subformat }: LayoutOptions): ImageLayout {
  if (subformat === 'floppy' && floppyGeometry(source.sizeBytes) === undefined)
    throw new VivariumError(
      'invalid',
      'raw-floppy-size',
      `No floppy has ${plural(source.sizeBytes, 'byte')}.`,
      {
        where: { path: name, field: 'size' },
        next: `Choose one of: ${FLOPPY_SIZES}.`,
      },
    )
  if (parent !== undefined)
    throw new VivariumError('unsupported', 'raw-has-no-parent', 'A raw image has no parent.', {
      where: { path: name },
      next: 'Choose VHD, VHDX, VMDK or QCOW2 for a disk on top of another one.',
    })
  const map = source.units(FLAT_UNIT)
  const { sizeBytes } = source
  return { files: [{ name, sizeBytes, segments: () => flatSegments(map, sizeBytes) }] }
}
