import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NameBook } from './names.ts'

const ONE = 0x0af4_0011
const TWO = 0x0af4_0012

test('names are found without case, by address too, and an owner has one entry', () => {
  const book = new NameBook()
  book.enter('dhcp a', { name: 'DC1', address: ONE })
  book.enter('dhcp b', { name: 'dc1', address: TWO })
  assert.deepEqual(book.addressesOf('Dc1'), [ONE, TWO])
  book.enter('dhcp a', { name: 'files', address: ONE })
  assert.deepEqual(book.addressesOf('dc1'), [TWO])
  assert.deepEqual(book.namesOf(ONE), ['files'])
  book.remove('dhcp b')
  assert.deepEqual(book.addressesOf('dc1'), [])
  assert.deepEqual(book.entries(), [{ name: 'files', address: ONE }])
})

test('who listens hears of changes alone', () => {
  const book = new NameBook()
  let changes = 0
  const stop = book.onChange(() => changes++)
  book.enter('dhcp a', { name: 'dc1', address: ONE })
  book.enter('dhcp a', { name: 'dc1', address: ONE })
  book.remove('dhcp a')
  book.remove('dhcp a')
  assert.equal(changes, 2)
  stop()
  book.enter('dhcp a', { name: 'dc1', address: ONE })
  assert.equal(changes, 2)
})

test('a machine is called as its owner says, until he forgets it', () => {
  const names = new NameBook()
  names.callMachine('port 1', 0x0003_ff00_0001, 'XP')
  names.callMachine('port 2', 0x0003_ff00_0002, 'NT')
  names.callMachine('port 1', 0x0003_ff00_0001, 'XP2')
  assert.equal(names.machineNameOf(0x0003_ff00_0001), 'XP2')
  names.forgetMachine('port 1')
  assert.equal(names.machineNameOf(0x0003_ff00_0001), undefined)
  assert.deepEqual(names.entries(), [], 'it has no address yet')
})
