import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Picture, scaleDown } from './picture.ts'

function plain(width: number, height: number, ...colour: readonly number[]): Picture {
  const rgba = new Uint8Array(width * height * 4)
  for (let i = 0; i < rgba.length; i++) rgba[i] = colour[i % 4]!
  return { width, height, rgba }
}

test('a picture that fits is left alone', () => {
  const picture = plain(10, 10, 1, 2, 3, 255)
  assert.equal(scaleDown(picture, 10, 20), picture)
})

test('black and white columns become grey', () => {
  const rgba = Uint8Array.from({ length: 4 * 2 * 4 }, (_, i) => (i % 4 === 3 || (i >> 2) % 2 === 1 ? 255 : 0))
  const half = scaleDown({ width: 4, height: 2, rgba }, 2, 2)
  assert.deepEqual([half.width, half.height], [2, 1])
  assert.deepEqual([...half.rgba], [128, 128, 128, 255, 128, 128, 128, 255])
})

test('shape and colour of a plain picture are kept at any size', () => {
  const size = fc.integer({ min: 1, max: 60 })
  fc.assert(
    fc.property(size, size, size, size, (width, height, maxWidth, maxHeight) => {
      const small = scaleDown(plain(width, height, 10, 200, 30, 255), maxWidth, maxHeight)
      assert.ok(small.width <= Math.max(maxWidth, 1) && small.height <= Math.max(maxHeight, 1))
      assert.equal(small.rgba.length, small.width * small.height * 4)
      for (const [i, value] of small.rgba.entries()) assert.equal(value, [10, 200, 30, 255][i % 4])
    }),
  )
})
