import { formatMac, readMac, readUint32 } from './addresses.ts'
import type { Clock } from './clock.ts'
import { addCounters, noCounters, type PortCounters, subtractCounters } from './counters.ts'
import { ETHERNET_HEADER_BYTES } from './ethernet.ts'
import type { NetworkEvent } from './events.ts'
import { LENGTH_BYTES } from './framing.ts'
import { CounterHistory, type History } from './history.ts'
import { MacTable } from './mac-table.ts'
import { Ipv6Owners } from './ports/ipv6-owners.ts'
import { Port, type PortSurroundings } from './ports/port.ts'
import { PortMeter } from './ports/port-meter.ts'
import type { PortSettings } from './ports/settings.ts'
import { VLAN_TAG_BYTES, vlanOf } from './vlan.ts'

/**
 * A learning Ethernet switch (IEEE 802.1D without spanning tree; it knows nothing of IP).
 *
 *     for each frame of a run:  learn VLAN and source -> port
 *       to a group address, or to a station not heard yet  -> every other port
 *       to a station on another port                       -> that port
 *       to a station on the same port, or to a bridge      -> nowhere
 *
 * Frames that follow each other and go the same way stay one run: one `send`, no copy. A port that cannot take a
 * run loses it and the loss is counted at that port; it never holds up the others. (Virtual Server's networks were
 * hubs: every guest heard every frame. Here only what must be flooded is, and a port with the permission, a
 * promiscuous one, hears the rest too.)
 */

/** The far end of a port's cable. */
export interface Link {
  /**
   * Takes a run, or gives false when its queue is full. One that throws is unplugged.
   * @param from the port that the run entered by: whoever queues can be fair between them
   */
  send(run: Uint8Array, from: number): boolean
  /** The switch has unplugged it. */
  closed?(): void
}

export interface SwitchPort {
  readonly id: number
  readonly name: string
  /** Whole frames, as `RunReader` and `runOf` make them. After `disconnect` it does nothing. */
  receive(run: Uint8Array): void
  /** Changes its settings; the cable stays plugged in. */
  configure(settings: ConnectSettings): void
  disconnect(): void
}

export interface ConnectSettings extends PortSettings {
  /** What enters by a port of a horizon does not leave by another of the same: those have it already. */
  readonly horizon?: string
  /** Of a port that was here before: it goes on counting. Default: it begins at zero. Only when it is connected. */
  readonly meter?: PortMeter
}

export interface PortStatus {
  readonly id: number
  readonly name: string
  readonly connectedAt: string
  readonly counters: Readonly<PortCounters>
}

export interface StationStatus {
  readonly mac: string
  readonly port: number
  readonly ageSeconds: number
  /** Absent: without a tag. */
  readonly vlan?: number
}

export interface SwitchHistory {
  readonly total: History
  readonly ports: readonly (History & { readonly id: number; readonly name: string })[]
}

/** Whatever a cable can be plugged into: a switch, or a decorated one. */
export interface Connectable {
  connect(name: string, link: Link, settings?: ConnectSettings): SwitchPort
}

/** Sees each run where it enters and leaves. */
export type SwitchTap = (
  port: { readonly id: number; readonly name: string },
  direction: 'received' | 'sent',
  run: Uint8Array,
) => void

export interface SwitchSurroundings {
  /** Default: nobody listens. */
  readonly tell?: (event: NetworkEvent) => void
  /** Which IPv4 addresses this network's own DHCP server has given to a MAC. Default: it has none. */
  readonly leasedTo?: (mac: number) => readonly number[]
}

type Way = Port | 'flood' | 'nowhere' | 'dropped'

