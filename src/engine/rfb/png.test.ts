import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, inflateSync } from 'node:zlib'
import { asciiOf, viewOf } from '../../base/index.ts'
import { encodePng } from './png.ts'

test('a picture survives the way through PNG', () => {
  const width = 3
  const height = 2
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 37) & 0xff,
  )
  const png = encodePng({ width, height, rgba })
  const view = viewOf(png)
  const data = new Map<string, Uint8Array>()
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at)
    assert.equal(view.getUint32(at + 8 + length), crc32(png.subarray(at + 4, at + 8 + length)))
    data.set(asciiOf(png.subarray(at + 4, at + 8)), png.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  assert.deepEqual([...data.keys()], ['IHDR', 'IDAT', 'IEND'])
  assert.deepEqual([...data.get('IHDR')!], [0, 0, 0, 3, 0, 0, 0, 2, 8, 2, 0, 0, 0])
  const rows = inflateSync(data.get('IDAT')!)
  const stride = width * 3 + 1
  for (let y = 0; y < height; y++) {
    assert.equal(rows[y * stride], 2)
    for (let i = 0; i < width * 3; i++) {
      let value = 0
      for (let above = 0; above <= y; above++) value += rows[above * stride + 1 + i]!
      assert.equal(value & 0xff, rgba[(y * width + Math.floor(i / 3)) * 4 + (i % 3)])
    }
  }
})
