import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeUint16 } from './addresses.ts'
import { checksum, sumWords } from './checksum.ts'

test('the example of RFC 1071, section 3', () => {
  assert.equal(checksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)), ~0xddf2 & 0xffff)
})

test('bytes with their checksum sum to zero, in one piece or two', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2, maxLength: 3000 }), (bytes) => {
      writeUint16(bytes, 0, 0)
      writeUint16(bytes, 0, checksum(bytes))
      assert.equal(checksum(bytes), 0)
      const cut = (bytes.length >>> 2) * 2
      assert.equal(checksum(bytes.subarray(cut), sumWords(bytes.subarray(0, cut))), 0)
    }),
  )
})
