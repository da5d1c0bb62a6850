import type { PortCounters } from './counters.ts'

/** What moved in each of the last 60 seconds and 60 minutes; the newest comes last. */
export interface History {
  readonly seconds: readonly HistorySample[]
  readonly minutes: readonly HistorySample[]
}

const FIELDS = ['framesReceived', 'bytesReceived', 'framesSent', 'bytesSent', 'framesDropped'] as const

export type HistorySample = Readonly<Record<(typeof FIELDS)[number], number>>

const SAMPLES = 60

/**
 * Made from counters that are looked at once a second. One that never counted anything has no arrays, so that
 * thousands of idle ports cost nothing.
 */
export class CounterHistory {
  readonly #last = new Float64Array(FIELDS.length)
  /** Rings of SAMPLES rows; the oldest row is the next to be written. */
  #rings: { readonly seconds: Float64Array; readonly minutes: Float64Array } | undefined
  #second = 0
  #minute = 0

  /** @param now the counters a second after the last look */
  sample(now: Readonly<PortCounters>): void {
    const hasMoved = FIELDS.some((field, index) => now[field] !== this.#last[index])
    if (this.#rings === undefined && !hasMoved) return
    this.#rings ??= {
      seconds: new Float64Array(SAMPLES * FIELDS.length),
      minutes: new Float64Array(SAMPLES * FIELDS.length),
    }
    const { seconds, minutes } = this.#rings
    for (const [index, field] of FIELDS.entries()) {
      seconds[this.#second * FIELDS.length + index] = now[field] - this.#last[index]!
      this.#last[index] = now[field]
    }
    this.#second = (this.#second + 1) % SAMPLES
    if (this.#second !== 0) return
    // A minute is full: its row is the sum of all seconds in the ring.
    for (let index = 0; index < FIELDS.length; index++) {
      let sum = 0
      for (let row = 0; row < SAMPLES; row++) sum += seconds[row * FIELDS.length + index]!
      minutes[this.#minute * FIELDS.length + index] = sum
    }
    this.#minute = (this.#minute + 1) % SAMPLES
  }

  status(): History {
    return {
      seconds: rows(this.#rings?.seconds, this.#second),
      minutes: rows(this.#rings?.minutes, this.#minute),
    }
  }
}

function rows(ring: Float64Array | undefined, oldest: number): HistorySample[] {
  return Array.from({ length: SAMPLES }, (_, age) => {
    const at = ((oldest + age) % SAMPLES) * FIELDS.length
    const values = FIELDS.map((field, index) => [field, ring?.[at + index] ?? 0])
    return Object.fromEntries(values) as HistorySample
  })
}
