/**
 * How long to wait for an acknowledgment (RFC 6298). Milliseconds.
 *
 * Its section 2.4 would have a second as the least; every system in use takes less, and here all stations are on one
 * switch.
 */
const INITIAL_MS = 1000
const LEAST_MS = 250
const MOST_MS = 60_000
/** Of the clock: G of section 2. */
const GRANULARITY_MS = 1

export class RoundTrip {
  #smoothed: number | undefined
  #variation = 0
  #timeoutMs = INITIAL_MS
  #doublings = 0

  get timeoutMs(): number {
    return Math.min(this.#timeoutMs * 2 ** this.#doublings, MOST_MS)
  }

  /** 2.2 and 2.3. Of a segment that was sent once only (section 3, Karn's algorithm). */
  measured(milliseconds: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = milliseconds
      this.#variation = milliseconds / 2
    } else {
      this.#variation += (Math.abs(this.#smoothed - milliseconds) - this.#variation) / 4
      this.#smoothed += (milliseconds - this.#smoothed) / 8
    }
    const wanted = this.#smoothed + Math.max(GRANULARITY_MS, 4 * this.#variation)
    this.#timeoutMs = Math.min(Math.max(wanted, LEAST_MS), MOST_MS)
  }

  /** 5.5: the timer ran out. */
  backOff(): void {
    this.#doublings++
  }

  /**
   * The peer acknowledged something new: it lives, and the long timeout has done its work. By section 3 it would stay
   * until a segment is measured, and over a bad wire minutes pass before one is.
   */
  progressed(): void {
    this.#doublings = 0
  }
}
