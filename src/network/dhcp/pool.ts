import { toHex } from '../../base/index.ts'
import { formatIpv4, parseMac } from '../addresses.ts'
import { Faults } from '../faults.ts'
import { readAddress, within } from './address-rules.ts'
import { type BootPlan, type DhcpClass, planBoot, planClass } from './classes.ts'
import { bytesOf, type OptionSet, optionSet } from './option-settings.ts'
import { addressesOption, OPTION, searchListOption, textOption } from './options.ts'
import type { DhcpSettings, ReservationSettings } from './settings.ts'
import { type DhcpSubnet, isIn, lastHost, planSubnet } from './subnet.ts'

export interface DhcpReservation {
  readonly address: number
  readonly mac?: number
  /** Client identifier in hexadecimal, as a lease has it. */
  readonly client?: string
  readonly hostName?: string
  readonly options: OptionSet
  readonly boot?: BootPlan
}

/** The network's own subnet, and what holds for all. */
export interface DhcpPool extends DhcpSubnet {
  readonly server: number
  readonly dns: readonly number[]
  readonly wins: readonly number[]
  readonly leaseSeconds: number
  readonly renewalSeconds: number
  readonly rebindingSeconds: number
  /** Subnets behind relays. */
  readonly relayed: readonly DhcpSubnet[]
  readonly classes: readonly DhcpClass[]
  readonly reservations: readonly DhcpReservation[]
  readonly boot?: BootPlan
  readonly probe: boolean
  readonly rapidCommit: boolean
  readonly otherServers: 'stand-down' | 'answer' | 'ignore'
}

const MINIMUM_LEASE_SECONDS = 60
const MINIMUM_RENEWAL_SECONDS = 30

/** Fills the defaults and checks every rule. @throws VivariumError kind `invalid` with all that is wrong. */
export function planDhcp(settings: DhcpSettings): DhcpPool {
  const faults = new Faults('dhcp', "Change the network's DHCP settings.")
  const addresses = (name: 'dns' | 'wins') =>
    (settings[name] ?? []).map((text, index) => readAddress(faults, `${name}.${index}`, text) ?? 0)
  const [dns, wins] = [addresses('dns'), addresses('wins')]
  const common = commonOptions(settings, dns, wins)
  const named = settings.server === undefined ? undefined : readAddress(faults, 'server', settings.server)
  const { network = '10.244.0.0', mask = '255.255.255.0' } = settings
  const own = planSubnet({ ...settings, network, mask }, '', common, faults)
  const times = planTimes(settings, faults)
  const relayed = (settings.subnets ?? []).map((subnet, index) =>
    planSubnet(
      { ...subnet, options: [...(settings.options ?? []), ...(subnet.options ?? [])] },
      `subnets.${index}.`,
      common,
      faults,
    ),
  )
  // Nothing is in, or outside of, a network that is none.
  if (own === undefined || !areKnown(relayed)) throw faults.error()
  const first = own.network + 1
  const server = within(faults, 'server', named, [first, own.start - 1]) ?? first
  checkOverlap([own, ...relayed], faults)
  const reservations = (settings.reservations ?? []).map((reservation, index) =>
    planReservation(reservation, `reservations.${index}`, faults),
  )
  const pool = {
    ...{ ...own, server, dns, wins, relayed },
    ...times,
    classes: (settings.classes ?? []).map(planClass),
    reservations: reservations.filter((each) => each !== undefined),
    ...(settings.boot && { boot: planBoot(settings.boot) }),
    probe: settings.probe ?? true,
    rapidCommit: settings.rapidCommit ?? false,
    otherServers: settings.otherServers ?? 'stand-down',
  }
  checkReservations(pool, reservations, faults)
  faults.throwIfAny()
  return pool
}

function areKnown(subnets: readonly (DhcpSubnet | undefined)[]): subnets is readonly DhcpSubnet[] {
  return !subnets.includes(undefined)
}

/** Addresses that somebody has for good, so that they are no leases. */
export function takenAddresses({ server, gateway = server, dns, wins, relayed }: DhcpPool): Set<number> {
  const gateways = relayed.flatMap((subnet) => subnet.gateway ?? [])
  return new Set([server, gateway, ...dns, ...wins, ...gateways])
}

