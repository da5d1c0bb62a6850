import { readUint32 } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import { LENGTH_BYTES, runOf } from '../framing.ts'
import type { Conditions } from './settings.ts'

/**
 * A bad line: one way of a cable, with loss, delay, jitter, a rate, and frames that come too late or twice.
 *
 *     push --> lost? --> queue of the rate (full: lost) --> delay +- jitter --> deliver
 *
 * The line has one timer, for the frame that is due next; all that are due then leave as one run.
 */

/** So much later than its turn comes a frame that others overtake. */
const OVERTAKEN_MS = 5
/** What may be on the way at all; a long delay at a high rate needs this bound. */
const MAXIMUM_HELD_BYTES = 16 * 1024 * 1024

interface HeldFrame {
  readonly frame: Uint8Array
  readonly dueAt: number
}

export class Line {
  readonly #conditions: Conditions
  readonly #clock: Clock
  readonly #deliver: (run: Uint8Array, frames: number) => void
  readonly #random: () => number
  /** By `dueAt`. */
  readonly #held: HeldFrame[] = []
  #heldBytes = 0
  /** When the rate's queue is empty, and when the last frame in order is due. */
  #freeAt = 0
  #lastDueAt = 0
  #cancelTimer: (() => void) | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(conditions: Conditions, clock: Clock, deliver: (run: Uint8Array, frames: number) => void) {
    this.#conditions = conditions
    this.#clock = clock
    this.#deliver = deliver
    this.#random = randomFrom(conditions.seed ?? Math.floor(Math.random() * 2 ** 32))
  }

  /** @returns how many of the frames are lost */
  push(run: Uint8Array): number {
    const now = this.#clock.now()
    let lost = 0
    for (let at = 0; at < run.length; ) {
      const end = at + LENGTH_BYTES + readUint32(run, at)
      const frame = run.subarray(at + LENGTH_BYTES, end)
      if (this.#happens(this.#conditions.lossPercent) || !this.#send(frame, now)) lost++
      else if (this.#happens(this.#conditions.duplicatePercent)) this.#send(frame, now)
      at = end
    }
    this.#setTimer()
    return lost
  }

  /** Forgets what is on the way. @returns how many frames that were */
  close(): number {
    this.#cancelTimer?.()
    return this.#held.splice(0).length
  }

  /** False: there is no room for it. */
  #send(frame: Uint8Array, now: number): boolean {
    const { rateMbps, queueBytes, delayMs, jitterMs, reorderPercent } = this.#conditions
    if (this.#heldBytes + frame.length > MAXIMUM_HELD_BYTES) return false
    let leavesAt = now
    if (rateMbps !== undefined) {
      const bytesPerMs = rateMbps * 125
      const begins = Math.max(now, this.#freeAt)
      if ((begins - now) * bytesPerMs + frame.length > queueBytes) return false
      leavesAt = begins + frame.length / bytesPerMs
      this.#freeAt = leavesAt
    }
    const jitter = jitterMs === 0 ? 0 : (this.#random() * 2 - 1) * jitterMs
    const dueAt = Math.max(leavesAt + Math.max(0, delayMs + jitter), this.#lastDueAt)
    const isOvertaken = this.#happens(reorderPercent)
    if (!isOvertaken) this.#lastDueAt = dueAt
    this.#hold(frame, isOvertaken ? dueAt + OVERTAKEN_MS : dueAt)
    return true
  }

  #hold(frame: Uint8Array, dueAt: number): void {
    // A copy: what waits must not keep the buffer alive that the frame is a view of.
    const held = { frame: frame.slice(), dueAt }
    this.#heldBytes += frame.length
    let at = this.#held.length
    while (at > 0 && this.#held[at - 1]!.dueAt > dueAt) at--
    this.#held.splice(at, 0, held)
  }

  #setTimer(): void {
    const first = this.#held[0]
    if (first === undefined || first.dueAt >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = first.dueAt
    this.#cancelTimer = this.#clock.after(Math.max(0, first.dueAt - this.#clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.#deliverDue()
      this.#setTimer()
    })
  }

  #deliverDue(): void {
    const now = this.#clock.now()
    let due = 0
    while (due < this.#held.length && this.#held[due]!.dueAt <= now) due++
    if (due === 0) return
    const frames = this.#held.splice(0, due).map(({ frame }) => frame)
    const run = runOf(...frames)
    this.#heldBytes -= run.length - due * LENGTH_BYTES
    this.#deliver(run, due)
  }

  #happens(percent: number): boolean {
    return percent > 0 && this.#random() * 100 < percent
  }
}

/** Mulberry32 (T. Ettinger, public domain): good enough for fate, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
