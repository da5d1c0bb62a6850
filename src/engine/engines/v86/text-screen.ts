/** Pixels of one character cell, as the VGA's registers say. */
export interface Font {
  readonly height: number
  /** 8, 9 or 16. */
  readonly width: number
  readonly doubled: boolean
  /** The ninth column of codes C0h to DFh repeats the eighth, so that lines join. */
  readonly copyEighthColumn: boolean
  /** Plane 2: eight fonts of 256 characters of 32 bytes. A live view of the VGA's memory. */
  readonly plane: Uint8Array
}

export interface Cursor {
  readonly row: number
  readonly column: number
  readonly start: number
  readonly end: number
  readonly enabled: boolean
}

export const BLINKING = 1
export const FONT_PAGE_B = 2
/** Milliseconds of one phase of cursor and characters that blink: 16 of 60 frames. */
export const BLINK_MILLISECONDS = 266
const BYTES_PER_CHARACTER = 32
const CHARACTERS_PER_FONT = 256
const OPAQUE = 0xff000000

/** A VGA text mode, drawn character by character with the font that the guest has loaded. */
export class TextScreen {
  columns = 80
  rows = 25
  #cells = new Int32Array(80 * 25 * 4)
  #dirty = new Uint8Array(25).fill(1)
  #font: Font | undefined
  #pageA = 0
  #pageB = 0
  #cursor: Cursor = { row: 0, column: 0, start: 14, end: 15, enabled: false }
  #blinkOn = true

  get width(): number {
    return this.columns * (this.#font?.width ?? 9)
  }

  get height(): number {
    return this.rows * (this.#font?.height ?? 16)
  }

  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return
    this.columns = columns
    this.rows = rows
    this.#cells = new Int32Array(columns * rows * 4)
    this.#dirty = new Uint8Array(rows).fill(1)
  }

  putCharacter(
    row: number,
    column: number,
    code: number,
    flags: number,
    background: number,
    foreground: number,
  ) {
    if (row >= this.rows || column >= this.columns) return
    this.#cells.set([code, flags, background, foreground], (row * this.columns + column) * 4)
    this.#dirty[row] = 1
  }

  setFont(font: Font): void {
    this.#font = font
    this.redraw()
  }

  setFontPages(a: number, b: number): void {
    this.#pageA = a
    this.#pageB = b
    this.redraw()
  }

  moveCursor(change: Partial<Cursor>): void {
    this.#markRow(this.#cursor.row)
    this.#cursor = { ...this.#cursor, ...change }
    this.#markRow(this.#cursor.row)
  }

  /** Turns the phase of everything that blinks. */
  blink(on: boolean): void {
    if (on === this.#blinkOn) return
    this.#blinkOn = on
    if (this.#cursor.enabled) this.#markRow(this.#cursor.row)
    for (let row = 0; row < this.rows; row++) if (this.#rowBlinks(row)) this.#dirty[row] = 1
  }

  redraw(): void {
    this.#dirty.fill(1)
  }

  /** Draws the rows that changed into pixels of `width` x `height`; false when none did. */
  draw(pixels: Uint32Array): boolean {
    const font = this.#font
    if (font === undefined) return false
    let drawn = false
    for (let row = 0; row < this.rows; row++) {
      if (this.#dirty[row] === 0) continue
      this.#dirty[row] = 0
      drawn = true
      for (let column = 0; column < this.columns; column++) this.#drawCell(pixels, font, row, column)
      if (this.#cursor.enabled && this.#blinkOn && this.#cursor.row === row) this.#drawCursor(pixels, font)
    }
    return drawn
  }

  #markRow(row: number): void {
    if (row < this.rows) this.#dirty[row] = 1
  }

  #rowBlinks(row: number): boolean {
    const end = (row + 1) * this.columns * 4
    for (let at = row * this.columns * 4 + 1; at < end; at += 4) if (this.#cells[at]! & BLINKING) return true
    return false
  }

  #drawCell(pixels: Uint32Array, font: Font, row: number, column: number): void {
    const cell = (row * this.columns + column) * 4
    const code = this.#cells[cell]!
    const flags = this.#cells[cell + 1]!
    const background = pixelOf(this.#cells[cell + 2]!)
    const foreground = flags & BLINKING && !this.#blinkOn ? background : pixelOf(this.#cells[cell + 3]!)
    const page = flags & FONT_PAGE_B ? this.#pageB : this.#pageA
    const glyph = (page * CHARACTERS_PER_FONT + code) * BYTES_PER_CHARACTER
    const stride = this.columns * font.width
    let at = row * font.height * stride + column * font.width
    for (let line = 0; line < font.height; line++) {
      const bits = glyphBits(font, font.plane[glyph + line]!, code)
      for (let x = 0; x < font.width; x++)
        pixels[at + x] = (bits >> (font.width - 1 - x)) & 1 ? foreground : background
      at += stride
    }
  }

  #drawCursor(pixels: Uint32Array, font: Font): void {
    const { row, column, start, end } = this.#cursor
    if (column >= this.columns) return
    const colour = pixelOf(this.#cells[(row * this.columns + column) * 4 + 3]!)
    const stride = this.columns * font.width
    for (let line = start; line <= Math.min(end, font.height - 1); line++) {
      const at = (row * font.height + line) * stride + column * font.width
      pixels.fill(colour, at, at + font.width)
    }
  }
}

/** A glyph's line as `font.width` bits. */
function glyphBits(font: Font, bits: number, code: number): number {
  if (font.doubled) {
    let doubled = 0
    for (let bit = 7; bit >= 0; bit--) doubled = (doubled << 2) | ((bits >> bit) & 1 ? 3 : 0)
    return doubled
  }
  if (font.width === 8) return bits
  const ninth = font.copyEighthColumn && code >= 0xc0 && code <= 0xdf ? bits & 1 : 0
  return (bits << 1) | ninth
}

/** v86's 0xRRGGBB as the bytes R, G, B, 255 in memory. */
export function pixelOf(colour: number): number {
  return (OPAQUE | ((colour & 0xff) << 16) | (colour & 0xff00) | ((colour >> 16) & 0xff)) >>> 0
}
