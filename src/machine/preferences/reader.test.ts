import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '../../base/index.ts'
import { VivariumError } from '../../base/index.ts'
import { getValue } from './access.ts'
import { checkDialect } from './check.ts'
import { parsePreferences } from './parse.ts'
import { GroupReader } from './reader.ts'

const parse = (text: string) => parsePreferences(new TextEncoder().encode(text), 'a.vmc')

function read(text: string): { root: GroupReader; problems: Problem[] } {
  const problems: Problem[] = []
  return { root: GroupReader.root(parse(text), problems), problems }
}

test('every type of leaf is read as its type', () => {
  const document =
    parse(`<p><s type="string"> a </s><i type="integer">4294967291</i><b type="boolean">true</b>
    <x type="bytes">00fF</x><e type="bytes" /><n>no type</n></p>`)
  assert.equal(getValue(document, 's'), ' a ')
  assert.equal(getValue(document, 'i'), 4294967291)
  assert.equal(getValue(document, 'b'), true)
  assert.deepEqual(getValue(document, 'x'), Uint8Array.of(0, 255))
  assert.deepEqual(getValue(document, 'e'), new Uint8Array())
  assert.equal(getValue(document, 'n'), 'no type')
  assert.equal(getValue(document, 'absent'), undefined)
})

test('a value beyond its type is malformed, with its key path', () => {
  const bad = [
    '<i type="integer">-5</i>',
    '<i type="integer">4294967296</i>',
    '<i type="boolean">yes</i>',
    '<i type="bytes">0G</i>',
    '<i type="bytes">123</i>',
    '<i type="float">1</i>',
    '<i type="integer"/>',
  ]
  for (const leaf of bad) {
    assert.throws(
      () => getValue(parse(`<p><a>${leaf}</a></p>`), 'a/i'),
      (error) => error instanceof VivariumError && error.kind === 'malformed' && error.where.field === 'a/i',
      leaf,
    )
  }
})

test('the reader turns what is wrong into problems with key paths', () => {
  const { root, problems } = read(
    '<p><a id="3"><i type="integer">x</i><b type="bytes">zz</b><t type="string">7</t><g><h/></g><n type="integer" /></a></p>',
  )
  const group = root.groups('a')[0]!
  assert.equal(group.index, 3)
  assert.equal(group.integer('i'), undefined)
  assert.equal(group.bytes('b'), undefined)
  assert.equal(group.integer('t'), 7)
  assert.equal(group.string('g'), undefined)
  assert.equal(group.integer('n'), undefined)
  assert.equal(group.integer('absent'), undefined)
  assert.deepEqual(
    problems.map(({ code, severity, where }) => [code, severity, where?.path, where?.field]),
    [
      ['key-invalid', 'warning', 'a.vmc', 'a[@id=3]/i'],
      ['key-invalid', 'warning', 'a.vmc', 'a[@id=3]/b'],
      ['key-type', 'note', 'a.vmc', 'a[@id=3]/t'],
      ['key-invalid', 'warning', 'a.vmc', 'a[@id=3]/g'],
    ],
  )
})

test('a dialect that no product writes is noted', () => {
  const codes = (text: string) => checkDialect(parse(text)).map((problem) => problem.code)
  assert.deepEqual(codes('<?xml version="1.0" encoding="UTF-16"?><p/>'), ['declared-encoding', 'encoding'])
  assert.deepEqual(codes('<?xml version="1.0" encoding="utf-8"?><p/>'), ['encoding'])
  assert.deepEqual(codes('<p><a/><a id="1"/><a id="1"/><b/></p>'), ['encoding', 'key-twice'])
  const hostile = checkDialect(parse(`<p>${'<a/>'.repeat(1000)}</p>`))
  assert.equal(hostile.length, 21)
})
