import { formatIpv4 } from '../addresses.ts'
import type { Answer } from '../answer.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { NetworkService, ServiceContext } from '../service.ts'
import { decodeNbns, encodeNbns } from './message.ts'
import { netbiosKey } from './netbios-name.ts'
import { planWins } from './plan.ts'
import { PORT, type WinsCounts, WinsServer } from './server.ts'
import type { Member, NameKind, Registration } from './table.ts'

/** The WINS server on the wire: UDP port 137 of the network's host (RFC 1002, 4.2). */

export interface WinsStatus {
  readonly server: string
  readonly registrations: readonly WinsRegistration[]
  readonly counts: Readonly<WinsCounts>
}

export interface WinsRegistration {
  /** As Windows writes it, such as `XP1<20>`. */
  readonly name: string
  readonly kind: NameKind
  readonly addresses: readonly string[]
  /** Absent for a name of the settings. */
  readonly expiresAt?: string
}

/** Conflicts that were told of; more are only counted. */
const MAXIMUM_TOLD = 256

export function winsService(
  config: NetworkConfig,
  { host, clock, journals, names, tell }: ServiceContext,
): NetworkService<WinsStatus> | undefined {
  const plan = planWins(config)
  if (plan === undefined) return undefined
  const { address, mask, mac } = host.where
  const told = new Set<string>()
  const server = new WinsServer({
    ...{ clock, names, journal: journals.wins, mask, ttlSeconds: plan.ttlSeconds },
    own: { address, mac },
    send: (message, to) =>
      host.sendDatagram({
        mac: to.mac,
        destination: to.address,
        sourcePort: PORT,
        destinationPort: to.port,
        payload: encodeNbns(message),
      }),
    conflict(name, { members }, station) {
      const key = `${netbiosKey(name)} ${station}`
      if (told.has(key) || told.size >= MAXIMUM_TOLD) return
      told.add(key)
      tell({
        severity: 'warning',
        code: 'wins-name-conflict',
        message: `${formatIpv4(station)} wants the name ${netbiosKey(name)}, which ${addressesOf(members).join(', ')} has.`,
        next: 'Rename one of the two machines.',
      })
    },
  })
  for (const each of plan.names)
    server.table.add(each.name, 'unique', {
      ...{ address: each.address, nodeType: 0, owner: undefined },
      expiresAt: Number.POSITIVE_INFINITY,
    })
  server.restore()

  return {
    ports: [PORT],
    receive({ source, sourceMac, sourcePort, destination, payload }): Answer {
      const isStation = ((source ^ address) & mask) === 0 && source !== address && (source & ~mask) !== ~mask
      if (!isStation || destination !== address || sourcePort === 0) return 'not-mine'
      const message = decodeNbns(payload)
      const answer =
        message === 'malformed'
          ? message
          : server.receive(message, { address: source, mac: sourceMac, port: sourcePort })
      if (answer === 'malformed') server.counts.malformed++
      return answer
    },
    status: () => ({
      server: formatIpv4(address),
      registrations: server.table.all().map(registrationStatus),
      counts: { ...server.counts },
    }),
    close: () => server.close(),
  }
}

function addressesOf(members: readonly Member[]): string[] {
  return members.map(({ address }) => formatIpv4(address))
}

function registrationStatus({ name, kind, members }: Registration): WinsRegistration {
  const latest = Math.max(...members.map(({ expiresAt }) => expiresAt))
  return {
    name: netbiosKey(name),
    kind,
    addresses: kind === 'group' ? [] : addressesOf(members),
    ...(Number.isFinite(latest) && { expiresAt: new Date(latest).toISOString() }),
  }
}
