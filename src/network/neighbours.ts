import type { Clock } from './clock.ts'

/** Who uses which IPv4 address, as far as ARP told lately. */

/** Stations remembered; the oldest makes room. */
const MAXIMUM_NEIGHBOURS = 1024
/** How long a station that spoke by ARP is taken to hold its address. */
const NEIGHBOUR_MS = 600_000

export class Neighbours {
  readonly #clock: Clock
  readonly #own: number
  readonly #rivalFound: (mac: number) => void
  readonly #stations = new Map<number, { mac: number; seenAt: number }>()
  #rival: { readonly mac: number; readonly toldAt: number } | undefined

  /**
   * @param own address of the host itself
   * @param rivalFound called when another station uses it, at most every ten minutes for each
   */
  constructor(clock: Clock, own: number, rivalFound: (mac: number) => void) {
    this.#clock = clock
    this.#own = own
    this.#rivalFound = rivalFound
  }

  /** Undefined: nobody was heard using it. */
  at(address: number): number | undefined {
    const found = this.#stations.get(address)
    return found !== undefined && this.#clock.now() - found.seenAt <= NEIGHBOUR_MS ? found.mac : undefined
  }

  heard(address: number, mac: number): void {
    this.#remember(address, mac)
    if (address === this.#own) this.#meetRival(mac)
  }

  /** RFC 5227, 2.4: an address of ours in somebody else's ARP packet is used twice. */
  #meetRival(mac: number): void {
    if (this.#rival?.mac === mac && this.#clock.now() - this.#rival.toldAt < NEIGHBOUR_MS) return
    this.#rival = { mac, toldAt: this.#clock.now() }
    this.#rivalFound(mac)
  }

  #remember(address: number, mac: number): void {
    this.#stations.delete(address)
    if (this.#stations.size >= MAXIMUM_NEIGHBOURS) {
      for (const oldest of this.#stations.keys()) {
        this.#stations.delete(oldest)
        break
      }
    }
    this.#stations.set(address, { mac, seenAt: this.#clock.now() })
  }
}
