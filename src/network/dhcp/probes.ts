import type { Clock } from '../clock.ts'
import type { NetworkHost } from '../host.ts'

/**
 * Asks the network by ARP whether an address is in use, before it is offered (RFC 2131, 2.2). Nothing stands still
 * meanwhile: what waits for the result is called back.
 */

/** A guest that is busy booting under emulation answers late; a client waits four seconds (RFC 2131, 4.1). */
const PROBE_MS = 500
/** Under way at a time. A flood of clients beyond it is answered unprobed; each client probes by itself too (4.4.1). */
const MAXIMUM_PROBES = 256

export class Probes {
  readonly #host: NetworkHost
  readonly #clock: Clock
  readonly #underWay = new Map<number, { ended: () => void; readonly cancel: () => void }>()

  constructor(host: NetworkHost, clock: Clock) {
    this.#host = host
    this.#clock = clock
  }

  /** Asked again while it is under way, a probe has only the last to call back. */
  ask(address: number, ended: () => void): void {
    const running = this.#underWay.get(address)
    if (running !== undefined) {
      running.ended = ended
      return
    }
    if (this.#underWay.size >= MAXIMUM_PROBES) {
      ended()
      return
    }
    const cancel = this.#clock.after(PROBE_MS, () => {
      const probe = this.#underWay.get(address)
      this.#underWay.delete(address)
      probe?.ended()
    })
    this.#underWay.set(address, { ended, cancel })
    this.#host.ask(address)
  }

  close(): void {
    for (const { cancel } of this.#underWay.values()) cancel()
    this.#underWay.clear()
  }
}
