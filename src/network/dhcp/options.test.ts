import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  addressesOption,
  OPTION,
  readTextOption,
  readUint32Option,
  textOption,
  uint32Option,
} from './options.ts'

test('addresses are four bytes each, in network order', () => {
  assert.deepEqual(
    addressesOption([0x0af4_0001, 0xffff_ff00]),
    Uint8Array.of(10, 244, 0, 1, 255, 255, 255, 0),
  )
  assert.equal(
    readUint32Option(new Map([[OPTION.server, uint32Option(0xffff_ffff)]]), OPTION.server),
    0xffff_ffff,
  )
})

test('a 32-bit option of another length is as good as absent', () => {
  assert.equal(readUint32Option(new Map([[OPTION.server, Uint8Array.of(1, 2, 3)]]), OPTION.server), undefined)
  assert.equal(readUint32Option(new Map(), OPTION.server), undefined)
})

test('a name is printable and ends before its terminator', () => {
  const read = (text: string) =>
    readTextOption(new Map([[OPTION.hostName, textOption(text)]]), OPTION.hostName)
  assert.equal(read('lab-pc'), 'lab-pc')
  assert.equal(read('lab-pc\0'), 'lab-pc')
  assert.equal(read('\x1b[31mpc\xff'), '?[31mpc?')
  assert.equal(read('\0'), undefined)
})