export class EthernetSwitch implements Connectable {
  readonly #clock: Clock
  readonly #around: PortSurroundings
  readonly #ports = new Map<number, Port>()
  readonly #promiscuous = new Set<Port>()
  readonly #taps = new Set<SwitchTap>()
  readonly #table = new MacTable<Port>()
  readonly #history = new CounterHistory()
  readonly #owners: Ipv6Owners
  /** What ports counted that are not there any more. */
  readonly #gone = noCounters()
  /** The meters among those that may come back. */
  readonly #goneMeters = new WeakSet<PortMeter>()
  #maximumFrameBytes = Number.POSITIVE_INFINITY
  #nextId = 1

  constructor(clock: Clock, { tell = () => undefined, leasedTo = () => [] }: SwitchSurroundings = {}) {
    this.#clock = clock
    this.#owners = new Ipv6Owners(clock.now)
    this.#around = {
      clock,
      tell,
      leasedTo,
      owners: this.#owners,
      enter: (port, run) => this.#receive(port, run),
      failed: (port) => this.#disconnect(port),
    }
  }

  /** Frames with a longer payload are dropped. A VLAN tag is no payload. */
  set mtu(bytes: number | undefined) {
    this.#maximumFrameBytes = bytes === undefined ? Number.POSITIVE_INFINITY : ETHERNET_HEADER_BYTES + bytes
  }

  /** IPv6 addresses of the network itself: no guarded port may have them. */
  set ownIpv6(addresses: readonly Uint8Array[]) {
    this.#owners.reserve(addresses)
  }

  connect(name: string, link: Link, settings: ConnectSettings = {}): SwitchPort {
    const { meter = new PortMeter() } = settings
    if (this.#goneMeters.delete(meter)) subtractCounters(this.#gone, meter.counters)
    const identity = { id: this.#nextId++, name, link, connectedAt: this.#clock.now(), meter }
    const port = new Port(identity, this.#around)
    const configure = (changed: ConnectSettings) => {
      port.configure(changed)
      if (changed.promiscuous === true) this.#promiscuous.add(port)
      else this.#promiscuous.delete(port)
    }
    configure(settings)
    this.#ports.set(port.id, port)
    return {
      id: port.id,
      name,
      receive: (run) => {
        if (this.#ports.has(port.id)) port.receive(run)
      },
      configure: (changed) => {
        if (this.#ports.has(port.id)) configure(changed)
      },
      disconnect: () => this.#disconnect(port),
    }
  }

  /** @returns what ends it */
  tap(listener: SwitchTap): () => void {
    this.#taps.add(listener)
    return () => this.#taps.delete(listener)
  }

  ports(): PortStatus[] {
    return [...this.#ports.values()].map((port) => port.status())
  }

  /** Of all ports that there are and were. */
  totals(): PortCounters {
    const sum = { ...this.#gone }
    for (const { counters } of this.#meters()) addCounters(sum, counters)
    return sum
  }

  /** Once a second, by whoever keeps the network. */
  sample(): void {
    for (const { history, counters } of this.#meters()) history.sample(counters)
    this.#history.sample(this.totals())
  }

  history(): SwitchHistory {
    const ports = [...this.#ports.values()].map(({ id, name, history }) => ({
      id,
      name,
      ...history.status(),
    }))
    return { total: this.#history.status(), ports }
  }

  stations(): StationStatus[] {
    const now = this.#clock.now()
    return [...this.#table.entries(now)].map(([mac, { port, seenAt }, vlan]) => ({
      mac: formatMac(mac),
      port: port.id,
      ageSeconds: Math.max(0, Math.floor((now - seenAt) / 1000)),
      ...(vlan !== 0 && { vlan }),
    }))
  }

  close(): void {
    for (const port of [...this.#ports.values()]) this.#disconnect(port)
  }

  #disconnect(port: Port): void {
    if (!this.#ports.delete(port.id)) return
    this.#promiscuous.delete(port)
    this.#table.forget(port)
    this.#owners.forget(port.id)
    port.close()
    if (this.#meters().has(port.meter)) return
    addCounters(this.#gone, port.counters)
    this.#goneMeters.add(port.meter)
  }

  /** While a station is plugged in anew, its old port and its new one may have the same. */
  #meters(): Set<PortMeter> {
    return new Set([...this.#ports.values()].map(({ meter }) => meter))
  }

  #receive(from: Port, run: Uint8Array): void {
    for (const tap of this.#taps) tap(from, 'received', run)
    const now = this.#clock.now()
    const { counters } = from
    let way: Way = 'dropped'
    let start = 0
    let frames = 0
    let lastSource = -1
    let lastDestination = -1
    let lastVlan = 0
    for (let at = 0; at < run.length; ) {
      const length = readUint32(run, at)
      const frame = at + LENGTH_BYTES
      let next: Way = 'dropped'
      if (this.#passes(from, run, frame, length)) {
        const source = readMac(run, frame + 6)
        const destination = readMac(run, frame)
        const vlan = vlanOf(run, frame, length)
        // Neighbouring frames mostly belong to one conversation: the table is asked once for all of them.
        if (source === lastSource && destination === lastDestination && vlan === lastVlan) next = way
        else {
          this.#table.learn(vlan, source, from, now)
          next = this.#wayTo(vlan, destination, from, now)
        }
        lastSource = source
        lastDestination = destination
        lastVlan = vlan
      } else lastDestination = -1
      if (next !== way) {
        this.#forward(from, way, run, start, at, frames)
        way = next
        start = at
        frames = 0
      }
      frames++
      at = frame + length
      counters.framesReceived++
      counters.bytesReceived += length
    }
    this.#forward(from, way, run, start, run.length, frames)
  }

  #passes(from: Port, run: Uint8Array, frame: number, length: number): boolean {
    // The second address decides first: a group address as source (802.3 3.2.3 a) is nobody's.
    if (length < ETHERNET_HEADER_BYTES || (run[frame + 6]! & 1) === 1) {
      from.counters.framesMalformed++
      return false
    }
    if (length > this.#maximumFrameBytes) {
      const tag = vlanOf(run, frame, length) === 0 ? 0 : VLAN_TAG_BYTES
      if (length > this.#maximumFrameBytes + tag) {
        from.counters.framesOversized++
        return false
      }
    }
    if (from.guard !== undefined) return from.admits(run, frame, length)
    this.#owners.hear(from.id, run, frame, length)
    return true
  }

  #wayTo(vlan: number, destination: number, from: Port, now: number): Way {
    if (isBridgeAddress(destination)) return 'nowhere'
    if (isGroupAddress(destination)) return 'flood'
    const port = this.#table.find(vlan, destination, now)
    if (port === undefined) return 'flood'
    return port === from ? 'nowhere' : port
  }

  #forward(from: Port, way: Way, run: Uint8Array, start: number, end: number, frames: number): void {
    if (way === 'dropped' || frames === 0) return
    const part = run.subarray(start, end)
    if (way === 'flood') for (const port of this.#ports.values()) this.#send(from, port, part, frames)
    else {
      if (way !== 'nowhere') this.#send(from, way, part, frames)
      for (const port of this.#promiscuous) if (port !== way) this.#send(from, port, part, frames)
    }
  }

  #send(from: Port, to: Port, run: Uint8Array, frames: number): void {
    if (to === from || (to.horizon !== undefined && to.horizon === from.horizon)) return
    for (const tap of this.#taps) tap(to, 'sent', run)
    to.send(run, frames, from.id)
  }
}

/** Multicast and broadcast: the low bit of the first byte. */
function isGroupAddress(mac: number): boolean {
  return Math.floor(mac / 0x100_0000_0000) % 2 === 1
}

/** 01-80-C2-00-00-00 to -0F (802.1D-2004, 7.12.6: PAUSE, spanning tree ...) end at the first bridge. */
function isBridgeAddress(mac: number): boolean {
  return Math.floor(mac / 16) === 0x0180_c200_000
}
