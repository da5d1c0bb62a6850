import { BROADCAST_ADDRESS, BROADCAST_MAC, formatIpv4, parseIpv4 } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import type { NetworkHost } from '../host.ts'
import type { Datagram } from '../host-address.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { NetworkService, ServiceContext } from '../service.ts'
import { ClientBook } from './clients.ts'
import { LeaseClock } from './lease-clock.ts'
import { LeaseNames } from './lease-names.ts'
import { type LeaseRecord, loadLeases } from './lease-records.ts'
import { clientMac, type DhcpMessage, decodeDhcp, encodeDhcp, MESSAGE_TYPE, messageType } from './message.ts'
import { DhcpNotices } from './notices.ts'
import { OPTION, readUint32Option } from './options.ts'
import { planDhcp } from './pool.ts'
import { Probes } from './probes.ts'
import { type DhcpReply, ReplyWriter } from './reply.ts'
import { type OtherServer, RivalWatch } from './rivals.ts'
import { DhcpServer } from './server.ts'

/** The DHCP server on the wire: UDP port 67 of the network's host, and what others say to port 68 (RFC 2131, 4.1). */

export interface DhcpStatus {
  readonly server: string
  readonly start: string
  readonly end: string
  readonly leases: readonly LeaseRecord[]
  /** It answers nobody, because another DHCP server does. */
  readonly isStandingDown: boolean
  readonly otherServers: readonly OtherServer[]
  /** The last client that asked got no address. */
  readonly isExhausted: boolean
  /** Messages received and sent, by type. */
  readonly messages: Readonly<Record<keyof typeof MESSAGE_TYPE, number>>
}

const SERVER_PORT = 67
const CLIENT_PORT = 68
/** So many addresses in use one after the other, and the client is left to ask again. */
const MAXIMUM_PROBES_FOR_A_CLIENT = 8

export function dhcpService(
  config: NetworkConfig,
  context: ServiceContext,
): NetworkService<DhcpStatus> | undefined {
  if (config.dhcp === undefined || !config.dhcp.enabled) return undefined
  return new DhcpService(config.dhcp, context)
}

