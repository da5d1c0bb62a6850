import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { findElement, getValue } from './access.ts'
import { childrenOf, newPreferences, PREFERENCES_LIMITS } from './document.ts'
import { formatPreferences } from './format.ts'
import { parsePreferences } from './parse.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parsePreferences(utf8(text), 'a.vmc')

function failure(input: string | Uint8Array): VivariumError {
  try {
    parsePreferences(typeof input === 'string' ? utf8(input) : input, 'a.vmc')
  } catch (error) {
    if (error instanceof VivariumError) return error
    throw error
  }
  throw new Error('it was accepted')
}

/** Files that no product writes like this, and that have to come back as they are. */
const ODD = {
  'LF ends and blanks': '<?xml version="1.0"?>\n<preferences>\n    <a type="string">b</a>\n</preferences>\n',
  'no line ends': '<preferences><a type="string">b</a></preferences>',
  'empty in two spellings': '<p><a type="string"/><b type="string"></b><c type="string" /><d\t/></p>',
  'attributes in quotes of both kinds': `<p><a  type = 'string'\n id="1" >b</a ></p >`,
  'comments, instructions and CDATA':
    '<!-- a --><p><!-- b --><a><![CDATA[<x>]]></a><?c?></p><!-- d -->\r\n\r\n',
  'mixed line ends and trailing blanks': '<p>\r\n\t<a/> \n \t<b/>\r</p>  \n',
  'text between elements': '<p>one<a/>two</p>',
  references: '<p><a type="string">&lt;&#65;&#x42;&quot;&apos;&amp;&gt;</a></p>',
  'a prolog that lies': '<?xml version="1.0" encoding="UTF-16"?><p/>',
  'the root alone': '<preferences/>',
}

for (const [what, text] of Object.entries(ODD)) {
  test(`an unchanged file comes back byte for byte: ${what}`, () => {
    for (const input of [utf8(text), utf8(`\ufeff${text}`), Buffer.from(`\ufeff${text}`, 'utf16le')]) {
      assert.deepEqual(Buffer.from(formatPreferences(parsePreferences(input, 'x'))), Buffer.from(input))
    }
  })
}

test('references, CDATA and line ends are decoded', () => {
  const document = parse(
    '<p><a type="string">1\r\n2&#13;&lt;&#x1F600;<![CDATA[&lt;]]>&gt;<!-- no --></a></p>',
  )
  assert.equal(getValue(document, 'a'), '1\n2\r<\u{1f600}&lt;>')
})

test('siblings are told apart by name and id together', () => {
  const document = parse('<p><f id="0"><x type="integer">1</x></f><f><x type="integer">2</x></f></p>')
  assert.equal(getValue(document, 'f[@id=0]/x'), 1)
  assert.equal(getValue(document, 'f/x'), 2)
  assert.equal(findElement(document, 'f[@id=1]'), undefined)
})

test('every malformed file gets an error with line, offset and element', () => {
  const cases: [string, string, number][] = [
    ['', 'preferences-empty', 0],
    [' \r\n', 'preferences-empty', 0],
    ['memory = 5', 'preferences-not-xml', 0],
    ['<p>', 'preferences-truncated', 3],
    ['<p', 'preferences-truncated', 2],
    ['<p a="', 'preferences-truncated', 2],
    ['<p><!-- ', 'preferences-truncated', 3],
    ['<p></q>', 'preferences-nesting', 3],
    ['</p>', 'preferences-nesting', 0],
    ['<p/><q/>', 'preferences-two-roots', 4],
    ['<p/>x', 'preferences-text-outside', 4],
    ['<!-- a -->x<p/>', 'preferences-text-outside', 10],
    ['<p>< a></p>', 'preferences-tag', 3],
    ['<p a></p>', 'preferences-tag', 2],
    ['<p a="1" a="2"/>', 'preferences-attribute', 8],
    ['<p>&nbsp;</p>', 'preferences-entity', 3],
    ['<p>a & b</p>', 'preferences-entity', 5],
    ['<p>&#0;</p>', 'preferences-entity', 3],
    ['<p>&#xD800;</p>', 'preferences-entity', 3],
    ['<p>&#x110000;</p>', 'preferences-entity', 3],
    ['<p>&constructor;</p>', 'preferences-entity', 3],
    ['<p>\u0000</p>', 'preferences-control-character', 3],
    ['<!DOCTYPE p><p/>', 'preferences-doctype', 0],
    ['<p><!ENTITY a "b"></p>', 'preferences-doctype', 3],
  ]
  for (const [text, code, offset] of cases) {
    const error = failure(text)
    assert.deepEqual([error.code, error.where.offset], [code, offset], text)
    assert.equal(error.kind, 'malformed')
    assert.ok(error.next, `${code} says what to do`)
  }
  const error = failure('<p>\r\n<a id="2">\r\n<b></c></a></p>')
  assert.equal(error.where.field, 'p/a[@id=2]/b')
  assert.match(error.message, /^Line 3: /)
})

