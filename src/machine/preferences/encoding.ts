import { encodeUtf16, VivariumError, viewOf } from '../../base/index.ts'

/**
 * How the bytes of a preferences file become text and the very same bytes again (formats.md 1.1, 1.9).
 *
 * The BOM decides; without one, the pattern of zero bytes in the first character, which is always ASCII ("<" or
 * a blank); the prolog's `encoding` never does, because tools copy it without meaning it.
 */
export type PreferencesEncoding = 'utf-16le' | 'utf-16be' | 'utf-8'

export interface DecodedText {
  readonly text: string
  readonly encoding: PreferencesEncoding
  readonly bom: boolean
}

const BOM: Record<PreferencesEncoding, readonly number[]> = {
  'utf-16le': [0xff, 0xfe],
  'utf-16be': [0xfe, 0xff],
  'utf-8': [0xef, 0xbb, 0xbf],
}

/** @throws VivariumError kind `malformed` when the bytes are no text of the encoding they begin in. */
export function decodeText(bytes: Uint8Array, path: string): DecodedText {
  const { encoding, bom } = detectEncoding(bytes)
  const body = bytes.subarray(bom ? BOM[encoding].length : 0)
  const start = bytes.length - body.length
  const text = encoding === 'utf-8' ? decodeUtf8(body, start, path) : decodeWide(body, start, encoding, path)
  return { text, encoding, bom }
}

/** The inverse of `decodeText`. */
export function encodeText({ text, encoding, bom }: DecodedText): Uint8Array<ArrayBuffer> {
  const body =
    encoding === 'utf-8'
      ? new TextEncoder().encode(text)
      : encodeUtf16(text, encoding === 'utf-16le' ? 'le' : 'be')
  const mark = bom ? BOM[encoding] : []
  const bytes = new Uint8Array(mark.length + body.length)
  bytes.set(mark)
  bytes.set(body, mark.length)
  return bytes
}

/** Byte offset in the file of the character at `index`. */
export function byteOffsetOf(source: DecodedText, index: number): number {
  const mark = source.bom ? BOM[source.encoding].length : 0
  if (source.encoding !== 'utf-8') return mark + 2 * index
  return mark + new TextEncoder().encode(source.text.slice(0, index)).length
}

function detectEncoding(bytes: Uint8Array): { encoding: PreferencesEncoding; bom: boolean } {
  for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const) {
    if (BOM[encoding].every((value, i) => bytes[i] === value)) return { encoding, bom: true }
  }
  if (bytes.length >= 2 && bytes[0] !== 0 && bytes[1] === 0) return { encoding: 'utf-16le', bom: false }
  if (bytes.length >= 2 && bytes[0] === 0 && bytes[1] !== 0) return { encoding: 'utf-16be', bom: false }
  return { encoding: 'utf-8', bom: false }
}

/** Not TextDecoder: it would replace a lone surrogate, and the file could not be written back as it was. */
function decodeWide(body: Uint8Array, start: number, encoding: PreferencesEncoding, path: string): string {
  if (body.length % 2 !== 0) {
    throw new VivariumError(
      'malformed',
      'preferences-half-character',
      'The file is UTF-16 text, and ends in the middle of a character.',
      {
        where: { path, offset: start + body.length - 1 },
        next: 'It was cut short or damaged: copy it again from its source.',
      },
    )
  }
  const view = viewOf(body)
  const parts: string[] = []
  for (let at = 0; at < body.length; at += 8192) {
    const units = new Uint16Array(Math.min(8192, body.length - at) / 2)
    for (let i = 0; i < units.length; i++) units[i] = view.getUint16(at + 2 * i, encoding === 'utf-16le')
    parts.push(String.fromCharCode(...units))
  }
  return parts.join('')
}

function decodeUtf8(body: Uint8Array, start: number, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (cause) {
    throw new VivariumError(
      'malformed',
      'preferences-not-text',
      'The file is neither UTF-16 nor UTF-8 text.',
      {
        where: { path, offset: start + firstInvalidUtf8(body) },
        next: 'If an editor saved it in another encoding, save it as UTF-16; if not, it is damaged or another kind of file.',
        cause,
      },
    )
  }
}

/** Where the replacement character first stands for bytes that are not its own encoding (EF BF BD). */
function firstInvalidUtf8(body: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  let offset = 0
  for (const part of text.split('\ufffd')) {
    offset += new TextEncoder().encode(part).length
    if (body[offset] !== 0xef || body[offset + 1] !== 0xbf || body[offset + 2] !== 0xbd) return offset
    offset += 3
  }
  return offset
}
