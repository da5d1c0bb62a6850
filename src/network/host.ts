import { BROADCAST_ADDRESS, BROADCAST_MAC, formatIpv4, formatMac, readUint32 } from './addresses.ts'
import { type Answer, type AnswerCounts, noAnswers } from './answer.ts'
import { decodeArp } from './arp.ts'
import type { Clock } from './clock.ts'
import { decodeEthernet, ETHERNET_MTU, ETHERTYPE, type EthernetFrame } from './ethernet.ts'
import { framesOf } from './framing.ts'
import type { HostAddress, Listener, OutgoingDatagram } from './host-address.ts'
import { HostSender } from './host-sender.ts'
import { decodeIcmpEcho, encodeIcmpEcho } from './icmp.ts'
import { decodeIpv4, IP_PROTOCOL, type Ipv4Packet } from './ipv4.ts'
import { Neighbours } from './neighbours.ts'
import type { Connectable, Link, SwitchPort } from './switch.ts'
import type { TcpAccept } from './tcp/connection.ts'
import { TcpEndpoint, type TcpStatus } from './tcp/endpoint.ts'
import { decodeUdp } from './udp.ts'

/**
 * The network's own station: one MAC, one IPv4 address, on a port of the switch like any guest. It answers ARP
 * (RFC 826) and ping (RFC 1122, 3.2.2.6), verifies every checksum, and hands datagrams to the services that listen
 * on its UDP ports, and connections to those on its TCP ports. Every frame gets one of three answers, and the answers are counted.
 *
 * It routes nothing itself and asks nobody: a service answers to the MAC that the question came from. Where the
 * network has NAT, a router takes what machines send here for elsewhere.
 */

export interface PacketRouter {
  fromInside(packet: Uint8Array, mac: number): Answer
  /** A station has said by ARP where it is. */
  heard(address: number, mac: number): void
}

export class NetworkHost implements Link {
  readonly #where: HostAddress
  readonly #port: SwitchPort
  readonly #tcp: TcpEndpoint
  readonly #listeners = new Map<number, Listener>()
  readonly #neighbours: Neighbours
  readonly #sender: HostSender
  readonly #answers = noAnswers()

  /** Where packets for elsewhere go that machines send here as their gateway. Without it the host routes nothing. */
  router: PacketRouter | undefined

  /** Who takes IPv6 packets, also those of other stations and groups. Without it the host knows no IPv6. */
  ipv6: ((frame: EthernetFrame) => Answer) | undefined

