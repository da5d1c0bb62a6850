import { distance, isBefore } from './sequence.ts'

/**
 * How much may be in flight as far as the network is concerned (RFC 5681), and which loss shows in duplicate
 * acknowledgments (RFC 6582, NewReno). Bytes.
 */

/** RFC 6928. */
const INITIAL_SEGMENTS = 10
const DUPLICATES = 3

export class Congestion {
  readonly #segmentBytes: number
  #window: number
  #threshold = Number.POSITIVE_INFINITY
  #duplicates = 0
  #isRecovering = false
  /** What was sent when the last loss was seen: until it is acknowledged, that loss is being repaired. */
  #recover: number

  constructor(segmentBytes: number, first: number) {
    this.#segmentBytes = segmentBytes
    this.#window = INITIAL_SEGMENTS * segmentBytes
    this.#recover = first
  }

  get window(): number {
    return this.#window
  }

  /** @returns whether the first segment in flight is lost too, and to be sent again */
  advanced(una: number, count: number): boolean {
    this.#duplicates = 0
    if (!this.#isRecovering) {
      this.#grow(count)
      return false
    }
    if (!isBefore(una, this.#recover)) {
      this.#isRecovering = false
      this.#window = this.#threshold
      return false
    }
    // RFC 6582, 3.2, step 3, "Partial acknowledgments".
    this.#window = Math.max(this.#window - count, 0) + this.#segmentBytes
    return true
  }

  /** @returns whether the first segment in flight is lost, and to be sent again */
  duplicated(una: number, max: number): boolean {
    if (this.#isRecovering) {
      this.#window += this.#segmentBytes
      return false
    }
    this.#duplicates++
    // RFC 6582, 3.2, step 2: duplicates of what a timeout sent twice tell of no loss.
    if (this.#duplicates !== DUPLICATES || isBefore(una, this.#recover)) return false
    this.#halve(distance(una, max))
    this.#window = this.#threshold + DUPLICATES * this.#segmentBytes
    this.#isRecovering = true
    this.#recover = max
    return true
  }

  /** RFC 5681, 3.1, equation 4 and the loss window. */
  timedOut(una: number, max: number): void {
    this.#halve(distance(una, max))
    this.#window = this.#segmentBytes
    this.#isRecovering = false
    this.#duplicates = 0
    this.#recover = max
  }

  #halve(inFlight: number): void {
    this.#threshold = Math.max(Math.floor(inFlight / 2), 2 * this.#segmentBytes)
  }

  /** RFC 5681, 3.1: slow start, then congestion avoidance. */
  #grow(count: number): void {
    const segment = this.#segmentBytes
    if (this.#window < this.#threshold) this.#window += Math.min(count, segment)
    else this.#window += Math.max(1, Math.floor((segment * segment) / this.#window))
  }
}
