import { readUint32 } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import type { PortCounters } from '../counters.ts'
import type { NetworkEvent } from '../events.ts'
import { LENGTH_BYTES } from '../framing.ts'
import type { CounterHistory } from '../history.ts'
import type { ConnectSettings, Link, PortStatus } from '../switch.ts'
import type { Ipv6Owners } from './ipv6-owners.ts'
import { Line } from './line.ts'
import { type GuardReason, PortGuard } from './port-guard.ts'
import type { PortMeter } from './port-meter.ts'

/**
 * One port of a switch: what is between the switch and the far end of the cable.
 *
 *     station --> link up? --> line --> switch (guard, MTU) ...  switch --> line --> link up? --> station
 */

export interface PortSurroundings {
  readonly clock: Clock
  readonly tell: (event: NetworkEvent) => void
  readonly leasedTo: (mac: number) => readonly number[]
  readonly owners: Ipv6Owners
  /** A run has come through to the switch. */
  readonly enter: (port: Port, run: Uint8Array) => void
  /** Its link threw: it is to be unplugged. */
  readonly failed: (port: Port) => void
}

interface PortIdentity {
  readonly id: number
  readonly name: string
  readonly link: Link
  readonly connectedAt: number
  readonly meter: PortMeter
}

/** As the source of frames that were on a line, which does not know any more where they came from. */
const UNKNOWN_SOURCE = 0

export class Port {
  readonly id: number
  readonly name: string
  readonly meter: PortMeter
  readonly counters: PortCounters
  readonly history: CounterHistory
  guard: PortGuard | undefined
  horizon: string | undefined
  readonly #link: Link
  readonly #connectedAt: number
  readonly #around: PortSurroundings
  #settings: ConnectSettings = {}
  #linkUp = true
  #fromStation: Line | undefined
  #toStation: Line | undefined
  readonly #told = new Set<GuardReason>()

  constructor({ id, name, link, connectedAt, meter }: PortIdentity, around: PortSurroundings) {
    this.id = id
    this.name = name
    this.meter = meter
    this.counters = meter.counters
    this.history = meter.history
    this.#link = link
    this.#connectedAt = connectedAt
    this.#around = around
  }

  configure(settings: ConnectSettings): void {
    const { guard, conditions } = settings
    this.#linkUp = settings.linkUp !== false
    this.horizon = settings.horizon
    // What the guard has learned stays as long as its settings do; so does what is on the line.
    if (JSON.stringify(guard) !== JSON.stringify(this.#settings.guard)) {
      const { clock, leasedTo, owners } = this.#around
      this.guard = guard && new PortGuard(guard, { port: this.id, now: clock.now, leasedTo, owners })
      this.#told.clear()
    }
    if (JSON.stringify(conditions) !== JSON.stringify(this.#settings.conditions)) this.#relay(conditions)
    this.#settings = settings
  }

  receive(run: Uint8Array): void {
    if (!this.#linkUp) return
    if (this.#fromStation === undefined) this.#around.enter(this, run)
    else this.counters.framesLost += this.#fromStation.push(run)
  }

  send(run: Uint8Array, frames: number, from: number): void {
    if (this.guard !== undefined) this.#overhear(run)
    if (this.#toStation === undefined) this.#handOver(run, frames, from)
    else this.counters.framesLost += this.#toStation.push(run)
  }

  /** Whether the guard lets a frame in; told once for each reason. */
  admits(bytes: Uint8Array, frame: number, length: number): boolean {
    const reason = this.guard?.judge(bytes, frame, length)
    if (reason === undefined) return true
    this.counters.framesBlocked++
    if (!this.#told.has(reason)) {
      this.#told.add(reason)
      this.#around.tell(blockedEvent(this.name, reason))
    }
    return false
  }

  status(): PortStatus {
    return {
      id: this.id,
      name: this.name,
      connectedAt: new Date(this.#connectedAt).toISOString(),
      counters: { ...this.counters },
    }
  }

  close(): void {
    this.#fromStation?.close()
    this.#toStation?.close()
    this.#link.closed?.()
  }

  #relay(conditions: ConnectSettings['conditions']): void {
    this.counters.framesLost += (this.#fromStation?.close() ?? 0) + (this.#toStation?.close() ?? 0)
    this.#fromStation = undefined
    this.#toStation = undefined
    if (conditions === undefined) return
    const { clock, enter } = this.#around
    const { direction, seed } = conditions
    if (direction !== 'toStation')
      this.#fromStation = new Line(conditions, clock, (run) => this.#linkUp && enter(this, run))
    // Both ways with one seed would suffer alike.
    const other = seed === undefined ? conditions : { ...conditions, seed: ~seed >>> 0 }
    if (direction !== 'fromStation')
      this.#toStation = new Line(other, clock, (run, frames) => this.#handOver(run, frames, UNKNOWN_SOURCE))
  }

  #handOver(run: Uint8Array, frames: number, from: number): void {
    const bytes = run.length - frames * LENGTH_BYTES
    let taken: boolean
    try {
      taken = this.#linkUp && this.#link.send(run, from)
    } catch {
      this.#around.failed(this)
      return
    }
    if (taken) {
      this.counters.framesSent += frames
      this.counters.bytesSent += bytes
    } else {
      this.counters.framesDropped += frames
      this.counters.bytesDropped += bytes
    }
  }

  #overhear(run: Uint8Array): void {
    for (let at = 0; at < run.length; ) {
      const length = readUint32(run, at)
      this.guard?.overhear(run, at + LENGTH_BYTES, length)
      at += LENGTH_BYTES + length
    }
  }
}

const BLOCKED: Readonly<Record<GuardReason, string>> = {
  mac: 'sends from a MAC address that is not its own',
  address: 'uses an IPv4 address that it was not given',
  'dhcp-server': 'answers as a DHCP server',
  'ipv6-address': 'uses an IPv6 address that is another station’s',
  router: 'announces itself as an IPv6 router or DHCPv6 server',
}

function blockedEvent(port: string, reason: GuardReason): NetworkEvent {
  return {
    severity: 'warning',
    code: `guard-${reason}`,
    message: `The station at port "${port}" ${BLOCKED[reason]}. Its guard drops such frames.`,
    next: 'Look into that machine, or change the guard of its port.',
  }
}
