import { BROADCAST_MAC, formatIpv4, parseIpv4, writeMac, writeUint16 } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import { decodeArp, encodeArp } from '../arp.ts'
import type { Clock } from '../clock.ts'
import { decodeEthernet, ETHERNET_HEADER_BYTES, ETHERTYPE, encodeEthernet } from '../ethernet.ts'
import { framesOf, runOf } from '../framing.ts'
import type { Connectable, Link, SwitchPort } from '../switch.ts'
import { answersHostPeer, NatMappings, rememberHostPeer } from './mappings.ts'
import {
  fragmentsOf,
  type NatPacket,
  readNatPacket,
  rewriteDestination,
  rewriteSource,
  timeExceeded,
} from './packet.ts'
import type { NatPlan } from './plan.ts'

/**
 * A masquerading router: to the outside, all machines of a network are one (traditional NAT, RFC 3022). passt, which
 * does the rest, serves one machine alone; this is that machine. TCP, UDP and ping pass.
 */

/** The network's own host: the gateway of the machines. */
export interface InnerSide {
  /** The MAC at an address, as far as it is known. */
  neighbour(address: number): number | undefined
  /** Asks for it. */
  ask(address: number): void
  sendIpv4(mac: number, packet: Uint8Array): void
}

export interface NatStatus {
  /** Where machines may ask the host's DNS resolver. */
  readonly dns: string
  readonly mappings: number
  readonly packetsOut: number
  readonly packetsIn: number
  /** Fragments, other protocols, no room, no such machine, or nobody outside. */
  readonly packetsDropped: number
}

/** passt is told this one; ours is any other. */
export const PASST_MAC = 0x0256_ffff_0001
const OUTER_MAC = 0x0256_ffff_0002
const SWEEP_MS = 30_000
/** Packets that wait for the answer to ARP, in all. */
const MAXIMUM_WAITING = 64
const DEFAULT_MTU = 1500

export class NatRouter implements Connectable {
  readonly plan: NatPlan
  readonly #clock: Clock
  readonly #mappings = new NatMappings()
  readonly #waiting: { readonly address: number; readonly packet: Uint8Array }[] = []
  #inner: InnerSide | undefined
  #outer: Link | undefined
  #mtu = DEFAULT_MTU
  #cancelSweep: (() => void) | undefined
  #packetsOut = 0
  #packetsIn = 0
  #packetsDropped = 0

