import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { checkMachineName, isSameMachineName } from './names.ts'

test('names that are file names everywhere', () => {
  for (const name of ['Windows XP', 'a', 'Prüfstand 3 (alt)', 'x.y', 'x'.repeat(150)]) checkMachineName(name)
})

test('names that are not', () => {
  const bad = [
    '',
    ' ',
    '.',
    '..',
    '.a',
    'a.',
    ' a',
    'a ',
    'a/b',
    'a\\b',
    'a:b',
    'a*',
    'a?',
    'a<',
    'a>',
    'a|',
    'a"',
    'a\n',
    'a\0',
    '\ud800',
    'con',
    'LPT1',
    'nul.x',
    'x'.repeat(151),
    'ü'.repeat(140),
  ]
  for (const name of bad) {
    assert.throws(
      () => checkMachineName(name),
      (error) => error instanceof VivariumError && error.kind === 'invalid' && error.code === 'machine-name',
      JSON.stringify(name),
    )
  }
})

test('case does not tell names apart', () => {
  assert.ok(isSameMachineName('Windows XP', 'windows xp'))
  assert.ok(!isSameMachineName('a', 'b'))
})
