import { fromHex, VivariumError } from '../../../base/index.ts'
import { NO_ID, SECTOR } from '../../format.ts'
import type { LayoutParent } from '../../layout.ts'
import { PARENT_NAME_BYTES } from './header.ts'
import { encodeLocatorText, type LocatorEntry } from './locators.ts'

/** How a new child names its parent: in its header, and in locators somewhere in the file. */
export interface PlacedLocator {
  readonly entry: LocatorEntry
  readonly bytes: Uint8Array
}

/**
 * Sixteen zeroes for a raw image, which has no id: the child then takes whatever lies there for one.
 * @throws VivariumError kind `unsupported` for a parent of another format without an id, `invalid` for an odd id.
 */
export function parentIdOf(parent: LayoutParent | undefined): Uint8Array {
  if (parent === undefined) return new Uint8Array(16)
  const withoutId = parent.id === undefined || parent.id === NO_ID
  if (withoutId && parent.format === 'raw') return new Uint8Array(16)
  if (parent.id === undefined || withoutId)
    throw new VivariumError(
      'unsupported',
      'vhd-parent-without-id',
      `A VHD cannot name a parent of the format ${parent.format}, which has no id.`,
      {
        where: { path: parent.absolutePath },
        next: 'Convert the parent to VHD first, or make the child a QCOW2 image.',
      },
    )
  const id = fromHex(parent.id.replaceAll('-', ''))
  if (id?.length === 16) return id
  throw new VivariumError('invalid', 'vhd-parent-id-invalid', `"${parent.id}" is no unique id of a VHD.`, {
    next: 'A VHD can have a VHD as its parent only.',
  })
}

/** The whole path as Windows does it; the bare name where the path does not fit the field. */
export function parentNameOf(parent: LayoutParent | undefined): string {
  if (parent === undefined) return ''
  const { absolutePath } = parent
  if (absolutePath.length * 2 <= PARENT_NAME_BYTES - 2) return absolutePath
  return absolutePath.split(/[\\/]/).at(-1) ?? ''
}

/** From byte `at` of the file on. Absolute, then relative, as Windows orders them; `space` in bytes, as Windows counts it. */
export function placeLocators(parent: LayoutParent | undefined, at: number): PlacedLocator[] {
  if (parent === undefined) return []
  const texts = [
    ['W2ku', parent.absolutePath],
    ['W2ru', parent.relativePath],
  ] as const
  const placed: PlacedLocator[] = []
  let offset = at
  for (const [code, text] of texts) {
    if (text === '') continue
    const bytes = encodeLocatorText(text)
    const space = Math.ceil(bytes.length / SECTOR) * SECTOR
    placed.push({ entry: { code, space, length: bytes.length, offset }, bytes })
    offset += space
  }
  return placed
}
