import { crc32, deflateSync } from 'node:zlib'
import { asciiBytes, viewOf } from '../../base/index.ts'
import type { Picture } from './picture.ts'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** Colour type 2 of PNG's IHDR (section 11.2.1): each pixel is an R, G, B triple. A screen has no transparency. */
const TRUECOLOUR = 2
/** Filter type 2 (section 9.2): the difference to the pixel above; flat areas of screens become zeroes. */
const FILTER_UP = 2

/** Encodes a screen as PNG; alpha is left out. @source PNG (Third Edition), sections 5, 9 and 11. */
export function encodePng({ width, height, rgba }: Picture): Uint8Array {
  const header = new Uint8Array(13)
  const view = viewOf(header)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header[8] = 8
  header[9] = TRUECOLOUR
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(filteredRows(width, height, rgba), { level: 4 })),
    chunk('IEND', new Uint8Array(0)),
  ])
}

function filteredRows(width: number, height: number, rgba: Uint8Array): Uint8Array {
  const out = new Uint8Array((width * 3 + 1) * height)
  let at = 0
  for (let y = 0; y < height; y++) {
    out[at++] = FILTER_UP
    const row = y * width * 4
    for (let x = row; x < row + width * 4; x += 4) {
      const above = x - width * 4
      for (let channel = 0; channel < 3; channel++)
        out[at++] = rgba[x + channel]! - (y === 0 ? 0 : rgba[above + channel]!)
    }
  }
  return out
}

/** Length, type, data, CRC over type and data (section 5.3). */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(12 + data.length)
  const view = viewOf(out)
  view.setUint32(0, data.length)
  out.set(asciiBytes(type), 4)
  out.set(data, 8)
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)))
  return out
}
