import type { ClientBook, DhcpClient } from './clients.ts'
import { type DhcpMessage, MESSAGE_TYPE, messageType } from './message.ts'
import { OPTION, readUint32Option } from './options.ts'
import type { DhcpPool } from './pool.ts'
import type { DhcpReply, ReplyWriter } from './reply.ts'
import { isIn } from './subnet.ts'

/**
 * The server's half of DHCP (RFC 2131, section 4.3): a message in, an answer out. It knows neither sockets nor bytes
 * nor time. Where section 4.3.2 tells a server that has no record of a client to keep silent, it does: a DHCP server
 * in a guest may be the one.
 *
 * - a reply: to be sent
 * - `{probe}`: whether this address is in use has to be asked on the wire before the message is answered
 * - `silence`: understood, and there is nothing to say; `exhausted`: silence too, for want of an address
 * - `not-mine`: not for this server (a reply, another server's client or subnet, not Ethernet)
 */
export type DhcpAnswer = DhcpReply | DhcpProbe | 'silence' | 'exhausted' | 'not-mine'

export interface DhcpProbe {
  readonly probe: number
  /** Who may use it. */
  readonly mac: number
}

export interface MessageContext {
  /** It was broadcast. Default true. */
  readonly toAll?: boolean
  /** An address that was found free since. */
  readonly probed?: number
}

export class DhcpServer {
  readonly #pool: DhcpPool
  readonly #clients: ClientBook
  readonly #replies: ReplyWriter
  /** Addresses that are offered once they have been probed. */
  readonly #unprobed = new Set<number>()

  constructor(pool: DhcpPool, clients: ClientBook, replies: ReplyWriter) {
    this.#pool = pool
    this.#clients = clients
    this.#replies = replies
  }

  answer(message: DhcpMessage, { toAll = true, probed }: MessageContext = {}): DhcpAnswer {
    if (message.op !== 'request') return 'not-mine'
    const client = this.#clients.clientOf(message, toAll)
    if (client === undefined) return 'not-mine'
    switch (messageType(message)) {
      case MESSAGE_TYPE.discover:
        return this.#discover(message, client, probed)
      case MESSAGE_TYPE.request:
        return this.#request(message, client)
      case MESSAGE_TYPE.decline:
        return this.#decline(message, client)
      case MESSAGE_TYPE.release:
        return this.#release(message, client)
      case MESSAGE_TYPE.inform:
        return this.#inform(message, client)
      default:
        return 'not-mine'
    }
  }

  /** The probe of an address that this message was to be answered with found somebody there. */
  inUse(message: DhcpMessage, address: number, user: number): void {
    this.#unprobed.delete(address)
    const client = this.#clients.clientOf(message, true)
    if (client?.leases.find(client.key)?.address === address) client.leases.decline(client.key, user)
  }

  /** 4.3.1 */
  #discover(message: DhcpMessage, client: DhcpClient, probed: number | undefined): DhcpAnswer {
    const { key, mac, leases, reservation, subnet } = client
    const before = leases.find(key)
    const wasLive = before !== undefined && leases.isLive(before) ? before.address : undefined
    const wish = readUint32Option(message.options, OPTION.requestedAddress)
    const lease = leases.offer(key, mac, wish, reservation?.address)
    if (lease === undefined) return 'exhausted'
    const { address } = lease
    if (address === probed) this.#unprobed.delete(address)
    // 2.2: before it goes to somebody anew. Behind a relay there is nothing to hear.
    else if (
      this.#pool.probe &&
      subnet === this.#pool &&
      (address !== wasLive || this.#unprobed.has(address))
    ) {
      this.#unprobed.add(address)
      return { probe: address, mac }
    }
    // RFC 4039, section 3.1: with this option on both sides two messages do.
    if (!this.#pool.rapidCommit || !message.options.has(OPTION.rapidCommit))
      return this.#replies.grant(message, client, MESSAGE_TYPE.offer, address)
    leases.bind(key, mac, client.hostName)
    return this.#replies.grant(message, client, MESSAGE_TYPE.ack, address, [OPTION.rapidCommit])
  }

  /** 4.3.2, table 4: which of the four states the client is in shows in what it sends. */
  #request(message: DhcpMessage, client: DhcpClient): DhcpAnswer {
    const { key, mac, leases, reservation, subnet } = client
    const chosen = readUint32Option(message.options, OPTION.server)
    const requested = readUint32Option(message.options, OPTION.requestedAddress)
    if (chosen !== undefined && chosen !== this.#pool.server) {
      // SELECTING, and another server was selected: our offer is declined (section 3.1, step 4).
      if (leases.find(key)?.state === 'offered') leases.release(key)
      return 'not-mine'
    }
    // SELECTING and INIT-REBOOT name the address in option 50, RENEWING and REBINDING in ciaddr.
    const address = requested ?? message.clientAddress
    if (this.#isItsOwn(client, address, chosen !== undefined)) {
      leases.bind(key, mac, client.hostName)
      return this.#replies.grant(message, client, MESSAGE_TYPE.ack, address)
    }
    const holder = leases.at(address)
    const isHeldByOther = holder !== undefined && holder.client !== key && leases.isLive(holder)
    const isKnown = leases.find(key) !== undefined || reservation !== undefined || isHeldByOther
    // Without any record of the client a server that was not selected keeps silent.
    if (chosen === undefined && !isKnown && isIn(subnet, address)) return 'silence'
    return this.#replies.refuse(message, isHeldByOther ? 'address in use' : 'address not available')
  }

  /** Whether the client may have this address, from what it was offered or had before. */
  #isItsOwn({ key, mac, leases, reservation }: DhcpClient, address: number, isSelected: boolean): boolean {
    const reserved = reservation?.address
    const own = leases.find(key)
    // An address that was reserved for it meanwhile calls it away from the old one, as soon as it can have it.
    if (!isSelected && reserved !== undefined && reserved !== address && leases.isReady(key, mac, reserved))
      return false
    if (own === undefined || own.address !== address) {
      if (isSelected || address !== reserved) return false
      return leases.offer(key, mac, address, reserved)?.address === address
    }
    if (leases.isLive(own)) return leases.isGranted(address, reserved)
    // An ended lease comes back to life only while nobody else has been heard at its address.
    return leases.offer(key, mac, address, reserved)?.address === address
  }

  /** 4.3.3 */
  #decline(message: DhcpMessage, { key, leases }: DhcpClient): DhcpAnswer {
    if (readUint32Option(message.options, OPTION.server) !== this.#pool.server) return 'not-mine'
    const address = readUint32Option(message.options, OPTION.requestedAddress)
    if (leases.find(key)?.address === address) leases.decline(key)
    return 'silence'
  }

  /** 4.3.4 */
  #release(message: DhcpMessage, { key, leases }: DhcpClient): DhcpAnswer {
    if (readUint32Option(message.options, OPTION.server) !== this.#pool.server) return 'not-mine'
    if (leases.find(key)?.address === message.clientAddress) leases.release(key)
    return 'silence'
  }

  /** 4.3.5: the client has an address already and wants the rest; no lease and no lease times. */
  #inform(message: DhcpMessage, client: DhcpClient): DhcpAnswer {
    if (message.clientAddress === 0) return 'silence'
    return this.#replies.grant(message, client, MESSAGE_TYPE.ack, undefined)
  }
}