test('a billion laughs are refused before the first', () => {
  const laughs = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><p>&lol2;</p>'
  assert.equal(failure(laughs).code, 'preferences-doctype')
})

test('depth, number of elements, attributes and size are bounded', () => {
  const codes = (input: string | Uint8Array) => [failure(input).kind, failure(input).code]
  assert.deepEqual(codes('<a>'.repeat(1_000_000)), ['unsupported', 'preferences-too-deep'])
  assert.deepEqual(codes(`<p>${'<a/>'.repeat(1_000_000)}</p>`), [
    'unsupported',
    'preferences-too-many-elements',
  ])
  const attributes = Array.from({ length: 17 }, (_, i) => ` a${i}="1"`).join('')
  assert.deepEqual(codes(`<p${attributes}/>`), ['unsupported', 'preferences-too-many-attributes'])
  const large = new Uint8Array(PREFERENCES_LIMITS.fileBytes + 1)
  assert.deepEqual(codes(large), ['unsupported', 'preferences-too-large'])
})

test('long runs of one thing take linear time', () => {
  const much = 4_000_000
  const runs: string[] = [
    `<p${' '.repeat(much)}`,
    `<p a${' '.repeat(much)}b>`,
    `<p>${'&'.repeat(much)}</p>`,
    `<p>${'<!---->'.repeat(much / 8)}`,
    `<${'a'.repeat(much)}`,
    ' '.repeat(much),
    `<?xml ${'encoding '.repeat(much / 10)}`,
  ]
  for (const text of runs) failure(text)
  const blanks = `<p>${'\t '.repeat(much / 2)}x</p>`
  assert.equal(parse(blanks).root.content.length, 1)
})

test('a file cut at any byte is refused, and never crashes', () => {
  const document = newPreferences('x')
  const whole = formatPreferences(document)
  const text = new TextDecoder('utf-16le')
    .decode(whole)
    .replace('\r\n</', '\r\n\t<a type="string">b&amp;c</a>\r\n</')
  for (const bytes of [Buffer.from(`\ufeff${text.replace('\ufeff', '')}`, 'utf16le'), utf8(text)]) {
    const end = bytes.length - (bytes[1] === 0xfe ? 4 : 2)
    for (let length = 0; length < end; length++)
      assert.ok(failure(bytes.subarray(0, length)) instanceof VivariumError)
    parsePreferences(bytes.subarray(0, end), 'x')
  }
})

test('flipped bits are read or refused, and what is read comes back', () => {
  const seed = utf8(
    '<?xml version="1.0"?>\r\n<p>\r\n\t<a id="0"><b type="bytes">00FF</b></a><!-- c --></p>\r\n',
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = Uint8Array.from(seed)
        for (const [at, value] of changes) bytes[at] = value
        try {
          assert.deepEqual(formatPreferences(parsePreferences(bytes, 'x')), bytes)
        } catch (error) {
          if (!(error instanceof VivariumError)) throw error
        }
      },
    ),
  )
})

test('a group has no text of its own', () => {
  assert.deepEqual(
    childrenOf(parse('<p>\n<a>\n<b/>\n</a>\n</p>').root).map((child) => child.text),
    [''],
  )
})
