import { type NatPacket, TCP_FLAG } from './packet.ts'

/**
 * Which machine and port is behind which port of the one outer address (RFC 4787, RFC 5382, RFC 5508): a mapping is
 * the machine's endpoint alone, whoever it talks to (RFC 4787, REQ-1). Bounded, for each machine too: one that opens
 * ports without end runs out of its own.
 */
export interface Mapping {
  readonly protocol: NatPacket['protocol']
  readonly address: number
  readonly port: number
  readonly outerPort: number
  mac: number
  /** Ports of the host's own programs that asked here, until when they may be answered. */
  readonly hostPeers: Map<number, number>
  /** Milliseconds on the clock; never, for a forwarded port. */
  expiresAt: number
}

/** RFC 4787, REQ-5; RFC 5382, REQ-5; RFC 5508, REQ-2. */
const LIFE_MS = { udp: 300_000, icmp: 60_000, tcp: 7_440_000, tcpTransitory: 240_000 } as const
const MAXIMUM_MAPPINGS = 16_384
const MAXIMUM_HOST_PEERS = 4096
const MAXIMUM_MAPPINGS_OF_A_MACHINE = 4096
/** Outer ports that are given out: passt takes the same ones of the host for UDP, so none that services use. */
const FIRST_PORT = 32_768
const LAST_PORT = 60_999

export class NatMappings {
  readonly #byInner = new Map<number, Mapping>()
  readonly #byOuter = new Map<number, Mapping>()
  readonly #ofMachine = new Map<number, number>()
  #nextPort = FIRST_PORT
  #sweptAt = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#byOuter.size
  }

  /** A port that leads to a machine for good. */
  forward(mapping: Omit<Mapping, 'mac' | 'hostPeers' | 'expiresAt'>): void {
    this.#byOuter.set(outerKey(mapping.protocol, mapping.outerPort), {
      ...mapping,
      mac: 0,
      hostPeers: new Map(),
      expiresAt: Number.POSITIVE_INFINITY,
    })
  }

  /** The mapping for a packet that leaves, made where there is none; undefined when there is no room. */
  outgoing(packet: NatPacket, mac: number, now: number): Mapping | undefined {
    const { protocol, source: address, sourcePort: port } = packet
    const key = innerKey(protocol, address, port)
    const known = this.#byInner.get(key)
    if (known !== undefined) {
      known.mac = mac
      refresh(known, packet, now)
      return known
    }
    // Answers from a forwarded port leave by the port that they came in at.
    for (const forwarded of this.#forwardsOf(protocol, address, port)) return forwarded
    if (!this.#hasRoom(address, now)) return undefined
    const outerPort = this.#freePort(protocol, port)
    if (outerPort === undefined) return undefined
    const mapping: Mapping = { protocol, address, port, outerPort, mac, hostPeers: new Map(), expiresAt: 0 }
    refresh(mapping, packet, now)
    this.#byInner.set(key, mapping)
    this.#byOuter.set(outerKey(protocol, outerPort), mapping)
    this.#ofMachine.set(address, (this.#ofMachine.get(address) ?? 0) + 1)
    return mapping
  }

  incoming(packet: NatPacket, now: number): Mapping | undefined {
    const mapping = this.#byOuter.get(outerKey(packet.protocol, packet.destinationPort))
    if (mapping === undefined || mapping.expiresAt < now) return undefined
    refresh(mapping, packet, now)
    return mapping
  }

  /** Forgets what has expired. */
  sweep(now: number): void {
    this.#sweptAt = now
    for (const mapping of this.#byOuter.values()) if (mapping.expiresAt < now) this.#remove(mapping)
  }

  #remove(mapping: Mapping): void {
    const { protocol, address, port, outerPort } = mapping
    this.#byInner.delete(innerKey(protocol, address, port))
    this.#byOuter.delete(outerKey(protocol, outerPort))
    const left = (this.#ofMachine.get(address) ?? 1) - 1
    if (left === 0) this.#ofMachine.delete(address)
    else this.#ofMachine.set(address, left)
  }

  *#forwardsOf(protocol: NatPacket['protocol'], address: number, port: number): Generator<Mapping, void> {
    for (const mapping of this.#byOuter.values()) {
      // Forwards were put in first.
      if (mapping.expiresAt !== Number.POSITIVE_INFINITY) return
      if (mapping.protocol === protocol && mapping.address === address && mapping.port === port) yield mapping
    }
  }

  #hasRoom(address: number, now: number): boolean {
    const isFull = () =>
      this.#byOuter.size >= MAXIMUM_MAPPINGS ||
      (this.#ofMachine.get(address) ?? 0) >= MAXIMUM_MAPPINGS_OF_A_MACHINE
    if (!isFull()) return true
    if (now - this.#sweptAt < 1000) return false
    this.sweep(now)
    return !isFull()
  }

  /** The machine's own port where it can be (RFC 4787, REQ-3 and -4 leave it open), else the next free one. */
  #freePort(protocol: NatPacket['protocol'], wanted: number): number | undefined {
    const isFree = (port: number) => !this.#byOuter.has(outerKey(protocol, port))
    if (wanted >= FIRST_PORT && wanted <= LAST_PORT && isFree(wanted)) return wanted
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextPort
      this.#nextPort = port === LAST_PORT ? FIRST_PORT : port + 1
      if (isFree(port)) return port
    }
    return undefined
  }
}

/** A program of the host has asked a machine: it may be answered for as long as a mapping lives. */
export function rememberHostPeer({ hostPeers, protocol }: Mapping, port: number, now: number): void {
  hostPeers.delete(port)
  if (hostPeers.size >= MAXIMUM_HOST_PEERS)
    for (const oldest of hostPeers.keys()) {
      hostPeers.delete(oldest)
      break
    }
  hostPeers.set(port, now + LIFE_MS[protocol])
}

/** Whether a packet to the host's loopback answers one from there; a new connection never does. */
export function answersHostPeer({ hostPeers }: Mapping, packet: NatPacket, now: number): boolean {
  const opens = (packet.flags & (TCP_FLAG.syn | TCP_FLAG.acknowledge)) === TCP_FLAG.syn
  return !opens && (hostPeers.get(packet.destinationPort) ?? Number.NEGATIVE_INFINITY) >= now
}

function refresh(mapping: Mapping, packet: NatPacket, now: number): void {
  if (mapping.expiresAt === Number.POSITIVE_INFINITY) return
  const isTransitory = (packet.flags & (TCP_FLAG.syn | TCP_FLAG.fin | TCP_FLAG.reset)) !== 0
  const life = mapping.protocol === 'tcp' && isTransitory ? LIFE_MS.tcpTransitory : LIFE_MS[mapping.protocol]
  mapping.expiresAt = now + life
}

const PROTOCOL_NUMBER = { tcp: 0, udp: 1, icmp: 2 } as const

function innerKey(protocol: NatPacket['protocol'], address: number, port: number): number {
  return (PROTOCOL_NUMBER[protocol] * 2 ** 32 + address) * 2 ** 16 + port
}

function outerKey(protocol: NatPacket['protocol'], port: number): number {
  return PROTOCOL_NUMBER[protocol] * 2 ** 16 + port
}
