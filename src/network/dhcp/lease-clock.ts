import type { Clock } from '../clock.ts'
import type { LeaseTable } from './leases.ts'

/** Ends leases in time: one timer, for the lease that ends first. */
export class LeaseClock {
  readonly #clock: Clock
  readonly #tables: () => readonly LeaseTable[]
  #dueAt = Number.POSITIVE_INFINITY
  #cancel: () => void = () => undefined

  constructor(clock: Clock, tables: () => readonly LeaseTable[]) {
    this.#clock = clock
    this.#tables = tables
  }

  /** A lease ends then, unless it is renewed. */
  until(endsAt: number): void {
    if (endsAt >= this.#dueAt) return
    this.#cancel()
    this.#dueAt = endsAt
    const wait = Math.min(Math.max(endsAt - this.#clock.now(), LEAST_MS), MOST_MS)
    this.#cancel = this.#clock.after(wait, () => this.#sweep())
  }

  close(): void {
    this.#cancel()
    this.#dueAt = Number.NEGATIVE_INFINITY
  }

  #sweep(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    for (const table of this.#tables()) {
      const next = table.sweep()
      if (next !== undefined) this.until(next)
    }
  }
}

/** Many leases that end one after the other are swept together. */
const LEAST_MS = 1000
/** A timer of the system holds 24 days. */
const MOST_MS = 86_400_000
