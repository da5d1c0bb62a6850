/** What a PS/2 mouse, or a tablet beside it, is told. */
export interface PointerSink {
  /** Relative, pixels, y downwards, each within -127 to 127. */
  move(dx: number, dy: number): void
  /** The same moment in absolute pixels of a width x height screen; for guests that have a tablet. */
  place(x: number, y: number, width: number, height: number): void
  buttons(left: boolean, middle: boolean, right: boolean): void
  /** One notch: +1 up, -1 down. */
  wheel(notch: number): void
}

/** A PS/2 packet carries 9 bits a direction; staying in 8 keeps the sign simple for old drivers. */
const LONGEST_MOVE = 127

/**
 * RFB tells where the client's pointer is; a PS/2 mouse can only say how far it moved. Guests accelerate, so the
 * two pointers drift apart. Whoever pushes the pointer against an edge brings them together again: there the mouse
 * moves on for a whole screen, which the guest's own edge swallows.
 */
export class Pointer {
  readonly #sink: PointerSink
  #x: number | undefined
  #y: number | undefined
  #buttons = 0

  constructor(sink: PointerSink) {
    this.#sink = sink
  }

  /** A pointer event of RFC 6143, section 7.5.5. */
  event(x: number, y: number, buttonMask: number, width: number, height: number): void {
    this.#sink.place(x, y, width, height)
    const dx = distance(this.#x, x, width)
    const dy = distance(this.#y, y, height)
    this.#move(dx, dy)
    this.#x = x
    this.#y = y
    this.#press(buttonMask)
  }

  #move(dx: number, dy: number): void {
    const steps = Math.ceil(Math.max(Math.abs(dx), Math.abs(dy)) / LONGEST_MOVE)
    for (let step = 1; step <= steps; step++) this.#sink.move(part(dx, step, steps), part(dy, step, steps))
  }

  #press(mask: number): void {
    const pressed = mask & ~this.#buttons
    if ((mask & 7) !== (this.#buttons & 7))
      this.#sink.buttons((mask & 1) !== 0, (mask & 2) !== 0, (mask & 4) !== 0)
    if (pressed & 8) this.#sink.wheel(1)
    if (pressed & 16) this.#sink.wheel(-1)
    this.#buttons = mask
  }
}

function distance(from: number | undefined, to: number, size: number): number {
  if (from === undefined || from === to) return 0
  if (to <= 0) return -size
  if (to >= size - 1) return size
  return to - from
}

/** The share of one step, so that all steps add up exactly. */
function part(total: number, step: number, steps: number): number {
  return Math.round((total * step) / steps) - Math.round((total * (step - 1)) / steps)
}
