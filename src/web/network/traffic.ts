import type { NetworkDetails } from '../../api/index.ts'

type Status = NonNullable<NetworkDetails['status']>
type Counters = Status['totals']

/** Bytes a second at one moment, as the machine sees it: what it sends is what the switch receives. */
export interface Rate {
  readonly sent: number
  readonly received: number
}

export const NO_RATE: Rate = { sent: 0, received: 0 }

/** Two minutes at a question every two seconds. */
const KEPT = 60
/** The counters of the network as a whole are kept under this name; a port's name is never empty. */
const WHOLE = ''

/** What passed between two answers of the server, for each port of a network, for as long as this page is open. */
export class TrafficHistory {
  #last: { readonly at: number; readonly counters: ReadonlyMap<string, Counters> } | undefined
  readonly #rates = new Map<string, Rate[]>()

  add(atMs: number, status: Status): void {
    const counters = new Map<string, Counters>([[WHOLE, status.totals]])
    for (const port of status.ports) counters.set(port.name, port.counters)
    const before = this.#last
    this.#last = { at: atMs, counters }
    for (const name of this.#rates.keys()) if (!counters.has(name)) this.#rates.delete(name)
    if (before === undefined || atMs <= before.at) return
    const seconds = (atMs - before.at) / 1000
    for (const [name, now] of counters) {
      const then = before.counters.get(name)
      const rates = this.#rates.get(name) ?? []
      this.#rates.set(
        name,
        [...rates, then === undefined ? NO_RATE : rateOf(then, now, seconds)].slice(-KEPT),
      )
    }
  }

  /** Of a port by its name; without one of the whole network. Oldest first. */
  history(port: string = WHOLE): readonly Rate[] {
    return this.#rates.get(port) ?? []
  }

  now(port: string = WHOLE): Rate {
    return this.history(port).at(-1) ?? NO_RATE
  }
}

/** A switch that was started anew counts from zero: what is less than before is nothing. */
function rateOf(then: Counters, now: Counters, seconds: number): Rate {
  const per = (before: number, after: number) => Math.max(0, after - before) / seconds
  return {
    sent: per(then.bytesReceived, now.bytesReceived),
    received: per(then.bytesSent, now.bytesSent),
  }
}

const UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const

/** "0", "640 bit/s", "12.4 Mbit/s": networks are measured in bits, and thousands of them. */
export function formatRate(bytesPerSecond: number): string {
  let value = bytesPerSecond * 8
  if (value < 0.5) return '0'
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}
