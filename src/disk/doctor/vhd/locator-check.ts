import { decodeUtf16 } from '../../../base/index.ts'
import { baseNameOf } from '../../chain.ts'
import { SECTOR } from '../../format.ts'
import { readParentNames } from '../../formats/vhd/locators.ts'
import { quoted } from '../../next-steps.ts'
import { alignUp, type Patient, tell } from '../patient.ts'
import type { Span } from './blocks.ts'
import type { CuredHeader } from './header-cure.ts'

const PATHS = new Set(['W2ru', 'W2ku', 'Wi2r', 'Wi2k', 'MacX'])

/** What is wrong with the names of a parent. Their cure is `reparent`, which writes them anew. */
export function checkLocators(
  patient: Patient,
  { at, header }: CuredHeader,
  blocks: readonly Span[],
): Span[] {
  const { store, path } = patient
  const fault = (code: string, severity: 'warning' | 'note', message: string, offset = at) =>
    tell(patient, {
      ...{ code, severity, message, offset, field: 'parent locator' },
      cure: { next: `Find the parent and write its names anew: vivarium disk reparent ${quoted(path)}.` },
    })
  const spans: Span[] = []
  for (const entry of header.locators) {
    const { code, offset, length } = entry
    const shown = code.replace(/[^\x20-\x7e]/g, '?')
    if (!PATHS.has(code) && code !== 'Mac ')
      fault('vhd-locator-unknown', 'note', `A parent locator is of the kind "${shown}".`)
    if (length === 0 || length > 65536 || offset + length > store.size()) {
      fault('vhd-locator-damaged', 'warning', `The parent locator "${shown}" points outside the file.`)
      continue
    }
    spans.push({ at: offset, length: alignUp(length, SECTOR) })
    if (blocks.some((block) => offset < block.at + block.length && offset + length > block.at))
      fault(
        'vhd-locator-overlaps',
        'warning',
        `The parent locator "${shown}" lies within a block of data.`,
        offset,
      )
    else if (code.startsWith('W2') && !isText(patient.surgery.bytesAt(offset, length)))
      fault('vhd-locator-damaged', 'warning', `The parent locator "${shown}" holds no text.`, offset)
  }
  const { names } = readParentNames(store, header.locators)
  const bases = new Set(
    [...names.map(({ text }) => text), header.parentName].flatMap(
      (name) => baseNameOf(name)?.toLowerCase() ?? [],
    ),
  )
  if (bases.size > 1)
    fault(
      'vhd-locators-disagree',
      'warning',
      `The disk names its parent in different ways: ${[...bases].map((name) => `"${name}"`).join(', ')}.`,
    )
  if (bases.size === 0)
    fault('vhd-locators-missing', 'warning', 'The disk does not say what its parent is called.')
  return spans
}

/** UTF-16 in which every unit is a character, and none a control one. */
function isText(bytes: Uint8Array): boolean {
  if (bytes.length % 2 !== 0) return false
  const text = decodeUtf16(bytes, 'le').replace(/\0+$/, '')
  return text !== '' && ![...text].some((character) => character < ' ' || character === '\ufffd')
}
