/** Names, character data and references of the XML subset that preferences files use. */

// Colons are legal here because XML allows them; namespaces are neither used nor understood.
export const NAME_PATTERN = '[A-Za-z_:\\u0080-\\ufffd][\\w:.\\-\\u0080-\\ufffd]*'
const NAME = new RegExp(`^${NAME_PATTERN}$`)

export function isName(text: string): boolean {
  return NAME.test(text)
}

/** Characters that XML 1.0 section 2.2 forbids, even as a reference. Lone surrogates are looked for elsewhere. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const FORBIDDEN_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

// A Map: an object would know &constructor; too.
const PREDEFINED = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const REFERENCE = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([A-Za-z]+));/y

export interface BadReference {
  readonly index: number
  /** The entity's name when it has the form of one: only a DOCTYPE could define it. */
  readonly entity?: string
}

/**
 * Replaces line ends (XML 1.0 section 2.11) and references. Only the five predefined entities and numbers
 * exist, so nothing can grow: the result is never longer than the source.
 */
export function decodeCharacters(raw: string): string | BadReference {
  if (!raw.includes('&')) return normalizeLineEnds(raw)
  const parts: string[] = []
  let at = 0
  for (let amp = raw.indexOf('&'); amp !== -1; amp = raw.indexOf('&', at)) {
    parts.push(normalizeLineEnds(raw.slice(at, amp)))
    REFERENCE.lastIndex = amp
    const match = REFERENCE.exec(raw)
    const character = match ? referencedCharacter(match) : undefined
    if (character === undefined) return { index: amp, ...(match?.[3] && { entity: match[3] }) }
    parts.push(character)
    at = amp + match![0].length
  }
  parts.push(normalizeLineEnds(raw.slice(at)))
  return parts.join('')
}

export function normalizeLineEnds(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

function referencedCharacter(match: RegExpExecArray): string | undefined {
  if (match[3] !== undefined) return PREDEFINED.get(match[3])
  const code = match[1] === undefined ? Number.parseInt(match[2]!, 10) : Number.parseInt(match[1], 16)
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
  const character = String.fromCodePoint(code)
  return FORBIDDEN_CHARACTER.test(character) ? undefined : character
}

/** A carriage return is written as a number, or reading would take it for part of a line end. */
export function encodeCharacters(text: string, lineEnd: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\r/g, '&#13;')
    .replace(/\n/g, lineEnd)
}

export function encodeAttribute(text: string): string {
  return encodeCharacters(text, '&#10;').replace(/"/g, '&quot;').replace(/\t/g, '&#9;')
}

/** True for text that any XML 1.0 reader accepts once it is escaped. */
export function isWritableText(text: string): boolean {
  return text.isWellFormed() && !FORBIDDEN_CHARACTER.test(text)
}
