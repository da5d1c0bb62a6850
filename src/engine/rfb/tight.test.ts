import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { encodeTight } from './tight.ts'

/** noVNC's own decoder is the judge. It has no types, and looks for a browser's window to log to. */
async function loadDecoder(): Promise<Decoder> {
  Object.assign(globalThis, { window: { console } })
  const module = '@novnc/novnc/core/decoders/tight.js'
  const path = new URL(`../../../node_modules/${module}`, import.meta.url).href
  const { default: TightDecoder } = (await import(path)) as { default: new () => Decoder }
  return new TightDecoder()
}

interface Decoder {
  decodeRect(...all: unknown[]): boolean
}

/** Puts the decoder between a socket that has all the bytes and a display of one rectangle. */
function decode(decoder: Decoder, data: Uint8Array, width: number, height: number) {
  let at = 0
  let shown: number[] = []
  const take = (count: number) => {
    at += count
    return data.subarray(at - count, at)
  }
  const socket = {
    rQwait: (_what: string, count: number) => at + count > data.length,
    rQpeek8: () => data[at],
    rQshift8: () => take(1)[0],
    rQskipBytes: take,
    rQshiftBytes: take,
    rQshiftTo: (target: Uint8Array, count: number) => target.set(take(count)),
  }
  const display = {
    fillRect(_x: number, _y: number, w: number, h: number, pixel: Uint8Array) {
      shown = Array.from({ length: w * h }, () => [...pixel, 255]).flat()
    },
    blitImage(_x: number, _y: number, w: number, h: number, pixels: Uint8Array) {
      shown = [...pixels.subarray(0, w * h * 4)]
    },
  }
  assert.ok(decoder.decodeRect(0, 0, width, height, socket, display, 24))
  assert.equal(at, data.length)
  return shown
}

test('noVNC sees each rectangle as it was, whatever its number of colours', async () => {
  const side = fc.integer({ min: 1, max: 40 })
  const decoder = await loadDecoder()
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 400 }), fc.nat(), (width, height, colours, seed) => {
      const rgba = new Uint8Array((width + 3) * (height + 2) * 4)
      const pixels = new Uint32Array(rgba.buffer)
      let state = seed
      for (let i = 0; i < pixels.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        pixels[i] = (0xff000000 | Math.imul((state >>> 8) % colours, 0x9e3779)) >>> 0
      }
      const data = encodeTight({ width: width + 3, height: height + 2, rgba }, { x: 2, y: 1, width, height })
      const wanted: number[] = []
      for (let y = 1; y <= height; y++)
        wanted.push(...rgba.subarray((y * (width + 3) + 2) * 4, (y * (width + 3) + 2 + width) * 4))
      assert.deepEqual(decode(decoder, data, width, height), wanted)
    }),
  )
})
