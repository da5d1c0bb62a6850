import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smallestProgram } from './i386.ts'

test('the smallest i386 program has a header of the right size, and starts behind it', () => {
  const bytes = smallestProgram()
  const view = new DataView(bytes.buffer)
  assert.equal(bytes.length, 52 + 32 + 9)
  assert.deepEqual([view.getUint16(16, true), view.getUint16(18, true)], [2, 3])
  assert.equal(view.getUint32(24, true), view.getUint32(52 + 8, true) + 84)
  assert.equal(view.getUint32(52 + 16, true), bytes.length)
})
