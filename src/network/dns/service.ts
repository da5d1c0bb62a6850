import { formatIpv4 } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import type { Datagram } from '../host-address.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { NetworkService, ServiceContext } from '../service.ts'
import { Forwarder, type ForwarderStatus } from './forwarder.ts'
import { planDns } from './plan.ts'
import { recordText } from './record-text.ts'
import { type DnsCounts, DnsServer } from './server.ts'
import { dnsOverTcp } from './tcp.ts'
import { Updates } from './update.ts'
import { Zones } from './zones.ts'

/** The DNS server on the wire: port 53 of the network's host, UDP and TCP. */

export interface DnsStatus {
  readonly server: string
  readonly domain: string
  /** Static ones, those of stations (from their leases), and those that stations registered; a thousand of each. */
  readonly records: readonly DnsRecordStatus[]
  readonly forwarder?: ForwarderStatus
  readonly counts: Readonly<DnsCounts>
}

export interface DnsRecordStatus {
  readonly name: string
  readonly type: string
  readonly value: string
  readonly ttlSeconds: number
  readonly source: 'settings' | 'station' | 'update'
}

const PORT = 53
const MAXIMUM_SHOWN = 1000

export function dnsService(
  config: NetworkConfig,
  { host, clock, journals, names, world }: ServiceContext,
): NetworkService<DnsStatus> | undefined {
  const plan = planDns(config)
  if (plan === undefined) return undefined
  const subnet = host.where
  const zones = new Zones(plan, subnet, names, clock.now())
  const forwarder = new Forwarder(plan.forwarders, world, clock)
  const updates = new Updates(zones, { policy: plan.updates, now: clock.now, journal: journals.dns })
  const server = new DnsServer({ zones, forwarder, updates, isWholeWorld: plan.isWholeWorld, mtu: host.mtu })
  const forget = names.onChange(() => zones.changed())
  host.listenTcp(
    PORT,
    dnsOverTcp(server, clock, (address) => isStation(address, subnet)),
  )
  let closed = false

  function send(datagram: Datagram, payload: Uint8Array): void {
    if (closed) return
    host.sendDatagram({
      mac: datagram.sourceMac,
      destination: datagram.source,
      sourcePort: PORT,
      destinationPort: datagram.sourcePort,
      payload,
    })
  }

  return {
    ports: [PORT],
    receive(datagram): Answer {
      // Whoever claims an address that is not of this network would have the answer go elsewhere.
      if (!isStation(datagram.source, subnet) || datagram.destination !== subnet.address) return 'not-mine'
      if (datagram.sourcePort === 0) return 'malformed'
      const answer = server.answer(datagram.payload, { address: datagram.source, transport: 'udp' })
      if (typeof answer === 'string') return answer
      if (answer instanceof Promise) answer.then((payload) => send(datagram, payload))
      else send(datagram, answer)
      return 'handled'
    },
    status: () => ({
      server: formatIpv4(subnet.address),
      domain: zones.domain,
      records: [
        ...zones.static
          .all()
          .slice(0, MAXIMUM_SHOWN)
          .map((each) => recordText(each, 'settings')),
        ...zones
          .stationRecords()
          .slice(0, MAXIMUM_SHOWN)
          .map((each) => recordText(each, 'station')),
        ...zones.registered
          .all()
          .slice(0, MAXIMUM_SHOWN)
          .map((each) => recordText(each, 'update')),
      ],
      ...(forwarder.isOn && { forwarder: forwarder.status() }),
      counts: { ...server.counts },
    }),
    close() {
      closed = true
      forget()
    },
  }
}

function isStation(source: number, { address, mask }: { address: number; mask: number }): boolean {
  return ((source ^ address) & mask) === 0 && source !== address && (source & ~mask) !== ~mask
}