  constructor(plan: NatPlan, clock: Clock) {
    this.plan = plan
    this.#clock = clock
    for (const { protocol, hostPort, guestAddress, guestPort } of plan.forwards)
      this.#mappings.forward({
        protocol,
        address: parseIpv4(guestAddress) ?? 0,
        port: guestPort,
        outerPort: hostPort,
      })
  }

  /** The network's host, which may be another after a change of settings. */
  attach(inner: InnerSide | undefined, mtu = DEFAULT_MTU): void {
    this.#inner = inner
    this.#mtu = mtu
  }

  /** Plugs the outer wire in; a second one replaces the first. */
  connect(name: string, link: Link): SwitchPort {
    this.#outer = link
    return {
      id: 0,
      name,
      receive: (run) => {
        if (this.#outer === link) this.#fromOutside(run)
      },
      configure: () => undefined,
      disconnect: () => {
        if (this.#outer === link) this.#outer = undefined
      },
    }
  }

  status(): NatStatus {
    return {
      dns: formatIpv4(this.plan.dns),
      mappings: this.#mappings.size,
      packetsOut: this.#packetsOut,
      packetsIn: this.#packetsIn,
      packetsDropped: this.#packetsDropped,
    }
  }

  close(): void {
    this.#cancelSweep?.()
    this.#inner = undefined
    this.#outer = undefined
  }

  /** A packet that a machine sent to its gateway, for somewhere else. */
  fromInside(bytes: Uint8Array, mac: number): Answer {
    const packet = readNatPacket(bytes)
    if (packet === 'malformed') return packet
    if (typeof packet === 'string' || !this.#isRouted(packet)) return this.#drop()
    if (packet.timeToLive <= 1) {
      this.#inner?.sendIpv4(mac, timeExceeded(packet.bytes, this.plan.inner.address))
      return 'handled'
    }
    const now = this.#clock.now()
    const mapping = this.#mappings.outgoing(packet, mac, now)
    if (mapping === undefined || this.#outer === undefined) return this.#drop()
    if (this.#isHostLoopback(packet.destination) && !answersHostPeer(mapping, packet, now))
      return this.#drop()
    this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
    rewriteSource(packet, this.plan.outer, mapping.outerPort)
    if (!this.#outer.send(unpadded(packet.bytes), 0)) return this.#drop()
    this.#packetsOut++
    return 'handled'
  }

  #fromOutside(run: Uint8Array): void {
    for (const bytes of framesOf(run)) {
      const frame = decodeEthernet(bytes)
      if (typeof frame === 'string') continue
      if (frame.type === ETHERTYPE.ipv4) this.#translateIn(frame.payload)
      else if (frame.type === ETHERTYPE.arp) this.#answerArp(frame.payload)
    }
  }

  /** A machine was heard: what waits for its MAC goes out. */
  heard(address: number, mac: number): void {
    if (this.#waiting.length === 0) return
    for (const waiting of this.#waiting.splice(0))
      if (waiting.address === address) this.#send(mac, waiting.packet)
      else this.#waiting.push(waiting)
  }

  #translateIn(bytes: Uint8Array): void {
    const packet = readNatPacket(bytes)
    if (typeof packet === 'string' || packet.destination !== this.plan.outer || packet.timeToLive <= 1) {
      this.#drop()
      return
    }
    const now = this.#clock.now()
    const mapping = this.#mappings.incoming(packet, now)
    if (mapping === undefined) {
      this.#drop()
      return
    }
    if (this.#isHostLoopback(packet.source)) rememberHostPeer(mapping, packet.sourcePort, now)
    rewriteDestination(packet, mapping.address, mapping.port)
    this.#packetsIn++
    const mac = mapping.mac || this.#inner?.neighbour(mapping.address)
    if (mac !== undefined) this.#send(mac, packet.bytes)
    else this.#wait(mapping.address, packet.bytes)
  }

  #wait(address: number, packet: Uint8Array): void {
    if (this.#waiting.length >= MAXIMUM_WAITING) {
      this.#waiting.shift()
      this.#drop()
    }
    this.#waiting.push({ address, packet })
    this.#inner?.ask(address)
  }

  #send(mac: number, packet: Uint8Array): void {
    for (const piece of fragmentsOf(packet, this.#mtu)) this.#inner?.sendIpv4(mac, piece)
  }

  /** To anywhere but this network, the wire's other addresses, and what is nobody's (RFC 6890). */
  #isRouted({ source, destination }: NatPacket): boolean {
    const { inner, outer } = this.plan
    const isInner = (address: number) => ((address ^ inner.address) & inner.mask) === 0
    const first = destination >>> 24
    const isSomewhere = first !== 0 && first !== 127 && first < 224
    return isInner(source) && !isInner(destination) && isSomewhere && destination !== outer
  }

  /**
   * passt maps its own address to 127.0.0.1 and back. Its --no-map-gw would close that, and leave no way for answers to
   * datagrams that the host's own programs send to a forwarded port; so it is closed here.
   */
  #isHostLoopback(address: number): boolean {
    return !this.plan.hostLoopback && address === this.plan.gateway
  }

  #answerArp(payload: Uint8Array): void {
    const packet = decodeArp(payload)
    if (typeof packet === 'string' || packet.operation !== 'request') return
    if (packet.targetAddress !== this.plan.outer || packet.senderMac === BROADCAST_MAC) return
    const reply = encodeArp({
      operation: 'reply',
      senderMac: OUTER_MAC,
      senderAddress: this.plan.outer,
      targetMac: packet.senderMac,
      targetAddress: packet.senderAddress,
    })
    const frame = { destination: packet.senderMac, source: OUTER_MAC, type: ETHERTYPE.arp, payload: reply }
    this.#outer?.send(runOf(encodeEthernet(frame)), 0)
  }

  #sweep(): void {
    this.#mappings.sweep(this.#clock.now())
    const isIdle = this.#mappings.size <= this.plan.forwards.length
    this.#cancelSweep = isIdle ? undefined : this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  #drop(): Answer {
    this.#packetsDropped++
    return 'not-mine'
  }
}

/** As a run of one frame. passt takes the padding of a short frame for TCP data, so there is none. */
function unpadded(packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + packet.length)
  writeMac(frame, 0, PASST_MAC)
  writeMac(frame, 6, OUTER_MAC)
  writeUint16(frame, 12, ETHERTYPE.ipv4)
  frame.set(packet, ETHERNET_HEADER_BYTES)
  return runOf(frame)
}