class DhcpService implements NetworkService<DhcpStatus> {
  readonly ports = [SERVER_PORT, CLIENT_PORT]
  readonly #context: ServiceContext
  readonly #pool
  readonly #clients: ClientBook
  readonly #server: DhcpServer
  readonly #probes: Probes
  readonly #rivals: RivalWatch
  readonly #names: LeaseNames
  readonly #notices: DhcpNotices
  readonly #ends: LeaseClock
  readonly #messages = {
    discover: 0,
    offer: 0,
    request: 0,
    decline: 0,
    ack: 0,
    nak: 0,
    release: 0,
    inform: 0,
  }

  constructor(settings: NonNullable<NetworkConfig['dhcp']>, context: ServiceContext) {
    const { host, clock, journals, tell } = context
    const store = journals.leases
    this.#context = context
    this.#pool = planDhcp(settings)
    this.#names = new LeaseNames(context.names)
    this.#notices = new DhcpNotices(tell, clock.now)
    this.#ends = new LeaseClock(clock, () => this.#clients.tables)
    this.#clients = new ClientBook(this.#pool, {
      ...{ now: clock.now, store, stored: loadLeases(store) },
      neighbour: (address) => host.neighbour(address),
      bound: (lease) => {
        this.#names.enter(lease)
        this.#ends.until(lease.endsAt)
      },
      ended: (lease) => this.#names.remove(lease),
    })
    this.#server = new DhcpServer(this.#pool, this.#clients, new ReplyWriter(this.#pool, context.boot))
    this.#probes = new Probes(host, clock)
    const { server, otherServers: mode } = this.#pool
    this.#rivals = new RivalWatch({ mode, server, host, clock, tell })
  }

  receive(datagram: Datagram): Answer {
    const message = decodeDhcp(datagram.payload)
    if (typeof message === 'string') return message
    if (datagram.destinationPort === CLIENT_PORT) {
      this.#rivals.hearReply(message, datagram.sourceMac)
      return 'handled'
    }
    this.#rivals.hearRequest(message)
    const type = messageType(message)
    const isQuestion = type !== MESSAGE_TYPE.release && type !== MESSAGE_TYPE.decline
    if (this.#rivals.isStandingDown && isQuestion) return 'handled'
    if (type === MESSAGE_TYPE.decline) this.#hearDecline(message)
    const answer = this.#answer(message, datagram, 0)
    if (answer === 'handled') this.#count(message)
    return answer
  }

  status(): DhcpStatus {
    return {
      server: formatIpv4(this.#pool.server),
      start: formatIpv4(this.#pool.start),
      end: formatIpv4(this.#pool.end),
      leases: this.#clients.tables.flatMap((table) => table.records()),
      isStandingDown: this.#rivals.isStandingDown,
      otherServers: this.#rivals.others(),
      isExhausted: this.#notices.isExhausted,
      messages: { ...this.#messages },
    }
  }

  dropLease(address: string): boolean {
    const number = parseIpv4(address)
    return number !== undefined && this.#clients.tables.some((table) => table.drop(number))
  }

  close(): void {
    this.#probes.close()
    this.#rivals.close()
    this.#ends.close()
    this.#names.close()
  }

  #answer(message: DhcpMessage, datagram: Datagram, attempt: number, probed?: number): Answer {
    const toAll = datagram.destination === BROADCAST_ADDRESS
    const answer = this.#server.answer(message, { toAll, ...(probed !== undefined && { probed }) })
    if (answer === 'not-mine') return answer
    if (answer === 'exhausted') this.#notices.exhausted(this.#pool.start, this.#pool.end)
    else if (typeof answer !== 'string') {
      if ('probe' in answer)
        this.#probes.ask(answer.probe, () => this.#afterProbe(message, datagram, attempt, answer))
      else this.#reply(answer, datagram)
    }
    return 'handled'
  }

  #afterProbe(
    message: DhcpMessage,
    datagram: Datagram,
    attempt: number,
    { probe, mac }: { readonly probe: number; readonly mac: number },
  ): void {
    if (this.#rivals.isStandingDown) return
    const user = this.#context.host.neighbour(probe)
    if (user === undefined || user === mac) {
      this.#answer(message, datagram, attempt, probe)
      return
    }
    this.#server.inUse(message, probe, user)
    this.#notices.inUse(probe, user)
    if (attempt < MAXIMUM_PROBES_FOR_A_CLIENT) this.#answer(message, datagram, attempt + 1)
  }

  /** Told before the lease goes, which says that the client had it. */
  #hearDecline(message: DhcpMessage): void {
    const address = readUint32Option(message.options, OPTION.requestedAddress)
    const client = this.#clients.clientOf(message, true)
    if (address !== undefined && client?.leases.find(client.key)?.address === address)
      this.#notices.inUse(address, this.#context.host.neighbour(address))
  }

  #reply(reply: DhcpReply, datagram: Datagram): void {
    this.#count(reply.message)
    if (messageType(reply.message) === MESSAGE_TYPE.offer) this.#notices.granted()
    const isGrant = messageType(reply.message) === MESSAGE_TYPE.ack && reply.message.yourAddress !== 0
    const { host, journals } = this.#context
    // RFC 2131, 3.1, step 4: what a client is told to have is on disk before.
    if (isGrant) journals.leases.whenSaved(() => send(host, reply, datagram))
    else send(host, reply, datagram)
  }

  #count(message: DhcpMessage): void {
    const type = messageType(message)
    for (const [name, number] of Object.entries(MESSAGE_TYPE))
      if (number === type) this.#messages[name as keyof typeof MESSAGE_TYPE]++
  }
}

/**
 * Section 4.1: to the relay that brought the message; to a client that has an address, there, the way that its
 * message came; a refusal, or to a client that cannot take unicast yet, as broadcast; else to the address being
 * given, straight to the client's MAC (it does not answer ARP for it yet).
 */
function send(host: NetworkHost, { message, maximumBytes }: DhcpReply, { sourceMac }: Datagram): void {
  const { relay, clientAddress, yourAddress } = message
  // 28 bytes are IP and UDP; 576, the least MTU there is, is also what every client takes.
  const payload = encodeDhcp(message, Math.min(maximumBytes, host.mtu - 28))
  const to = (mac: number, destination: number, destinationPort = CLIENT_PORT) =>
    host.sendDatagram({
      ...{ mac, destination, sourcePort: SERVER_PORT, destinationPort, payload },
    })
  if (relay !== 0) to(sourceMac, relay, SERVER_PORT)
  else if (clientAddress !== 0) to(sourceMac, clientAddress)
  else if (message.broadcast || yourAddress === 0) to(BROADCAST_MAC, BROADCAST_ADDRESS)
  else to(clientMac(message) ?? BROADCAST_MAC, yourAddress)
}
