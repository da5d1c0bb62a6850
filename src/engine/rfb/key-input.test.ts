import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chordsOf } from './key-input.ts'

test('text becomes keysyms, capitals with Shift', () => {
  assert.deepEqual(chordsOf({ text: 'aB\r\n!' }), [[0x61], [0xffe1, 0x42], [0xff0d], [0xffe1, 0x21]])
})

test('names of keys and of chords', () => {
  assert.deepEqual(chordsOf({ keys: 'Ctrl-Alt-Del' }), [[0xffe3, 0xffe9, 0xffff]])
  assert.deepEqual(chordsOf({ keys: ' esc  F12 ctrl+c Alt-- - ' }), [
    [0xff1b],
    [0xffc9],
    [0xffe3, 0x63],
    [0xffe9, 0x2d],
    [0x2d],
  ])
})

test('in a chord a letter names its key, alone it is itself', () => {
  assert.deepEqual(chordsOf({ keys: 'Ctrl-C Shift-a shift-1 C' }), [
    [0xffe3, 0x63],
    [0xffe1, 0x41],
    [0xffe1, 0x21],
    [0xffe1, 0x43],
  ])
})

test('what no key types is refused by name', () => {
  const refused = (input: Parameters<typeof chordsOf>[0], part: RegExp) =>
    assert.throws(() => chordsOf(input), { kind: 'invalid', code: 'key-unknown', message: part })
  refused({ text: 'caf\u00e9' }, /\u00e9/)
  refused({ text: '\u{1f600}' }, /No key/)
  refused({ keys: 'Ctrl-Foo' }, /"Foo"/)
})
