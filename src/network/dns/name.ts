import { readUint16 } from '../addresses.ts'

/**
 * Domain names (RFC 1035, 3.1 and 4.1.4). Inside this folder a name is its text without the last dot (the root is
 * ''), in the case that it came in. Bytes that a label's text cannot show are escaped as in master files (5.1), so
 * any label survives: `a\.b` is one label, `\255` one byte.
 */
export const ROOT = ''

export const MAXIMUM_NAME_BYTES = 255
export const MAXIMUM_LABEL_BYTES = 63
/** A name has at most 127 labels, and a pointer stands for at least one. Longer chains are made to waste time. */
const MAXIMUM_POINTERS = 127

/** What two names are compared by: without case (RFC 4343, 3: that of ASCII alone; others are escaped). */
export function nameKey(name: string): string {
  return name.toLowerCase()
}

/** The labels of a name, still escaped. */
export function labelsOf(name: string): string[] {
  if (name === ROOT) return []
  return name.includes('\\') ? (name.match(/(?:\\.|[^.\\])+/gs) ?? []) : name.split('.')
}

/** The name without its first label; of the root, the root. */
export function parentOf(name: string): string {
  return labelsOf(name).slice(1).join('.')
}

/** True for the ancestor itself too. Both as keys. */
export function isWithin(key: string, ancestor: string): boolean {
  return ancestor === ROOT || key === ancestor || key.endsWith(`.${ancestor}`)
}

/** `www` in `lab.example` is `www.lab.example`; `@` is the origin, and a last dot says that it is whole already. */
export function absoluteName(text: string, origin: string): string {
  if (text === '@') return origin
  if (text.endsWith('.')) return text.slice(0, -1)
  return origin === ROOT ? text : `${text}.${origin}`
}

/** The wire form without compression; undefined for what is no name. */
export function nameBytes(name: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes: number[] = []
  const labels = labelsOf(name)
  if (labels.join('.') !== name || labels.includes('')) return undefined
  for (const label of labels) {
    const content = labelBytes(label)
    if (content === undefined || content.length > MAXIMUM_LABEL_BYTES) return undefined
    bytes.push(content.length, ...content)
  }
  bytes.push(0)
  return bytes.length > MAXIMUM_NAME_BYTES ? undefined : Uint8Array.from(bytes)
}

function labelBytes(label: string): number[] | undefined {
  const bytes: number[] = []
  for (const [part, decimal, other] of label.matchAll(/\\(\d{3})|\\(.)|./gs)) {
    const value = decimal === undefined ? (other ?? part).charCodeAt(0) : Number(decimal)
    if (value > 255) return undefined
    bytes.push(value)
  }
  return bytes
}

export interface ReadName {
  readonly name: string
  /** Where reading goes on. */
  readonly end: number
}

/**
 * Reads a name, following pointers. A pointer must point before the place where its part of the name began, so that
 * no loop is possible; undefined for that, for a name too long, and for one that runs out of the message.
 */
export function readName(bytes: Uint8Array, start: number): ReadName | undefined {
  const labels: string[] = []
  let at = start
  let partStart = start
  let end: number | undefined
  let length = 1
  for (let pointers = 0; ; ) {
    const size = bytes[at]
    if (size === undefined) return undefined
    if (size >= 0xc0) {
      if (at + 1 >= bytes.length || ++pointers > MAXIMUM_POINTERS) return undefined
      const target = readUint16(bytes, at) & 0x3fff
      if (target >= partStart) return undefined
      end ??= at + 2
      at = target
      partStart = target
      continue
    }
    if (size === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    length += size + 1
    // 0x40 and 0x80 were never given a meaning that lasted (RFC 6891, 5).
    if (size > MAXIMUM_LABEL_BYTES || length > MAXIMUM_NAME_BYTES || at + size >= bytes.length)
      return undefined
    labels.push(labelText(bytes, at + 1, size))
    at += size + 1
  }
}

function labelText(bytes: Uint8Array, at: number, size: number): string {
  let text = ''
  for (let i = at; i < at + size; i++) text += ESCAPED[bytes[i]!]
  return text
}

const ESCAPED = Array.from({ length: 256 }, (_, value) => {
  if (value <= 0x20 || value >= 0x7f) return `\\${String(value).padStart(3, '0')}`
  const character = String.fromCharCode(value)
  return '."\\;()@$'.includes(character) ? `\\${character}` : character
})
