import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cases } from '../../base/testing.ts'
import { Shadow } from './damage.ts'
import type { Rectangle } from './frame-buffer.ts'

function screen(width: number, height: number) {
  const rgba = new Uint8Array(width * height * 4).fill(255)
  return { width, height, rgba, pixels: new Uint32Array(rgba.buffer) }
}

const area = (rectangles: readonly Rectangle[]) => rectangles.reduce((sum, r) => sum + r.width * r.height, 0)
const whole = { x: 0, y: 0, width: 10_000, height: 10_000 }

test('the first update is the whole picture in one rectangle, the second is nothing', () => {
  const live = screen(720, 400)
  const shadow = new Shadow()
  shadow.resize(720, 400)
  assert.deepEqual(shadow.update(live, whole), [{ x: 0, y: 0, width: 720, height: 400 }])
  assert.deepEqual(shadow.update(live, whole), [])
})

test('one pixel costs one tile', () => {
  const live = screen(720, 400)
  const shadow = new Shadow()
  shadow.resize(720, 400)
  shadow.update(live, whole)
  live.pixels[17 * 720 + 700] = 1
  assert.deepEqual(shadow.update(live, whole), [{ x: 640 + 0, y: 16, width: 64, height: 16 }])
})

test('whatever changed is covered, once, and what the client then has is the picture', () => {
  const change = fc.record({ at: fc.nat(199 * 99), value: fc.nat() })
  const region = fc.record({ x: fc.nat(250), y: fc.nat(150), width: fc.nat(250), height: fc.nat(150) })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(change), region), { maxLength: 8 }), (rounds) => {
      const live = screen(199, 99)
      const client = new Uint32Array(199 * 99)
      const shadow = new Shadow()
      shadow.resize(199, 99)
      for (const [changes, asked] of [...rounds, [[], whole] as const]) {
        for (const { at, value } of changes) live.pixels[at % live.pixels.length] = value
        const sent = shadow.update(live, asked)
        const seen = new Set<number>()
        for (const r of sent)
          for (let y = r.y; y < r.y + r.height; y++)
            for (let x = r.x; x < r.x + r.width; x++) {
              client[y * 199 + x] = live.pixels[y * 199 + x]!
              seen.add(y * 199 + x)
            }
        assert.equal(seen.size, area(sent), 'rectangles overlap')
      }
      // A pixel of 0 is one that nobody ever sends; live ones are opaque.
      for (const [at, pixel] of live.pixels.entries()) if (pixel !== 0) assert.equal(client[at], pixel)
    }),
    { numRuns: cases(6, 30) },
  )
})
