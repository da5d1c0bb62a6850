import { deflateSync } from 'node:zlib'
import type { Rectangle } from './frame-buffer.ts'
import type { Picture } from './picture.ts'

/**
 * Tight encoding without JPEG. @source rfbproto (community wiki), "Tight encoding".
 *
 * The four zlib streams of a connection may be reset with each rectangle; stream 0 always is, so that every
 * rectangle is a stream of its own: the encoder needs no state and no asynchronous zlib, and a text screen
 * compresses by its two-colour bitmaps, not by its history.
 */

const RESET_STREAM_0 = 0x01
const EXPLICIT_FILTER = 0x40
const FILL = 0x80
const FILTER_PALETTE = 1
/** Shorter data is sent as it is, without a length. */
const SMALLEST_COMPRESSED = 12
/** Limit of the encoding. */
export const TIGHT_MAX_WIDTH = 2048
const MOST_COLOURS = 256

export function encodeTight(picture: Picture, rectangle: Rectangle): Uint8Array {
  const pixels = cut(picture, rectangle)
  const palette = paletteOf(pixels)
  if (palette === undefined) return Buffer.concat([[RESET_STREAM_0], compress(triples(pixels))].map(bytes))
  const colours = triples(Uint32Array.from(palette.keys()))
  if (palette.size === 1) return Buffer.concat([[FILL], colours].map(bytes))
  const indexes =
    palette.size === 2 ? bitmap(pixels, palette, rectangle) : pixels.map((pixel) => palette.get(pixel)!)
  const head = [RESET_STREAM_0 | EXPLICIT_FILTER, FILTER_PALETTE, palette.size - 1]
  return Buffer.concat([head, colours, compress(Uint8Array.from(indexes))].map(bytes))
}

function bytes(part: Uint8Array | number[]): Uint8Array {
  return part instanceof Uint8Array ? part : Uint8Array.from(part)
}

function cut(picture: Picture, { x, y, width, height }: Rectangle): Uint32Array {
  const all = new Uint32Array(picture.rgba.buffer, picture.rgba.byteOffset, picture.width * picture.height)
  const out = new Uint32Array(width * height)
  for (let row = 0; row < height; row++) {
    const from = (y + row) * picture.width + x
    out.set(all.subarray(from, from + width), row * width)
  }
  return out
}

/** Colour -> index, in order of appearance; undefined when there are too many. */
function paletteOf(pixels: Uint32Array): Map<number, number> | undefined {
  const palette = new Map<number, number>()
  let previous = -1
  for (const pixel of pixels) {
    if (pixel === previous) continue
    previous = pixel
    if (palette.has(pixel)) continue
    if (palette.size === MOST_COLOURS) return undefined
    palette.set(pixel, palette.size)
  }
  return palette
}

/** R, G, B of each pixel. A Picture's bytes are R, G, B, A, so on a little-endian host red is the low byte. */
function triples(pixels: Uint32Array): Uint8Array {
  const out = new Uint8Array(pixels.length * 3)
  let at = 0
  for (const pixel of pixels) {
    out[at++] = pixel
    out[at++] = pixel >>> 8
    out[at++] = pixel >>> 16
  }
  return out
}

/** One bit a pixel, the most significant first, rows padded to bytes. */
function bitmap(pixels: Uint32Array, palette: Map<number, number>, { width, height }: Rectangle): Uint8Array {
  const second = [...palette.keys()][1]!
  const stride = Math.ceil(width / 8)
  const out = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (pixels[y * width + x] === second) out[y * stride + (x >> 3)]! |= 0x80 >> (x & 7)
  return out
}

function compress(data: Uint8Array): Uint8Array {
  if (data.length < SMALLEST_COMPRESSED) return data
  const packed = deflateSync(data, { level: 2 })
  return Buffer.concat([compactLength(packed.length), packed])
}

/** Seven bits a byte, the lowest first, the high bit = one more follows; at most 22 bits. */
function compactLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length)
  if (length < 0x4000) return Uint8Array.of((length & 0x7f) | 0x80, length >> 7)
  return Uint8Array.of((length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14)
}
