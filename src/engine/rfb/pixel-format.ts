import { viewOf } from '../../base/index.ts'

/** How a pixel looks on the wire. @source RFC 6143, section 7.4. */
export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32
  readonly depth: number
  readonly bigEndian: boolean
  readonly max: readonly [red: number, green: number, blue: number]
  readonly shift: readonly [red: number, green: number, blue: number]
}

/** Bytes R, G, B, X: what noVNC asks for, and what a Picture holds but for alpha. */
export const RGBX: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  max: [255, 255, 255],
  shift: [0, 8, 16],
}

/** Reads the 16 bytes; undefined for colour maps and for sizes that the protocol does not know. */
export function parsePixelFormat(bytes: Uint8Array): PixelFormat | undefined {
  const [bitsPerPixel, depth, bigEndian, trueColour] = bytes
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) return undefined
  if (trueColour === 0) return undefined
  const view = viewOf(bytes)
  const shift = [bytes[10]!, bytes[11]!, bytes[12]!] as const
  if (shift.some((bits) => bits >= bitsPerPixel)) return undefined
  return {
    bitsPerPixel,
    depth: depth!,
    bigEndian: bigEndian !== 0,
    max: [view.getUint16(4), view.getUint16(6), view.getUint16(8)],
    shift,
  }
}

export function formatPixelFormat(format: PixelFormat): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = viewOf(bytes)
  bytes.set([format.bitsPerPixel, format.depth, Number(format.bigEndian), 1])
  format.max.forEach((value, index) => {
    view.setUint16(4 + 2 * index, value)
  })
  bytes.set(format.shift, 10)
  return bytes
}

/** True where a pixel is sent as the three bytes R, G, B by Tight (its TPIXEL). @source rfbproto, Tight encoding. */
export function hasCompactPixels(format: PixelFormat): boolean {
  return format.bitsPerPixel === 32 && format.depth === 24 && format.max.every((value) => value === 255)
}

/** Writes one pixel of 0-255 components; returns where the next begins. */
export function writePixel(
  format: PixelFormat,
  red: number,
  green: number,
  blue: number,
  into: Uint8Array,
  at: number,
): number {
  const { max, shift } = format
  // Multiplied, not shifted: maxima such as 5 or 100 are legal, and the top shift may reach the sign bit.
  const value =
    scale(red, max[0]) * 2 ** shift[0] +
    scale(green, max[1]) * 2 ** shift[1] +
    scale(blue, max[2]) * 2 ** shift[2]
  const count = format.bitsPerPixel / 8
  for (let i = 0; i < count; i++) {
    const byte = format.bigEndian ? count - 1 - i : i
    into[at + i] = Math.floor(value / 2 ** (8 * byte))
  }
  return at + count
}

function scale(component: number, max: number): number {
  return max === 255 ? component : Math.round((component * max) / 255)
}

/** True where a Picture's bytes can go onto the wire as they are. */
export function isPictureOrder(format: PixelFormat): boolean {
  if (format.bitsPerPixel !== 32 || format.max.some((value) => value !== 255)) return false
  const wanted = format.bigEndian ? [24, 16, 8] : [0, 8, 16]
  return format.shift.every((bits, index) => bits === wanted[index])
}
