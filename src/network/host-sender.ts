import { BROADCAST_MAC } from './addresses.ts'
import { encodeArp } from './arp.ts'
import { ETHERTYPE, encodeEthernet } from './ethernet.ts'
import { runOf } from './framing.ts'
import type { HostAddress, OutgoingDatagram } from './host-address.ts'
import { encodeIpv4, IP_PROTOCOL } from './ipv4.ts'
import { encodeUdp } from './udp.ts'

/** RFC 1700, "IP time to live parameter". */
const TIME_TO_LIVE = 64

export interface OutgoingPacket {
  readonly mac: number
  readonly destination: number
  readonly protocol: number
  readonly payload: Uint8Array
  /** Default: the host's own address. */
  readonly source?: number
}

/** What a network's own station says: frames made of packets, to MACs that are known. */
export class HostSender {
  readonly #where: HostAddress
  readonly #transmit: (run: Uint8Array) => void
  #identification = 0

  constructor(where: HostAddress, transmit: (run: Uint8Array) => void) {
    this.#where = where
    this.#transmit = transmit
  }

  datagram(datagram: OutgoingDatagram): void {
    const { source = this.#where.address, destination, mac } = datagram
    const payload = encodeUdp(datagram, { source, destination })
    this.packet({ mac, destination, protocol: IP_PROTOCOL.udp, payload, source })
  }

  packet({ mac, destination, protocol, payload, source = this.#where.address }: OutgoingPacket): void {
    this.#identification = (this.#identification + 1) & 0xffff
    const packet = encodeIpv4({
      source,
      destination,
      protocol,
      identification: this.#identification,
      timeToLive: TIME_TO_LIVE,
      payload,
    })
    this.frame(mac, ETHERTYPE.ipv4, packet)
  }

  /** Asks by ARP who has an address. */
  arpRequest(address: number): void {
    const { mac, address: own } = this.#where
    const question = { senderMac: mac, senderAddress: own, targetMac: 0, targetAddress: address }
    this.frame(BROADCAST_MAC, ETHERTYPE.arp, encodeArp({ operation: 'request', ...question }))
  }

  /** @param to the station that the question came from, whatever it says in it */
  arpReply(to: number, asker: { readonly mac: number; readonly address: number }): void {
    const { mac, address } = this.#where
    const answer = {
      ...{ senderMac: mac, senderAddress: address },
      ...{ targetMac: asker.mac, targetAddress: asker.address },
    }
    this.frame(to, ETHERTYPE.arp, encodeArp({ operation: 'reply', ...answer }))
  }

  frame(destination: number, type: number, payload: Uint8Array): void {
    this.#transmit(runOf(encodeEthernet({ destination, source: this.#where.mac, type, payload })))
  }
}
