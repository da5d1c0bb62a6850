import { formatSize, VivariumError } from '../../base/index.ts'
import {
  PREFERENCES_LIMITS,
  type PreferencesAttribute,
  type PreferencesDocument,
  type PreferencesElement,
} from './document.ts'
import { byteOffsetOf, type DecodedText, decodeText } from './encoding.ts'
import { formatKeyPath, stepOf } from './key-path.ts'
import { decodeCharacters, FORBIDDEN_CHARACTER, NAME_PATTERN, normalizeLineEnds } from './syntax.ts'

/**
 * The reader of preferences files: elements, attributes, character data, comments, CDATA and processing
 * instructions, nothing else. It is our own and not a general XML library, because writing back the same bytes
 * needs the exact text of every tag, and because a reader that has no entities and no DTD cannot be attacked
 * through them. One pass, no recursion, linear in the file's size.
 */

interface Frame {
  readonly element: PreferencesElement
  readonly text: string[]
}

const NAME = new RegExp(NAME_PATTERN, 'y')
const ATTRIBUTE = new RegExp(`\\s+(${NAME_PATTERN})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'y')
const TAG_END = /\s*(\/?)>/y
const CLOSE_TAG = new RegExp(`</(${NAME_PATTERN})\\s*>`, 'y')
const DECLARED_ENCODING = /^\s*<\?xml\s[^?]*\bencoding\s*=\s*["']([\w.-]*)["']/

/**
 * Reads a preferences file (VMC, VMCX, Options.xml, VNC).
 * @param path how errors call it
 * @throws VivariumError kind `malformed` with line, byte offset and element; kind `unsupported` beyond the limits.
 */
export function parsePreferences(bytes: Uint8Array, path: string): PreferencesDocument {
  if (bytes.length > PREFERENCES_LIMITS.fileBytes) throw tooLarge(bytes.length, path)
  const source = decodeText(bytes, path)
  return new Parser(source, path).parse()
}

/** For those who look at a file's size before they read it. */
export function tooLarge(sizeBytes: number, path: string): VivariumError {
  const limit = formatSize(PREFERENCES_LIMITS.fileBytes)
  return new VivariumError(
    'unsupported',
    'preferences-too-large',
    `The file has ${formatSize(sizeBytes)}; a machine file has a few kilobytes, and at most ${limit} are read.`,
    { where: { path }, next: 'Name the machine file itself, not a disk or an archive.' },
  )
}

class Parser {
  readonly #source: DecodedText
  readonly #text: string
  readonly #path: string
  readonly #stack: Frame[] = []
  #root: PreferencesElement | undefined
  #before = ''
  #after = ''
  #elements = 0

  constructor(source: DecodedText, path: string) {
    this.#source = source
    this.#text = source.text
    this.#path = path
  }

  parse(): PreferencesDocument {
    const text = this.#text
    const bad = text.search(FORBIDDEN_CHARACTER)
    if (bad !== -1) throw this.#forbidden(bad)
    let at = 0
    while (at < text.length) {
      const tag = text.indexOf('<', at)
      const end = tag === -1 ? text.length : tag
      if (end > at) this.#characters(at, end)
      at = tag === -1 ? end : this.#markup(tag)
    }
    const open = this.#stack.at(-1)
    if (open) throw this.#fail(text.length, 'truncated', `The file ends inside <${open.element.name}>.`, CUT)
    if (!this.#root) throw this.#notXml()
    const declaredEncoding = DECLARED_ENCODING.exec(this.#before)?.[1]
    return {
      path: this.#path,
      encoding: this.#source.encoding,
      bom: this.#source.bom,
      ...(declaredEncoding !== undefined && { declaredEncoding }),
      before: this.#before,
      root: this.#root,
      after: this.#after,
      lineEnd: text.includes('\r\n') || !text.includes('\n') ? '\r\n' : '\n',
    }
  }

  #characters(from: number, to: number): void {
    const raw = this.#text.slice(from, to)
    const frame = this.#stack.at(-1)
    if (!frame) {
      if (raw.trim() !== '') {
        if (!this.#root && this.#before.trim() === '') throw this.#notXml()
        const where = this.#root ? 'after the end' : 'before the beginning'
        throw this.#fail(from, 'text-outside', `There is text ${where} of the document.`, REPAIR)
      }
    } else {
      frame.text.push(this.#decode(raw, from))
    }
    this.#keep(raw)
  }

  /** Handles what begins with "<" and returns the index after it. */
  #markup(at: number): number {
    const text = this.#text
    if (text.startsWith('</', at)) return this.#closeTag(at)
    if (text.startsWith('<!--', at)) return this.#skip(at, 4, '-->', 'a comment')
    if (text.startsWith('<?', at)) return this.#skip(at, 2, '?>', 'a processing instruction')
    if (text.startsWith('<![CDATA[', at) && this.#stack.length > 0) return this.#cdata(at)
    if (text.startsWith('<!', at)) {
      throw this.#fail(
        at,
        'doctype',
        'The file declares a document type or entities; a machine file never does.',
        'Do not trust this file. If it is yours, remove the declaration.',
      )
    }
    return this.#openTag(at)
  }

  #skip(at: number, head: number, tail: string, what: string): number {
    const end = this.#text.indexOf(tail, at + head)
    if (end === -1) throw this.#fail(at, 'truncated', `The file ends inside ${what}.`, CUT)
    this.#keep(this.#text.slice(at, end + tail.length))
    return end + tail.length
  }

  #cdata(at: number): number {
    const end = this.#skip(at, 9, ']]>', 'a CDATA section')
    const raw = this.#text.slice(at + 9, end - 3)
    this.#stack.at(-1)!.text.push(normalizeLineEnds(raw))
    return end
  }

  #openTag(at: number): number {
    NAME.lastIndex = at + 1
    const name = NAME.exec(this.#text)?.[0]
    if (name === undefined || name.length > PREFERENCES_LIMITS.nameLength)
      throw this.#fail(at, 'tag', 'A "<" is not followed by the name of an element.', REPAIR)
    if (this.#root && this.#stack.length === 0)
      throw this.#fail(at, 'two-roots', `A second document begins with <${name}>.`, REPAIR)
    this.#count(at, name)
    const { attributes, end } = this.#attributes(at + 1 + name.length, name)
    TAG_END.lastIndex = end
    const tail = TAG_END.exec(this.#text)
    if (!tail) throw this.#badTag(end, name)
    const element: PreferencesElement = {
      name,
      attributes,
      open: this.#text.slice(at, TAG_END.lastIndex),
      content: [],
      close: '',
      text: '',
      index: at,
    }
    this.#place(element)
    if (tail[1] === '') this.#stack.push({ element, text: [] })
    return at + element.open.length
  }

  #attributes(from: number, name: string): { attributes: PreferencesAttribute[]; end: number } {
    const attributes: PreferencesAttribute[] = []
    let end = from
    ATTRIBUTE.lastIndex = end
    for (let match = ATTRIBUTE.exec(this.#text); match; match = ATTRIBUTE.exec(this.#text)) {
      const attribute = match[1]!
      if (attributes.some((other) => other.name === attribute))
        throw this.#fail(end, 'attribute', `<${name}> has the attribute ${attribute} twice.`, REPAIR)
      if (attributes.length === PREFERENCES_LIMITS.attributes) {
        const limit = `<${name}> has more than ${PREFERENCES_LIMITS.attributes} attributes.`
        throw this.#fail(end, 'too-many-attributes', limit, FOREIGN, 'unsupported')
      }
      attributes.push({ name: attribute, value: this.#decode(match[2] ?? match[3]!, end) })
      end = ATTRIBUTE.lastIndex
    }
    return { attributes, end }
  }

  #closeTag(at: number): number {
    CLOSE_TAG.lastIndex = at
    const match = CLOSE_TAG.exec(this.#text)
    const frame = this.#stack.at(-1)
    if (!match) throw this.#badTag(at, frame?.element.name ?? '')
    if (!frame || frame.element.name !== match[1]) {
      const expected = frame ? `, where </${frame.element.name}> has to come first` : ''
      throw this.#fail(at, 'nesting', `There is </${match[1]}>${expected}.`, REPAIR)
    }
    const { element } = frame
    element.close = match[0]
    if (element.content.every((item) => typeof item === 'string')) element.text = frame.text.join('')
    this.#stack.pop()
    return at + match[0].length
  }

  #count(at: number, name: string): void {
    this.#elements++
    if (this.#elements > PREFERENCES_LIMITS.elements) {
      const limit = `The file has more than ${PREFERENCES_LIMITS.elements} elements.`
      throw this.#fail(at, 'too-many-elements', limit, FOREIGN, 'unsupported')
    }
    if (this.#stack.length >= PREFERENCES_LIMITS.depth) {
      const limit = `<${name}> lies more than ${PREFERENCES_LIMITS.depth} elements deep.`
      throw this.#fail(at, 'too-deep', limit, FOREIGN, 'unsupported')
    }
  }

  #place(element: PreferencesElement): void {
    const frame = this.#stack.at(-1)
    if (frame) frame.element.content.push(element)
    else this.#root = element
  }

  /** Adjacent pieces become one, so that an edit finds the whole indentation in one place. */
  #keep(raw: string): void {
    const content = this.#stack.at(-1)?.element.content
    if (!content) {
      if (this.#root) this.#after += raw
      else this.#before += raw
      return
    }
    const last = content.at(-1)
    if (typeof last === 'string') content[content.length - 1] = last + raw
    else content.push(raw)
  }

  #decode(raw: string, at: number): string {
    const decoded = decodeCharacters(raw)
    if (typeof decoded === 'string') return decoded
    const what =
      decoded.entity === undefined
        ? 'An "&" does not begin a valid character reference.'
        : `The entity &${decoded.entity}; is not defined: only &amp; &lt; &gt; &quot; &apos; exist here.`
    throw this.#fail(at + decoded.index, 'entity', what, 'Write a lone "&" as "&amp;".')
  }

  #badTag(at: number, name: string): VivariumError {
    if (this.#text.indexOf('>', at) === -1)
      return this.#fail(at, 'truncated', `The file ends inside the tag of <${name}>.`, CUT)
    return this.#fail(at, 'tag', `The tag of <${name}> cannot be read here.`, REPAIR)
  }

  #forbidden(at: number): VivariumError {
    const code = this.#text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
    return this.#fail(
      at,
      'control-character',
      `The character U+${code} cannot stand in a machine file.`,
      'It was damaged, or is another kind of file: take a copy from a backup.',
    )
  }

  #notXml(): VivariumError {
    if (this.#text.trim() === '')
      return this.#fail(0, 'empty', 'The file is empty.', 'Take a copy from a backup.')
    return this.#fail(
      0,
      'not-xml',
      'The file is text, and not the XML of a machine file.',
      'Name a VMC, VMCX, VNC or Options.xml file.',
    )
  }

  #fail(
    at: number,
    code: string,
    message: string,
    next: string,
    kind: 'malformed' | 'unsupported' = 'malformed',
  ) {
    const line = 1 + (this.#text.slice(0, at).match(/\r\n?|\n/g)?.length ?? 0)
    const field = formatKeyPath(this.#stack.map(({ element }) => stepOf(element)))
    return new VivariumError(kind, `preferences-${code}`, `Line ${line}: ${message}`, {
      where: {
        path: this.#path,
        offset: byteOffsetOf(this.#source, at),
        ...(field !== '' && { field }),
      },
      next,
    })
  }
}

const CUT = 'It was cut short: copy it again from its source.'
const REPAIR = 'Repair it in a text editor, or take a copy from a backup.'
const FOREIGN = 'No product writes such a file: do not trust it.'
