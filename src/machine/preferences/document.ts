import type { PreferencesEncoding } from './encoding.ts'

/**
 * A preferences file as a lossless tree. Every element keeps the exact text of its tags and of everything between
 * its children (indentation, comments, stray text), so that formatting an untouched document gives the bytes it
 * was read from, and an edit changes the text of the edited element alone.
 *
 *     <location id="0">        open
 *     \t\t<drive_type ...>     content: text, element, text, element, text
 *     </location>              close; '' for <absolute type="string" />, whose `open` is all of it
 */
export interface PreferencesElement {
  readonly name: string
  attributes: readonly PreferencesAttribute[]
  open: string
  readonly content: (string | PreferencesElement)[]
  close: string
  /** Character data of an element without children, decoded. Empty for a group. */
  text: string
  /** Index of the element's "<" in the source's characters; undefined for an element added later. */
  readonly index?: number
}

export interface PreferencesAttribute {
  readonly name: string
  /** Decoded. */
  readonly value: string
}

export interface PreferencesDocument {
  /** How errors call it, usually the file's path. */
  readonly path: string
  readonly encoding: PreferencesEncoding
  readonly bom: boolean
  /** What the XML declaration claims; it is often wrong, and nothing follows from it. */
  readonly declaredEncoding?: string
  /** Everything before the root element: the declaration, comments, line ends. */
  readonly before: string
  readonly root: PreferencesElement
  readonly after: string
  /** For lines that an edit adds. */
  readonly lineEnd: '\r\n' | '\n'
}

/** "a valid document has at most" (formats.md 1 and 2 know 84 leaf paths, nine levels and two attributes). */
export const PREFERENCES_LIMITS = {
  fileBytes: 16 * 1024 * 1024,
  depth: 64,
  elements: 100_000,
  attributes: 16,
  nameLength: 256,
} as const

export const VMC_COMMENT = ' Microsoft Virtual Machine Options and Settings '

/** An empty document in the layout of Virtual PC: UTF-16LE with BOM, CR LF, the comment in line two. */
export function newPreferences(path: string): PreferencesDocument {
  return {
    path,
    encoding: 'utf-16le',
    bom: true,
    declaredEncoding: 'UTF-16',
    before: `<?xml version="1.0" encoding="UTF-16"?>\r\n<!--${VMC_COMMENT}-->\r\n`,
    root: {
      name: 'preferences',
      attributes: [],
      open: '<preferences>',
      content: ['\r\n'],
      close: '</preferences>',
      text: '',
    },
    after: '\r\n',
    lineEnd: '\r\n',
  }
}

export function childrenOf(element: PreferencesElement): PreferencesElement[] {
  return element.content.filter((item) => typeof item !== 'string')
}

export function attributeOf(element: PreferencesElement, name: string): string | undefined {
  return element.attributes.find((attribute) => attribute.name === name)?.value
}

/** Siblings are told apart by name and id together (formats.md 1.6). */
export function idOf(element: PreferencesElement): string | undefined {
  return attributeOf(element, 'id')
}

/** A leaf has a type or character data; everything else is a group. */
export function isLeaf(element: PreferencesElement): boolean {
  if (childrenOf(element).length > 0) return false
  return attributeOf(element, 'type') !== undefined || element.text.trim() !== ''
}
