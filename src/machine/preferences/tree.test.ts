import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newPreferences, type PreferencesDocument } from './document.ts'
import { formatPreferences } from './format.ts'
import { parsePreferences } from './parse.ts'
import { readTree, type Tree, type TreeGroup, updateTree, writeTree } from './tree.ts'

const parse = (text: string) => parsePreferences(new TextEncoder().encode(text), 'a.vnc')
const again = (document: PreferencesDocument) => parsePreferences(formatPreferences(document), 'a.vnc')
const format = (document: PreferencesDocument) =>
  new TextDecoder(document.encoding).decode(formatPreferences(document))

/** Text that XML can carry. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what XML cannot carry
  .filter((value) => value.isWellFormed() && !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(value))
const key = fc.oneof(
  text,
  fc.constantFrom('leaseSeconds', 'count', 'item', 'decimal', 'empty', 'entry', 'key', 'value', '__proto__'),
)
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.nat(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))
const group = fc.dictionary(key, tree, { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<TreeGroup>

test('every value is read back as it was written', () => {
  fc.assert(
    fc.property(tree, (value) => {
      const document = newPreferences('a.vnc')
      writeTree(document, 'vivarium', value)
      assert.deepEqual(readTree(again(document), 'vivarium'), value)
    }),
  )
})

test('an update leads from any group to any other', () => {
  fc.assert(
    fc.property(group, group, (before, after) => {
      const document = newPreferences('a.vnc')
      writeTree(document, 'vivarium', before)
      const text = format(document)
      updateTree(document, 'vivarium', before, before)
      assert.equal(format(document), text, 'what is the same is left as it is')
      updateTree(document, 'vivarium', before, after)
      if (Object.keys(after).length > 0) assert.deepEqual(readTree(again(document), 'vivarium'), after)
    }),
  )
})

test('a key is one key, also where JavaScript gives every object something of that name', () => {
  const document = newPreferences('a.vnc')
  for (const name of ['valueOf', 'constructor', 'toString', '__proto__']) {
    const [some, other] = [JSON.parse(`{"${name}": 0}`), { a: { b: 1 } }] as [TreeGroup, TreeGroup]
    writeTree(document, 'vivarium', some)
    updateTree(document, 'vivarium', some, other)
    assert.deepEqual(readTree(again(document), 'vivarium'), other)
    updateTree(document, 'vivarium', other, some)
    assert.deepEqual(readTree(again(document), 'vivarium'), some)
  }
})

test('an update keeps what was not understood', () => {
  const text =
    '<p>\n\t<v>\n\t\t<dns>\n\t\t\t<domain type="string">old</domain>\n\t\t\t<later type="bytes">00FF</later>\n\t\t</dns>\n\t\t<a type="integer"> 7</a>\n\t</v>\n</p>\n'
  const document = parse(text)
  updateTree(document, 'v', { dns: { domain: 'old' }, a: 7 }, { dns: { domain: 'new' }, a: 7 })
  assert.equal(format(document), text.replace('old', 'new'))
})

test('a wrong value is told with file and element', () => {
  const where = (text: string) => {
    try {
      readTree(parse(text), 'v')
    } catch (error) {
      return (error as { where: object }).where
    }
    return undefined
  }
  assert.deepEqual(where('<p><v><a type="integer">x</a></v></p>'), { path: 'a.vnc', field: 'v/a' })
  assert.deepEqual(
    where('<p><v><a><count type="integer">1</count><item id="0" type="boolean">7</item></a></v></p>'),
    { path: 'a.vnc', field: 'v/a/item[@id=0]' },
  )
  assert.deepEqual(where('<p><v><a><decimal type="string">x</decimal></a></v></p>'), {
    path: 'a.vnc',
    field: 'v/a/decimal',
  })
})
