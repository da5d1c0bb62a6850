import type { PreferencesDocument, PreferencesElement } from './document.ts'
import { encodeText } from './encoding.ts'

/** The bytes of the file: of an unchanged document, exactly those it was parsed from. */
export function formatPreferences(document: PreferencesDocument): Uint8Array<ArrayBuffer> {
  const parts = [document.before]
  collect(document.root, parts)
  parts.push(document.after)
  return encodeText({ text: parts.join(''), encoding: document.encoding, bom: document.bom })
}

/** Recursion is bounded: neither parsing nor editing makes a document deeper than PREFERENCES_LIMITS.depth. */
function collect(element: PreferencesElement, parts: string[]): void {
  parts.push(element.open)
  for (const item of element.content) {
    if (typeof item === 'string') parts.push(item)
    else collect(item, parts)
  }
  parts.push(element.close)
}
