import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keyboard } from './keyboard.ts'

function keyboard() {
  const sent: number[] = []
  return { sent, keyboard: new Keyboard((bytes) => sent.push(...bytes)) }
}

const take = (sent: number[]) => sent.splice(0).map((byte) => byte.toString(16))

test('a key goes down and up, an extended one with its prefix', () => {
  const { sent, keyboard: keys } = keyboard()
  keys.keysym(0x61, true)
  keys.keysym(0x61, false)
  keys.keysym(0xff51, true)
  keys.keysym(0xff51, false)
  assert.deepEqual(take(sent), ['1e', '9e', 'e0', '4b', 'e0', 'cb'])
})

test('a character gets the Shift it needs, and only around itself', () => {
  const { sent, keyboard: keys } = keyboard()
  keys.keysym(0x41, true)
  keys.keysym(0x41, false)
  assert.deepEqual(take(sent), ['2a', '1e', 'aa', '9e'])
  keys.keysym(0xffe1, true)
  take(sent)
  keys.keysym(0x41, true)
  assert.deepEqual(take(sent), ['1e'])
  // "/" is Shift-7 on a German keyboard.
  keys.keysym(0x2f, true)
  assert.deepEqual(take(sent), ['aa', '35', '2a'])
})

test('Caps Lock of the guest counts for letters only', () => {
  const { sent, keyboard: keys } = keyboard()
  keys.keysym(0xffe5, true)
  keys.keysym(0xffe5, false)
  take(sent)
  keys.keysym(0x41, true)
  assert.deepEqual(take(sent), ['1e'])
  keys.keysym(0x31, true)
  assert.deepEqual(take(sent), ['2'])
})

test('a release belongs to the key that was pressed, and a client that leaves lets go of all', () => {
  const { sent, keyboard: keys } = keyboard()
  keys.keysym(0x62, false)
  assert.deepEqual(take(sent), [])
  keys.scancode(0xe01d, true)
  keys.keysym(0x63, true)
  take(sent)
  keys.releaseAll()
  assert.deepEqual(take(sent), ['e0', '9d', 'ae'])
})