function commonOptions(
  settings: DhcpSettings,
  dns: readonly number[],
  wins: readonly number[],
): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  if (dns.length > 0) options.set(OPTION.dns, addressesOption(dns))
  if (settings.domain !== undefined) options.set(OPTION.domain, textOption(settings.domain))
  if (settings.search?.length) options.set(OPTION.searchList, searchListOption(settings.search))
  if (wins.length > 0) options.set(OPTION.wins, addressesOption(wins))
  // Windows needs the node type with WINS: 8 = H, ask WINS first and then broadcast (RFC 2132, 8.7).
  const nodeType = settings.nodeType ?? (wins.length > 0 ? 8 : undefined)
  if (nodeType !== undefined) options.set(OPTION.nodeType, Uint8Array.of(nodeType))
  return options
}

function checkOverlap(subnets: readonly DhcpSubnet[], faults: Faults): void {
  for (const [index, subnet] of subnets.entries())
    for (const other of subnets.slice(0, index))
      if (isIn(other, subnet.network) || isIn(subnet, other.network))
        faults.add(
          `subnets.${index - 1}.network`,
          `${formatIpv4(subnet.network)} and ${formatIpv4(other.network)} overlap.`,
        )
}

function planReservation(
  { address, mac, clientId, hostName, options, boot }: ReservationSettings,
  field: string,
  faults: Faults,
): DhcpReservation | undefined {
  const at = readAddress(faults, `${field}.address`, address)
  if (at === undefined) return undefined
  const id = clientId === undefined ? undefined : bytesOf(clientId)
  return {
    address: at,
    ...(mac !== undefined && { mac: parseMac(mac) ?? 0 }),
    ...(id !== undefined && { client: toHex(id) }),
    ...(hostName !== undefined && { hostName }),
    options: optionSet(options),
    ...(boot && { boot: planBoot(boot) }),
  }
}

/** One machine has one address in a subnet, and one address one machine. */
function checkReservations(
  pool: DhcpPool,
  reservations: readonly (DhcpReservation | undefined)[],
  faults: Faults,
): void {
  const seen = new Set<string>()
  const taken = takenAddresses(pool)
  const subnets: readonly DhcpSubnet[] = [pool, ...pool.relayed]
  for (const [index, reservation] of reservations.entries()) {
    if (reservation === undefined) continue
    const { address, mac, client } = reservation
    const field = `reservations.${index}`
    const text = formatIpv4(address)
    const subnet = subnets.findIndex((candidate) => isIn(candidate, address))
    const found = subnets[subnet]
    if (found === undefined || address === found.network || address > lastHost(found))
      faults.add(`${field}.address`, `The reservation of ${text} is outside of the network.`)
    if (taken.has(address))
      faults.add(`${field}.address`, `${text} is reserved, and is the address of a server or a gateway.`)
    for (const [key, what] of [
      [text, `${text} is reserved twice.`],
      [`${subnet} ${mac ?? client}`, `The machine that ${text} is reserved for has another reservation.`],
    ] as const) {
      if (seen.has(key)) faults.add(field, what)
      seen.add(key)
    }
  }
}

function planTimes(settings: DhcpSettings, faults: Faults) {
  const leaseSeconds = settings.leaseSeconds ?? 86_400
  const renewalSeconds =
    settings.renewalSeconds ?? Math.max(MINIMUM_RENEWAL_SECONDS, Math.floor(leaseSeconds / 2))
  const rebindingSeconds =
    settings.rebindingSeconds ?? Math.max(renewalSeconds + 1, Math.floor((leaseSeconds * 7) / 8))
  if (leaseSeconds < MINIMUM_LEASE_SECONDS)
    faults.add(
      'leaseSeconds',
      `The lease time is ${leaseSeconds} s; the least is ${MINIMUM_LEASE_SECONDS} s.`,
    )
  else if (leaseSeconds <= rebindingSeconds)
    faults.add(
      'leaseSeconds',
      `The lease time (${leaseSeconds} s) must be over the rebinding time (${rebindingSeconds} s).`,
    )
  if (renewalSeconds < MINIMUM_RENEWAL_SECONDS)
    faults.add(
      'renewalSeconds',
      `The renewal time is ${renewalSeconds} s; the least is ${MINIMUM_RENEWAL_SECONDS} s.`,
    )
  if (rebindingSeconds <= renewalSeconds)
    faults.add(
      'rebindingSeconds',
      `The rebinding time (${rebindingSeconds} s) must be over the renewal time (${renewalSeconds} s).`,
    )
  return { leaseSeconds, renewalSeconds, rebindingSeconds }
}
