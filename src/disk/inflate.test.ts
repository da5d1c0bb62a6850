import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { VivariumError } from '../base/index.ts'
import { cases } from '../base/testing.ts'
import { inflateRaw } from './inflate.ts'

const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc.uint8Array({ max: 3, maxLength: 3000 }),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(3000))
    .map(([piece, length]) => Uint8Array.from({ length }, (_, i) => piece[i % piece.length]!)),
)

test('what zlib packs, at any level and strategy, unpacks to the same', () => {
  const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants
  const strategies = fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE)
  fc.assert(
    fc.property(
      content,
      fc.nat(9),
      strategies,
      fc.uint8Array({ maxLength: 20 }),
      (bytes, level, strategy, junk) => {
        const packed = Buffer.concat([deflateRawSync(bytes, { level, strategy }), junk])
        const into = new Uint8Array(bytes.length + 10)
        assert.equal(inflateRaw(packed, into), bytes.length)
        assert.deepEqual(into.subarray(0, bytes.length), bytes)
      },
    ),
  )
})

test('a long text with long codes unpacks, and only as far as there is room', () => {
  let state = 1
  const bytes = new Uint8Array(300_000).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.min(255, Math.floor(-Math.log((state + 1) / 2 ** 32) * 12))
  })
  const packed = deflateRawSync(bytes)
  const into = new Uint8Array(bytes.length)
  assert.equal(inflateRaw(packed, into), bytes.length)
  assert.deepEqual(into, bytes)
  const some = new Uint8Array(1000)
  assert.equal(inflateRaw(packed, some), 1000)
  assert.deepEqual(some, bytes.slice(0, 1000))
})

test('damaged and cut streams end in an error or in other bytes, never behind the buffer', () => {
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(content, fc.nat(400), fc.nat(255)).map(([bytes, at, value]) => {
      const packed = new Uint8Array(deflateRawSync(bytes))
      packed[at % packed.length]! ^= value
      return packed.subarray(0, packed.length - (value % 5))
    }),
  )
  fc.assert(
    fc.property(any, (packed) => {
      try {
        assert.ok(inflateRaw(packed, new Uint8Array(500)) <= 500)
      } catch (error) {
        assert.ok(error instanceof VivariumError && error.code === 'deflate-damaged')
      }
    }),
    { numRuns: cases(200, 1000) },
  )
})
