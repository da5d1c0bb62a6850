import type { Clock } from '../clock.ts'

/** When a router advertises (RFC 4861, 6.2.4 and 6.2.6). Always to all: so no question brings more than it is told. */

/** RFC 4861, 10. */
const INITIAL_ADVERTISEMENTS = 3
const LONGEST_INITIAL_MS = 16_000
const LEAST_BETWEEN_MS = 3000
const LONGEST_DELAY_MS = 500

export interface AdvertiserParts {
  readonly clock: Clock
  /** The longest time between two. */
  readonly intervalSeconds: number
  readonly advertise: () => void
  /** From 0 to below 1. */
  readonly random: () => number
}

export class Advertiser {
  readonly #parts: AdvertiserParts
  #sent = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #dueAt = Number.POSITIVE_INFINITY
  #cancel: () => void = () => undefined

  /** The first advertisement comes at once: no other router wakes up at the same moment. */
  constructor(parts: AdvertiserParts) {
    this.#parts = parts
    this.#scheduleIn(0)
  }

  get sent(): number {
    return this.#sent
  }

  /** Somebody asks. Many who ask together get one answer. */
  solicited(): void {
    const { clock, random } = this.#parts
    const now = clock.now()
    const earliest = Math.max(now, this.#sentAt + LEAST_BETWEEN_MS)
    if (this.#dueAt <= earliest + LONGEST_DELAY_MS) return
    this.#scheduleIn(earliest - now + random() * LONGEST_DELAY_MS)
  }

  close(): void {
    this.#cancel()
  }

  #scheduleIn(milliseconds: number): void {
    const { clock } = this.#parts
    const whole = Math.ceil(milliseconds)
    this.#cancel()
    this.#dueAt = clock.now() + whole
    this.#cancel = clock.after(whole, () => this.#advertise())
  }

  #advertise(): void {
    const { clock, advertise } = this.#parts
    this.#sent++
    this.#sentAt = clock.now()
    this.#scheduleIn(this.#nextInterval())
    advertise()
  }

  /** Uniform between MinRtrAdvInterval and MaxRtrAdvInterval, so that routers do not fall into step. */
  #nextInterval(): number {
    const { intervalSeconds, random } = this.#parts
    const longest = intervalSeconds * 1000
    const shortest = Math.max(LEAST_BETWEEN_MS, longest / 3)
    const interval = shortest + random() * (longest - shortest)
    return this.#sent < INITIAL_ADVERTISEMENTS ? Math.min(interval, LONGEST_INITIAL_MS) : interval
  }
}