  /** @param rivalFound called when another station uses our address, at most every ten minutes for each */
  constructor(
    network: Connectable,
    name: string,
    where: HostAddress,
    clock: Clock,
    rivalFound: (mac: number) => void = () => undefined,
  ) {
    this.#where = where
    this.#neighbours = new Neighbours(clock, where.address, rivalFound)
    this.#sender = new HostSender(where, (run) => this.#port.receive(run))
    this.#tcp = new TcpEndpoint({
      clock,
      address: where.address,
      mtu: this.mtu,
      transmit: ({ mac, address: destination }, payload) =>
        this.#sender.packet({ mac, destination, protocol: IP_PROTOCOL.tcp, payload }),
    })
    this.#port = network.connect(name, this)
  }

  /** Its addresses, and how far its network reaches. */
  get where(): HostAddress {
    return this.#where
  }

  /** The longest packet that it sends. */
  get mtu(): number {
    return Math.min(this.#where.mtu ?? ETHERNET_MTU, ETHERNET_MTU)
  }

  get portId(): number {
    return this.#port.id
  }

  status(): {
    readonly mac: string
    readonly address: string
    readonly answers: Readonly<AnswerCounts>
    readonly tcp: TcpStatus
  } {
    const { mac, address } = this.#where
    const answers = { ...this.#answers }
    return { mac: formatMac(mac), address: formatIpv4(address), answers, tcp: this.#tcp.status() }
  }

  /** Which station uses an address, as far as ARP told lately: it may have been set by hand in a guest. */
  neighbour(address: number): number | undefined {
    return this.#neighbours.at(address)
  }

  /** @returns its end */
  listen(port: number, listener: Listener): () => void {
    this.#listeners.set(port, listener)
    return () => {
      if (this.#listeners.get(port) === listener) this.#listeners.delete(port)
    }
  }

  isListening(port: number): boolean {
    return this.#listeners.has(port)
  }

  /** Takes connections to a TCP port, as many as `TcpEndpoint` allows. */
  listenTcp(port: number, accept: TcpAccept): void {
    this.#tcp.listen(port, accept)
  }

  send(run: Uint8Array): boolean {
    for (const frame of framesOf(run)) this.#answers[this.#receive(frame)]++
    return true
  }

  sendDatagram(datagram: OutgoingDatagram): void {
    this.#sender.datagram(datagram)
  }

  /** A packet that is complete already. */
  sendIpv4(mac: number, packet: Uint8Array): void {
    this.#sender.frame(mac, ETHERTYPE.ipv4, packet)
  }

  /** The same for IPv6. */
  sendIpv6(mac: number, packet: Uint8Array): void {
    this.#sender.frame(mac, ETHERTYPE.ipv6, packet)
  }

  /** Asks by ARP who has an address; the answer comes to `neighbour`. */
  ask(address: number): void {
    this.#sender.arpRequest(address)
  }

  disconnect(): void {
    this.#tcp.close()
    this.#port.disconnect()
  }

  #receive(bytes: Uint8Array): Answer {
    const frame = decodeEthernet(bytes)
    if (typeof frame === 'string') return frame
    if (frame.type === ETHERTYPE.ipv6) return this.ipv6?.(frame) ?? 'not-mine'
    // A switch floods what it does not know yet, so other stations' frames arrive here too.
    if (frame.destination !== this.#where.mac && frame.destination !== BROADCAST_MAC) return 'not-mine'
    if (frame.type === ETHERTYPE.arp) return this.#receiveArp(frame)
    if (frame.type === ETHERTYPE.ipv4) return this.#receiveIpv4(frame)
    return 'not-mine'
  }

  #receiveArp(frame: EthernetFrame): Answer {
    const packet = decodeArp(frame.payload)
    if (typeof packet === 'string') return packet
    // A probe (RFC 5227, 2.1.1) has no sender address: it asks for one, and does not hold it yet.
    if (packet.senderAddress !== 0) {
      this.#neighbours.heard(packet.senderAddress, packet.senderMac)
      this.router?.heard(packet.senderAddress, packet.senderMac)
    }
    if (packet.operation !== 'request' || packet.targetAddress !== this.#where.address) return 'not-mine'
    this.#sender.arpReply(frame.source, { mac: packet.senderMac, address: packet.senderAddress })
    return 'handled'
  }

  #receiveIpv4(frame: EthernetFrame): Answer {
    if (this.router !== undefined && this.#isForElsewhere(frame))
      return this.router.fromInside(frame.payload, frame.source)
    const packet = decodeIpv4(frame.payload)
    if (typeof packet === 'string') return packet
    if (packet.protocol === IP_PROTOCOL.udp && this.#isForUs(packet.destination))
      return this.#receiveUdp(frame, packet)
    if (packet.protocol === IP_PROTOCOL.tcp && packet.destination === this.#where.address)
      return frame.destination === this.#where.mac
        ? this.#tcp.receive({ sourceMac: frame.source, ...packet })
        : 'not-mine'
    if (packet.protocol !== IP_PROTOCOL.icmp || packet.destination !== this.#where.address) return 'not-mine'
    const echo = decodeIcmpEcho(packet.payload)
    if (typeof echo === 'string') return echo
    if (echo.kind !== 'request') return 'not-mine'
    const payload = encodeIcmpEcho({ ...echo, kind: 'reply' })
    this.#sender.packet({
      mac: frame.source,
      destination: packet.source,
      protocol: IP_PROTOCOL.icmp,
      payload,
    })
    return 'handled'
  }

  #receiveUdp(frame: EthernetFrame, packet: Ipv4Packet): Answer {
    const datagram = decodeUdp(packet.payload, packet)
    if (typeof datagram === 'string') return datagram
    const listener = this.#listeners.get(datagram.destinationPort)
    if (listener === undefined) return 'not-mine'
    const { source, destination } = packet
    return listener({ sourceMac: frame.source, source, destination, ...datagram })
  }

  #isForElsewhere({ destination, payload }: EthernetFrame): boolean {
    if (destination !== this.#where.mac || payload.length < 20) return false
    return !this.#isForUs(readUint32(payload, 16))
  }

  #isForUs(destination: number): boolean {
    const { address, mask } = this.#where
    const subnetBroadcast = (address | ~mask) >>> 0
    return destination === address || destination === BROADCAST_ADDRESS || destination === subnetBroadcast
  }
}
