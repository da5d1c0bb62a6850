import type { Answer } from '../answer.ts'
import type { Clock } from '../clock.ts'
import type { TcpAccept, TcpPeer } from './connection.ts'
import { ControlBlock, type OutgoingSegment, resetFor } from './control-block.ts'
import { decodeTcp, encodeTcp, FLAG, type TcpSegment } from './segment.ts'

/**
 * TCP (RFC 9293) for the network's own host, which only listens: which connection a segment belongs to, and how many
 * there may be. Both are bounded for all and for each station, by its MAC: a flood from one takes from itself.
 */
export interface TcpSurroundings {
  readonly clock: Clock
  readonly address: number
  /** Longest packet of its network, in bytes. */
  readonly mtu: number
  readonly transmit: (peer: TcpPeer, segment: Uint8Array) => void
}

export interface TcpStatus {
  readonly connections: number
  readonly halfOpen: number
  /** Refused or dropped because there were too many. */
  readonly turnedAway: number
}

export interface IncomingSegment {
  readonly sourceMac: number
  readonly source: number
  readonly destination: number
  readonly payload: Uint8Array
}

/** Of IPv4 and TCP: what a packet carries without them is the largest segment (RFC 9293, 3.7.1). */
const HEADER_BYTES = 40
/** 224.0.0.0; above are broadcast and reserved addresses too. */
const FIRST_MULTICAST = 0xe000_0000
const MOST_CONNECTIONS = { all: 256, station: 32 } as const
/** Of those, in their handshake. The oldest makes room for a new one (RFC 4987, 3.4). */
const MOST_HALF_OPEN = { all: 128, station: 16 } as const

export class TcpEndpoint {
  readonly #surroundings: TcpSurroundings
  readonly #listeners = new Map<number, TcpAccept>()
  /** In the order they came. */
  readonly #blocks = new Map<string, ControlBlock>()
  #turnedAway = 0

  constructor(surroundings: TcpSurroundings) {
    this.#surroundings = surroundings
  }

  listen(port: number, accept: TcpAccept): void {
    this.#listeners.set(port, accept)
  }

  status(): TcpStatus {
    const halfOpen = [...this.#blocks.values()].filter(isHalfOpen).length
    return { connections: this.#blocks.size - halfOpen, halfOpen, turnedAway: this.#turnedAway }
  }

  close(): void {
    for (const block of [...this.#blocks.values()]) block.drop()
  }

  receive(packet: IncomingSegment): Answer {
    const segment = decodeTcp(packet.payload, packet)
    if (typeof segment === 'string') return segment
    const { source, sourceMac: mac } = packet
    // Nobody may be answered there: RFC 9293, 3.9.2.3 (MUST-57), and our own address ("LAND").
    if (source === 0 || source >= FIRST_MULTICAST || source === this.#surroundings.address) return 'malformed'
    const peer = { mac, address: source, port: segment.sourcePort }
    const key = `${source} ${segment.sourcePort} ${segment.destinationPort}`
    const block = this.#blocks.get(key)
    const isFirst = (segment.flags & (FLAG.syn | FLAG.ack | FLAG.rst)) === FLAG.syn
    if (block !== undefined && !(isFirst && block.mayBeReplacedBy(segment))) {
      block.receive(segment)
      return 'handled'
    }
    block?.drop()
    const accept = this.#listeners.get(segment.destinationPort)
    if (accept !== undefined && isFirst) {
      if (this.#makeRoom(mac)) this.#open(key, peer, segment, accept)
      return 'handled'
    }
    if (segment.flags & FLAG.rst) return 'not-mine'
    this.#send(peer, segment.destinationPort, resetFor(segment))
    return accept === undefined ? 'not-mine' : 'handled'
  }

  #open(key: string, peer: TcpPeer, syn: TcpSegment, accept: TcpAccept): void {
    const block = new ControlBlock(peer, syn, {
      clock: this.#surroundings.clock,
      // RFC 9293, 3.4.1: nobody may guess it.
      initialSequence: crypto.getRandomValues(new Uint32Array(1))[0]!,
      segmentBytes: this.#surroundings.mtu - HEADER_BYTES,
      accept,
      emit: (segment) => this.#send(peer, syn.destinationPort, segment),
      closed: () => this.#blocks.delete(key),
    })
    this.#blocks.set(key, block)
    block.open()
  }

  /** False: there is none, and the peer hears nothing: it tries again, when there may be. */
  #makeRoom(mac: number): boolean {
    const all = [...this.#blocks.values()]
    const own = all.filter(({ remote }) => remote.mac === mac)
    const halfOpen = all.filter(isHalfOpen)
    const ownHalfOpen = own.filter(isHalfOpen)
    const isFull = own.length >= MOST_CONNECTIONS.station || all.length >= MOST_CONNECTIONS.all
    let victim: ControlBlock | undefined
    if (isFull) victim = own.find(({ state }) => state === 'time-wait') ?? ownHalfOpen[0]
    else if (ownHalfOpen.length >= MOST_HALF_OPEN.station) victim = ownHalfOpen[0]
    else if (halfOpen.length >= MOST_HALF_OPEN.all) victim = halfOpen[0]
    if (isFull || victim !== undefined) this.#turnedAway++
    victim?.drop()
    return !isFull || victim !== undefined
  }

  #send(peer: TcpPeer, sourcePort: number, segment: OutgoingSegment): void {
    const addresses = { source: this.#surroundings.address, destination: peer.address }
    const bytes = encodeTcp({ ...segment, sourcePort, destinationPort: peer.port }, addresses)
    this.#surroundings.transmit(peer, bytes)
  }
}

function isHalfOpen({ state }: ControlBlock): boolean {
  return state === 'syn-received'
}
