import { CAPS_LOCK, type Key, keyOfKeysym, SHIFT_KEYSYMS, scancodeBytes } from './keysyms.ts'

const LEFT_SHIFT = 0x2a

/**
 * The guest's keyboard, pressed by all clients together: turns key events into the bytes of scancode set 1.
 *
 * A client that sends keysyms tells characters, not keys: it may send "A" without Shift (a telephone) or "/" with
 * it (a German keyboard). Then Shift is pressed or let go around the character, as the guest's US layout needs.
 */
export class Keyboard {
  readonly #send: (bytes: readonly number[]) => void
  /** Scancodes that are down. */
  readonly #down = new Set<number>()
  /** Which scancode a keysym pressed: its release must not depend on what Shift does meanwhile. */
  readonly #scancodeOf = new Map<number, number>()
  #shifts = new Set<number>()
  #capsLock = false

  constructor(send: (bytes: readonly number[]) => void) {
    this.#send = send
  }

  /** A key by its X11 keysym; unknown ones are ignored. */
  keysym(keysym: number, down: boolean): void {
    const key = keyOfKeysym(keysym)
    if (key === undefined) return
    if (!down) {
      this.scancode(this.#scancodeOf.get(keysym) ?? key.scancode, false, keysym)
      this.#scancodeOf.delete(keysym)
      return
    }
    this.#scancodeOf.set(keysym, key.scancode)
    const fix = this.#wrongShift(key) ? this.#toggledShift() : undefined
    if (fix) this.#send(fix.before)
    this.scancode(key.scancode, true, keysym)
    if (fix) this.#send(fix.after)
  }

  /** A key by its set 1 scancode, 0xe0XX where extended (the QEMU extended key event). */
  scancode(scancode: number, down: boolean, keysym = 0): void {
    if (down) this.#down.add(scancode)
    else if (!this.#down.delete(scancode)) return
    if (scancode === LEFT_SHIFT || scancode === 0x36 || SHIFT_KEYSYMS.has(keysym)) {
      if (down) this.#shifts.add(scancode)
      else this.#shifts.delete(scancode)
    }
    if (keysym === CAPS_LOCK && down) this.#capsLock = !this.#capsLock
    this.#send(scancodeBytes(scancode, down))
  }

  /** Lets go of everything: a client that vanished leaves no key stuck. */
  releaseAll(): void {
    for (const scancode of [...this.#down]) this.scancode(scancode, false)
    this.#scancodeOf.clear()
  }

  #wrongShift({ scancode, shift }: Key): boolean {
    if (shift === undefined) return false
    const isLetter = (scancode >= 0x10 && scancode <= 0x19) || (scancode >= 0x1e && scancode <= 0x26)
    const capsCounts = this.#capsLock && (isLetter || (scancode >= 0x2c && scancode <= 0x32))
    return this.#shifts.size > 0 !== (shift !== capsCounts)
  }

  #toggledShift(): { before: number[]; after: number[] } {
    const held = [...this.#shifts]
    if (held.length === 0)
      return { before: scancodeBytes(LEFT_SHIFT, true), after: scancodeBytes(LEFT_SHIFT, false) }
    return {
      before: held.flatMap((scancode) => scancodeBytes(scancode, false)),
      after: held.flatMap((scancode) => scancodeBytes(scancode, true)),
    }
  }
}
