import { viewOf } from '../../base/index.ts'
import { Shadow } from './damage.ts'
import type { FrameBuffer, Rectangle } from './frame-buffer.ts'
import { hasCompactPixels, isPictureOrder, type PixelFormat, writePixel } from './pixel-format.ts'
import { ENCODING, SERVER_MESSAGE } from './protocol.ts'
import { encodeTight, TIGHT_MAX_WIDTH } from './tight.ts'

/** Keeps a Tight rectangle's data below the 22 bits of its length whatever the pixels are. */
const TIGHT_MAX_PIXELS = 1_000_000

interface SizeAnnouncement {
  /** 0 = the server's own doing, 1 = the answer to this client. */
  readonly reason: number
  readonly status: number
}

/** Makes the FramebufferUpdate messages of one client, with what the client understands. */
export class UpdateWriter {
  readonly #screen: FrameBuffer
  readonly #shadow = new Shadow()
  #encodings: ReadonlySet<number> = new Set()
  /** What the client believes the desktop's size to be. */
  #width = 0
  #height = 0
  #generation = -1
  /** Pseudo rectangles that are due with the next update. */
  #announceKeys = false
  #announceCursor = false
  #announcement: SizeAnnouncement | undefined

  constructor(screen: FrameBuffer) {
    this.#screen = screen
  }

  /** The client has just been told the present size. */
  start(): void {
    this.#takeSize()
  }

  setEncodings(encodings: ReadonlySet<number>): void {
    this.#encodings = encodings
    this.#announceKeys = encodings.has(ENCODING.qemuExtendedKey)
    this.#announceCursor = encodings.has(ENCODING.cursor)
    if (encodings.has(ENCODING.extendedDesktopSize)) this.announceSize({ reason: 0, status: 0 })
  }

  announceSize(announcement: SizeAnnouncement): void {
    if (this.#encodings.has(ENCODING.extendedDesktopSize)) this.#announcement = announcement
  }

  forget(region: Rectangle): void {
    this.#shadow.forget(region)
    this.#generation = -1
  }

  /** The answer to a request; undefined when there is nothing to say. */
  update(region: Rectangle, format: PixelFormat): Uint8Array | undefined {
    const rectangles = this.#announcements()
    // After a change of size the client asks again, for the new whole.
    if (!this.#sizeChanged(rectangles)) rectangles.push(...this.#changes(region, format))
    if (rectangles.length === 0) return undefined
    const head = new Uint8Array(4)
    head[0] = SERVER_MESSAGE.update
    viewOf(head).setUint16(2, rectangles.length)
    return Buffer.concat([head, ...rectangles])
  }

  #announcements(): Uint8Array[] {
    const out: Uint8Array[] = []
    const none = { x: 0, y: 0, width: 0, height: 0 }
    if (this.#announceKeys) out.push(rectangle(none, ENCODING.qemuExtendedKey))
    // The guest draws its own pointer: the client's shape is empty.
    if (this.#announceCursor) out.push(rectangle(none, ENCODING.cursor))
    if (this.#announcement) out.push(this.#extendedSize(this.#announcement))
    this.#announceKeys = false
    this.#announceCursor = false
    this.#announcement = undefined
    return out
  }

  /** Tells a new size where the client can follow; where it cannot, it goes on with the part it knows. */
  #sizeChanged(rectangles: Uint8Array[]): boolean {
    const { width, height } = this.#screen
    if (width === this.#width && height === this.#height) return false
    if (this.#encodings.has(ENCODING.extendedDesktopSize)) {
      rectangles.push(this.#extendedSize({ reason: 0, status: 0 }))
    } else if (this.#encodings.has(ENCODING.desktopSize)) {
      rectangles.push(rectangle({ x: 0, y: 0, width, height }, ENCODING.desktopSize))
    } else {
      return false
    }
    this.#takeSize()
    return true
  }

  #takeSize(): void {
    this.#width = this.#screen.width
    this.#height = this.#screen.height
    this.#shadow.resize(this.#width, this.#height)
    this.#generation = -1
  }

  /** One screen, number 0, that fills the desktop. */
  #extendedSize({ reason, status }: SizeAnnouncement): Uint8Array {
    const { width, height } = this.#screen
    const body = new Uint8Array(20)
    const view = viewOf(body)
    body[0] = 1
    view.setUint16(12, width)
    view.setUint16(14, height)
    return Buffer.concat([
      rectangle({ x: reason, y: status, width, height }, ENCODING.extendedDesktopSize),
      body,
    ])
  }

  #changes(region: Rectangle, format: PixelFormat): Uint8Array[] {
    const screen = this.#screen
    if (screen.generation === this.#generation) return []
    const changed = this.#shadow.update(screen, region)
    const whole =
      region.x === 0 && region.y === 0 && region.width >= screen.width && region.height >= screen.height
    if (whole) this.#generation = screen.generation
    const tight = this.#encodings.has(ENCODING.tight) && hasCompactPixels(format)
    if (!tight) return changed.map((area) => rectangle(area, ENCODING.raw, rawPixels(screen, area, format)))
    return changed
      .flatMap(tightPieces)
      .map((area) => rectangle(area, ENCODING.tight, encodeTight(screen, area)))
  }
}

/** Section 7.6.1: place, size and encoding, then the encoding's own data. */
function rectangle(area: Rectangle, encoding: number, data?: Uint8Array): Uint8Array {
  const head = new Uint8Array(12)
  const view = viewOf(head)
  view.setUint16(0, area.x)
  view.setUint16(2, area.y)
  view.setUint16(4, area.width)
  view.setUint16(6, area.height)
  view.setInt32(8, encoding)
  return data ? Buffer.concat([head, data]) : head
}

function rawPixels(screen: FrameBuffer, { x, y, width, height }: Rectangle, format: PixelFormat): Uint8Array {
  const out = new Uint8Array((width * height * format.bitsPerPixel) / 8)
  const sameOrder = isPictureOrder(format)
  let at = 0
  for (let row = y; row < y + height; row++) {
    const from = (row * screen.width + x) * 4
    const pixels = screen.rgba.subarray(from, from + width * 4)
    if (sameOrder) {
      out.set(pixels, at)
      at += pixels.length
    } else {
      for (let i = 0; i < pixels.length; i += 4)
        at = writePixel(format, pixels[i]!, pixels[i + 1]!, pixels[i + 2]!, out, at)
    }
  }
  return out
}

function tightPieces(area: Rectangle): Rectangle[] {
  const pieces: Rectangle[] = []
  const width = Math.min(area.width, TIGHT_MAX_WIDTH)
  const height = Math.min(area.height, Math.floor(TIGHT_MAX_PIXELS / width))
  for (let y = 0; y < area.height; y += height)
    for (let x = 0; x < area.width; x += width)
      pieces.push({
        x: area.x + x,
        y: area.y + y,
        width: Math.min(width, area.width - x),
        height: Math.min(height, area.height - y),
      })
  return pieces
}
