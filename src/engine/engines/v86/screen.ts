import type { FrameBuffer } from '../../rfb/index.ts'
import type { Emulator, ImageLayer, ScreenAdapter, Vga } from './emulator.ts'
import { BLINK_MILLISECONDS, BLINKING, FONT_PAGE_B, TextScreen } from './text-screen.ts'

/** A VGA's 60 frames a second, rounded up to the timer's milliseconds. */
const RETRACE_MILLISECONDS = 16
const OPAQUE_BLACK = 0xff000000

/**
 * The monitor: collects what v86's VGA reports to its screen adapter and holds it as pixels. It outlives an
 * emulator; `attach` plugs it into the next.
 */
export class Screen implements FrameBuffer {
  width = 720
  height = 400
  rgba: Uint8Array = new Uint8Array(720 * 400 * 4)
  generation = 0
  #pixels: Uint32Array
  #graphical = false
  #text = new TextScreen()
  #vga: Vga | undefined
  #retrace: NodeJS.Timeout | undefined

  constructor() {
    this.#pixels = new Uint32Array(this.rgba.buffer)
    this.#pixels.fill(OPAQUE_BLACK)
  }

  attach(emulator: Emulator): void {
    this.#graphical = false
    this.#text = new TextScreen()
    this.#vga = emulator.v86.cpu.devices.vga
    Object.assign(emulator.screen_adapter, this.#adapter())
  }

  /** Guests wait for the vertical retrace whether or not somebody looks; a browser would draw, Node needs a timer. */
  start(): void {
    this.#retrace ??= setInterval(() => this.#vga?.update_vertical_retrace(), RETRACE_MILLISECONDS)
  }

  stop(): void {
    clearInterval(this.#retrace)
    this.#retrace = undefined
  }

  refresh(): void {
    if (this.#graphical) {
      this.#vga?.screen_fill_buffer()
      return
    }
    const text = this.#text
    this.#resize(text.width, text.height)
    text.blink(Math.floor(performance.now() / BLINK_MILLISECONDS) % 2 === 0)
    if (text.draw(this.#pixels)) this.generation++
  }

  #adapter(): Omit<ScreenAdapter, 'init'> {
    const text = this.#text
    return {
      FLAG_BLINKING: BLINKING,
      FLAG_FONT_PAGE_B: FONT_PAGE_B,
      put_char: (...cell) => text.putCharacter(...cell),
      set_mode: (graphical) => {
        this.#graphical = graphical
        text.redraw()
      },
      set_font_bitmap: (height, nineWide, doubled, copyEighthColumn, plane) =>
        text.setFont({ height, width: doubled ? 16 : nineWide ? 9 : 8, doubled, copyEighthColumn, plane }),
      set_font_page: (a, b) => text.setFontPages(a, b),
      set_size_text: (columns, rows) => text.resize(columns, rows),
      update_cursor: (row, column) => text.moveCursor({ row, column }),
      update_cursor_scanline: (start, end, enabled) => text.moveCursor({ start, end, enabled }),
      set_size_graphical: (width, height) => this.#resize(width, height),
      update_buffer: (layers) => {
        for (const layer of layers) this.#drawLayer(layer)
        this.generation++
      },
      clear_screen: () => {
        if (!this.#graphical) return
        this.#pixels.fill(OPAQUE_BLACK)
        this.generation++
      },
    }
  }

  #resize(width: number, height: number): void {
    if (width === this.width && height === this.height) return
    this.width = width
    this.height = height
    this.rgba = new Uint8Array(width * height * 4)
    this.#pixels = new Uint32Array(this.rgba.buffer)
    this.#pixels.fill(OPAQUE_BLACK)
    this.#text.redraw()
    this.generation++
  }

  /** Copies a rectangle of the VGA's picture; parts outside of the screen are left out. */
  #drawLayer({ image_data: image, ...layer }: ImageLayer): void {
    const source = new Uint32Array(image.data.buffer, image.data.byteOffset, image.data.length >> 2)
    const left = Math.max(0, -layer.screen_x)
    const count =
      Math.min(layer.buffer_width, this.width - layer.screen_x, image.width - layer.buffer_x) - left
    if (count <= 0) return
    for (let line = Math.max(0, -layer.screen_y); line < layer.buffer_height; line++) {
      const y = layer.screen_y + line
      if (y >= this.height || layer.buffer_y + line >= image.height) break
      const from = (layer.buffer_y + line) * image.width + layer.buffer_x + left
      this.#pixels.set(source.subarray(from, from + count), y * this.width + layer.screen_x + left)
    }
  }
}
