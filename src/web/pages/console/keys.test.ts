import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMBINATIONS, press } from './keys.ts'

test('keys are pressed in order and released in reverse', () => {
  const sent: string[] = []
  const combination = COMBINATIONS.find(({ label }) => label === 'Ctrl-Alt-F1')!
  press(combination.keys, (keysym, code, down) => sent.push(`${code} ${keysym.toString(16)} ${down}`))
  assert.deepEqual(sent, [
    'ControlLeft ffe3 true',
    'AltLeft ffe9 true',
    'F1 ffbe true',
    'F1 ffbe false',
    'AltLeft ffe9 false',
    'ControlLeft ffe3 false',
  ])
})
