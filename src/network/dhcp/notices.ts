import { formatIpv4, formatMac } from '../addresses.ts'
import type { NetworkEvent } from '../events.ts'

export const NEXT_EXHAUSTED =
  'Widen the range, shorten the lease time, or delete leases of machines that are gone.'

/** What a DHCP server has to tell people of addresses, and never more often than they can read. */
export class DhcpNotices {
  readonly #tell: (event: NetworkEvent) => void
  readonly #now: () => number
  #isExhausted = false
  #exhaustedAt = Number.NEGATIVE_INFINITY
  #recent: number[] = []

  constructor(tell: (event: NetworkEvent) => void, now: () => number) {
    this.#tell = tell
    this.#now = now
  }

  get isExhausted(): boolean {
    return this.#isExhausted
  }

  /** Told once, until a client gets an address again; a pool at its brim is told of every ten minutes. */
  exhausted(start: number, end: number): void {
    const wasExhausted = this.#isExhausted
    this.#isExhausted = true
    if (wasExhausted || this.#now() - this.#exhaustedAt < BRIM_MS) return
    this.#exhaustedAt = this.#now()
    this.#tell({
      severity: 'warning',
      code: 'dhcp-exhausted',
      message: `No address from ${formatIpv4(start)} to ${formatIpv4(end)} is free any more; a machine that asks gets none.`,
      next: NEXT_EXHAUSTED,
    })
  }

  granted(): void {
    this.#isExhausted = false
  }

  inUse(address: number, user: number | undefined): void {
    const since = this.#now() - FLOOD_MS
    this.#recent = this.#recent.filter((at) => at > since)
    if (this.#recent.length >= MAXIMUM_IN_FLOOD) return
    this.#recent.push(this.#now())
    this.#tell({
      severity: 'warning',
      code: 'dhcp-address-in-use',
      message: `${formatIpv4(address)} is used by a machine${
        user === undefined ? '' : ` (${formatMac(user)})`
      } that has no lease of it; it is not given out for ten minutes.`,
      next: 'Give that machine an address outside of the range, or reserve this one for it.',
    })
  }
}

const BRIM_MS = 600_000
const FLOOD_MS = 60_000
const MAXIMUM_IN_FLOOD = 5
