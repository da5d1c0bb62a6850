import { PortMeter } from './ports/port-meter.ts'
import type { Connectable, ConnectSettings, Link, SwitchPort } from './switch.ts'

/**
 * A socket on the wall: stations are plugged into it once, and it is patched to one network or another, or to none,
 * while they stay plugged in. To a station, being unpatched is a cable without anything at its end. One that is plugged
 * in anew (an adopted machine) goes on with the counters that the socket has on its network.
 */
export class Patch implements Connectable {
  readonly #stations = new Set<PatchedStation>()
  #network: Connectable | undefined
  #settings: ConnectSettings = {}
  /** Of its port on the network of now, whichever station is plugged in. */
  #meter = new PortMeter()
  #nextId = 1

  connect(name: string, link: Link): SwitchPort {
    const station = new PatchedStation(name, link)
    station.plugInto(this.#network, { ...this.#settings, meter: this.#meter })
    this.#stations.add(station)
    return {
      id: this.#nextId++,
      name,
      receive: (run) => station.receive(run),
      configure: (settings) => this.configure(settings),
      disconnect: () => {
        if (this.#stations.delete(station)) station.plugInto(undefined, {})
      },
    }
  }

  /** Patches it through; undefined = to nothing. A network that is closed leaves it patched to nothing. */
  to(network: Connectable | undefined): void {
    if (network === this.#network) return
    this.#network = network
    this.#meter = new PortMeter()
    for (const station of this.#stations) station.plugInto(network, { ...this.#settings, meter: this.#meter })
  }

  /** Settings of its port, whichever network that is on. */
  configure(settings: ConnectSettings): void {
    this.#settings = settings
    for (const station of this.#stations) station.configure(settings)
  }

  /** Unplugs every station for good. */
  close(): void {
    this.to(undefined)
    for (const station of this.#stations) station.link.closed?.()
    this.#stations.clear()
  }
}

class PatchedStation {
  readonly link: Link
  readonly #name: string
  #port: SwitchPort | undefined

  constructor(name: string, link: Link) {
    this.#name = name
    this.link = link
  }

  plugInto(network: Connectable | undefined, settings: ConnectSettings): void {
    const old = this.#port
    this.#port = undefined
    old?.disconnect()
    // Its `closed` is not passed on: the switch that goes is not the end of the station.
    this.#port = network?.connect(this.#name, { send: (run, from) => this.#send(run, from) }, settings)
  }

  configure(settings: ConnectSettings): void {
    this.#port?.configure(settings)
  }

  receive(run: Uint8Array): void {
    this.#port?.receive(run)
  }

  #send(run: Uint8Array, from: number): boolean {
    try {
      return this.link.send(run, from)
    } catch (error) {
      this.link.closed?.()
      throw error
    }
  }
}
