import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLINKING, type Font, pixelOf, TextScreen } from './text-screen.ts'

const WHITE = 0xffffff
const BLUE = 0x0000aa

/** Character 1 has its left column set, C4h its right one, in font 0; in font 1 character 1 is full. */
function font(change: Partial<Font> = {}): Font {
  const plane = new Uint8Array(65_536)
  plane.fill(0x80, 1 * 32, 1 * 32 + 16)
  plane.fill(0x01, 0xc4 * 32, 0xc4 * 32 + 16)
  plane.fill(0xff, (256 + 1) * 32, (256 + 1) * 32 + 16)
  return { height: 16, width: 9, doubled: false, copyEighthColumn: true, plane, ...change }
}

function drawn(change: Partial<Font> = {}) {
  const text = new TextScreen()
  text.resize(4, 2)
  text.setFont(font(change))
  const pixels = new Uint32Array(text.width * text.height)
  return { text, pixels, line: (y: number) => draw(text, pixels).slice(y * text.width, (y + 1) * text.width) }
}

function draw(text: TextScreen, pixels: Uint32Array) {
  text.draw(pixels)
  return [...pixels].map((pixel) => ({ [pixelOf(WHITE)]: 'W', [pixelOf(BLUE)]: 'b' })[pixel] ?? '.')
}

test('a colour becomes the bytes R, G, B, 255', () => {
  assert.deepEqual([...new Uint8Array(Uint32Array.of(pixelOf(0x123456)).buffer)], [0x12, 0x34, 0x56, 255])
})

test('characters are nine pixels wide, and line graphics reach into the ninth', () => {
  const { text, line } = drawn()
  text.putCharacter(1, 1, 1, 0, BLUE, WHITE)
  text.putCharacter(1, 2, 0xc4, 0, BLUE, WHITE)
  assert.equal(line(16).join(''), '.........WbbbbbbbbbbbbbbbWW.........')
  assert.equal(line(15).join(''), '.'.repeat(36))
})

test('eight pixels, and doubled ones for forty columns', () => {
  const narrow = drawn({ width: 8 })
  narrow.text.putCharacter(0, 0, 1, 0, BLUE, WHITE)
  assert.equal(narrow.line(0).join(''), `Wbbbbbbb${'.'.repeat(24)}`)
  const wide = drawn({ width: 16, doubled: true })
  wide.text.putCharacter(0, 0, 1, 0, BLUE, WHITE)
  assert.equal(wide.line(0).join(''), `WW${'b'.repeat(14)}${'.'.repeat(48)}`)
})

test('font pages, blinking and the cursor', () => {
  const { text, line } = drawn({ width: 8 })
  text.setFontPages(1, 0)
  text.putCharacter(0, 0, 1, BLINKING, BLUE, WHITE)
  assert.equal(line(0).slice(0, 8).join(''), 'WWWWWWWW')
  text.blink(false)
  assert.equal(line(0).slice(0, 8).join(''), 'bbbbbbbb')
  text.putCharacter(1, 3, 0, 0, BLUE, WHITE)
  text.moveCursor({ row: 1, column: 3, start: 14, end: 15, enabled: true })
  text.blink(true)
  assert.equal(
    line(16 + 14)
      .slice(24)
      .join(''),
    'WWWWWWWW',
  )
  assert.equal(
    line(16 + 13)
      .slice(24)
      .join(''),
    'bbbbbbbb',
  )
  text.moveCursor({ row: 0 })
  assert.equal(
    line(16 + 14)
      .slice(24)
      .join(''),
    'bbbbbbbb',
  )
})

test('only what has changed is drawn', () => {
  const { text, pixels } = drawn()
  assert.ok(text.draw(pixels))
  assert.ok(!text.draw(pixels))
  text.putCharacter(9, 9, 1, 0, BLUE, WHITE)
  assert.ok(!text.draw(pixels))
  text.putCharacter(0, 0, 1, 0, BLUE, WHITE)
  assert.ok(text.draw(pixels))
})
