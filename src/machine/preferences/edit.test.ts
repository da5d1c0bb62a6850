import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { getValue } from './access.ts'
import { newPreferences, type PreferencesDocument } from './document.ts'
import { removeGroup, removeValue, setValue } from './edit.ts'
import { formatPreferences } from './format.ts'
import { parsePreferences } from './parse.ts'
import type { LeafType, LeafValues } from './values.ts'

const parse = (text: string) => parsePreferences(new TextEncoder().encode(text), 'a.vmc')
const format = (document: PreferencesDocument) =>
  new TextDecoder(document.encoding).decode(formatPreferences(document))

const SMALL = '<preferences>\r\n\t<a>\r\n\t\t<b type="string">c</b>\r\n\t</a>\r\n</preferences>\r\n'

test('a changed leaf changes its own text and nothing else', () => {
  const text = `<p>  <a id='1'\ttype="string">old</a><b type="integer"> 7</b><!-- c -->\n</p>`
  const document = parse(text)
  setValue(document, 'b', 'integer', 7)
  assert.equal(format(document), text, 'the same value leaves the spelling alone')
  setValue(document, 'a[@id=1]', 'string', 'new & <better>')
  assert.equal(
    format(document),
    text.replace(`<a id='1'\ttype="string">old`, '<a id="1" type="string">new &amp; &lt;better&gt;'),
  )
})

test('an empty string and a full one turn into each other', () => {
  const document = parse(SMALL)
  setValue(document, 'a/b', 'string', '')
  assert.equal(format(document), SMALL.replace('<b type="string">c</b>', '<b type="string" />'))
  setValue(document, 'a/b', 'string', 'c')
  assert.equal(format(document), SMALL)
})

test('new groups go to the end of their parent, one TAB per level', () => {
  const document = parse(SMALL)
  setValue(document, 'a/d[@id=0]/e', 'bytes', Uint8Array.of(0, 255))
  setValue(document, 'f', 'boolean', true)
  const added =
    '\t\t<d id="0">\r\n\t\t\t<e type="bytes">00FF</e>\r\n\t\t</d>\r\n\t</a>\r\n\t<f type="boolean">true</f>\r\n'
  assert.equal(format(document), SMALL.replace('\t</a>\r\n', added))
})

test('lines that are added end as the lines of the file do', () => {
  const document = parse('<p>\n</p>\n')
  setValue(document, 'a/b', 'string', '1\n2\r3')
  assert.equal(format(document), '<p>\n\t<a>\n\t\t<b type="string">1\n2&#13;3</b>\n\t</a>\n</p>\n')
  assert.equal(getValue(parse(format(document)), 'a/b'), '1\n2\r3')
})

test('a self-closed root opens for its first child', () => {
  const document = parse('<preferences />')
  setValue(document, 'a', 'integer', 1)
  assert.equal(format(document), '<preferences>\r\n\t<a type="integer">1</a>\r\n</preferences>')
})

test('what is removed takes its line with it', () => {
  const document = parse(SMALL)
  setValue(document, 'a/x', 'string', '1')
  setValue(document, 'g/y', 'string', '2')
  assert.equal(removeValue(document, 'a/x'), true)
  assert.equal(removeGroup(document, 'g'), true)
  assert.equal(removeValue(document, 'a/x'), false)
  assert.equal(removeGroup(document, 'no/such'), false)
  assert.equal(format(document), SMALL)
})

test('removing keeps the text around it', () => {
  const document = parse('<p>one<a type="string">x</a>two<b type="string" />three</p>')
  removeValue(document, 'a')
  removeValue(document, 'b')
  assert.equal(format(document), '<p>onetwothree</p>')
})

test('what cannot be is refused, and nothing is changed', () => {
  const document = parse(SMALL)
  const refused = (action: () => void, code: string) =>
    assert.throws(
      action,
      (error) => error instanceof VivariumError && error.kind === 'invalid' && error.code === code,
    )
  refused(() => setValue(document, 'a', 'string', 'x'), 'key-clash')
  refused(() => setValue(document, 'a/b/c', 'string', 'x'), 'key-clash')
  refused(() => removeValue(document, 'a'), 'key-clash')
  refused(() => removeGroup(document, 'a/b'), 'key-clash')
  refused(() => setValue(document, 'n/i', 'integer', 2 ** 32), 'leaf-value')
  refused(() => setValue(document, 'n/i', 'integer', -1), 'leaf-value')
  refused(() => setValue(document, 'n/i', 'integer', 1.5), 'leaf-value')
  refused(() => setValue(document, 'n/s', 'string', '\u0001'), 'leaf-value')
  refused(() => setValue(document, 'n/s', 'string', '\ud800'), 'leaf-value')
  refused(() => getValue(document, 'a'), 'key-is-group')
  for (const path of ['', '/', 'a//b', 'a/', 'a b', 'a[@id=1', 'a[1]', '1a', 'a/'.repeat(70)]) {
    refused(() => setValue(document, path, 'string', 'x'), 'key-path')
  }
  assert.equal(format(document), SMALL)
})

const name = fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,6}$/)
const step = fc.oneof(
  name,
  fc
    .tuple(name, fc.string({ maxLength: 4 }))
    .map(([text, id]) => `${text}[@id="${id.replace(/[\]["'/\p{C}]/gu, '')}"]`),
)
const keyPath = fc.array(step, { minLength: 1, maxLength: 5 }).map((steps) => steps.join('/'))
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no form for them
  return !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value)
})
type Leaf = { [Type in LeafType]: readonly [Type, LeafValues[Type]] }[LeafType]
const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.tuple(fc.constant('string' as const), text),
  fc.tuple(fc.constant('integer' as const), fc.nat(0xffffffff)),
  fc.tuple(fc.constant('boolean' as const), fc.boolean()),
  fc.tuple(fc.constant('bytes' as const), fc.uint8Array({ maxLength: 20 })),
)

test('what is set is read, before and after a round through bytes, and removing it all leaves an empty file', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(keyPath, leaf), { maxLength: 8 }), (sets) => {
      const document = newPreferences('x')
      const values = new Map<string, Leaf>()
      for (const [path, [type, value]] of sets) {
        try {
          setValue(document, path, type as 'string', value as string)
          values.set(path, [type, value] as Leaf)
        } catch (error) {
          assert.ok(error instanceof VivariumError && error.code === 'key-clash')
        }
      }
      const bytes = formatPreferences(document)
      const again = parsePreferences(bytes, 'x')
      assert.deepEqual(formatPreferences(again), bytes)
      for (const [path, [, value]] of values) {
        assert.deepEqual(getValue(document, path), value)
        assert.deepEqual(getValue(again, path), value)
      }
      for (const path of values.keys()) assert.ok(removeValue(again, path))
      for (const path of values.keys()) assert.equal(getValue(again, path), undefined)
      parsePreferences(formatPreferences(again), 'x')
    }),
  )
})
