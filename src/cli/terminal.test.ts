import assert from 'node:assert/strict'
import { test } from 'node:test'
import { harmless, harmlessJson } from './terminal.ts'

const HOSTILE = 'a\x1b[31m\x1b]0;t\x07\r\x9b2J\x7f\u202etxt.exe\u2066b'

test('what acts on a terminal is not shown; lines, tabs and other letters are', () => {
  assert.equal(harmless(HOSTILE), 'a\ufffd[31m\ufffd]0;t\ufffd\ufffd\ufffd2J\ufffd\ufffdtxt.exe\ufffdb')
  assert.equal(harmless('Größe\t1\n日本 \u{1f4be} שלום'), 'Größe\t1\n日本 \u{1f4be} שלום')
})

test('JSON keeps its meaning', () => {
  const json = harmlessJson(JSON.stringify({ name: HOSTILE }, undefined, 2))
  assert.equal(harmless(json), json)
  assert.deepEqual(JSON.parse(json), { name: HOSTILE })
})
