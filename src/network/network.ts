import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import { formatIpv4, formatMac, parseIpv4, parseMac } from './addresses.ts'
import type { AnswerCounts } from './answer.ts'
import { type Clock, systemClock } from './clock.ts'
import type { PortCounters } from './counters.ts'
import { planDhcp } from './dhcp/pool.ts'
import { dhcpOptionsSchema } from './dhcp/settings.ts'
import { dnsOptionsSchema } from './dns/settings.ts'
import type { NetworkEvent } from './events.ts'
import { type HostAddress, NetworkHost } from './host.ts'
import { hostMac } from './host-mac.ts'
import { hostIpv6, planIpv6 } from './ipv6/plan.ts'
import { ipv6OptionsSchema } from './ipv6/settings.ts'
import { type Journals, memoryJournals } from './journals.ts'
import { NameBook } from './names.ts'
import { type NatPlan, planNat, withNatDefaults } from './nat/plan.ts'
import { NatRouter, type NatStatus } from './nat/router.ts'
import { pxeOptionsSchema } from './pxe/settings.ts'
import { NO_SERVICES, type RunningServices, type ServiceStatus, startServices } from './services.ts'
import {
  type Connectable,
  type ConnectSettings,
  EthernetSwitch,
  type Link,
  type PortStatus,
  type StationStatus,
  type SwitchHistory,
  type SwitchPort,
  type SwitchTap,
} from './switch.ts'
import type { TcpStatus } from './tcp/endpoint.ts'
import { trunkSchema } from './trunk/settings.ts'
import { uplinkSchema } from './uplink/settings.ts'
import { winsOptionsSchema } from './wins/settings.ts'
import type { ServiceWorld } from './world.ts'

/**
 * One virtual network: a switch, and where a service is configured the host that carries it.
 *
 *     guest --- link --- port +--------+ port --- host: ARP, ping
 *     guest --- link --- port | switch |            +-- UDP 67: dhcp
 *                             +--------+            +-- ...
 */

export const networkConfigSchema = z.object({
  /** For people. */
  name: z.string().min(1).max(256),
  /** Short, safe as a file name, and the same for the network's whole life. */
  key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
  /**
   * Of the network's own host, such as `10.244.0.1/24`. Default: the DHCP server's. Without it and without DHCP there
   * are guests only, and nothing of ours is on the wire.
   */
  address: z
    .string()
    .refine(
      (text) => parseInterface(text) !== undefined,
      'It is not an IPv4 address with its prefix, such as 10.244.0.1/24',
    )
    .optional(),
  /** Longest payload of a frame, in bytes; longer ones are dropped and counted. Default: as long as a frame may be. */
  mtu: z.int().min(576).max(65_535).optional(),
  /** Default: none, guests only. */
  uplink: uplinkSchema.optional(),
  trunk: trunkSchema.optional(),
  dhcp: dhcpOptionsSchema.optional(),
  dns: dnsOptionsSchema.optional(),
  wins: winsOptionsSchema.optional(),
  pxe: pxeOptionsSchema.optional(),
  ipv6: ipv6OptionsSchema.optional(),
})

export type NetworkConfig = z.infer<typeof networkConfigSchema>

export interface NetworkStatus {
  readonly name: string
  readonly key: string
  /** What is plugged in, without the network's own host. */
  readonly ports: readonly PortStatus[]
  readonly stations: readonly StationStatus[]
  /** Of all ports that there are and were since the switch runs. */
  readonly totals: Readonly<PortCounters>
  /** Absent when no service is configured: then nothing of ours is on the wire. */
  readonly host?: HostStatus
  readonly services: ServiceStatus
  readonly nat?: NatStatus
}

export interface HostStatus {
  readonly mac: string
  readonly address: string
  readonly port: PortStatus
  /** How it answered what it heard. */
  readonly answers: Readonly<AnswerCounts>
  readonly tcp: TcpStatus
}

export interface NetworkSurroundings {
  /** Default: the system's. */
  readonly clock?: Clock
  /** Default, of each: what it keeps lives as long as the network. */
  readonly journals?: Partial<Journals>
  /** Default: nothing outside of the network is reached. */
  readonly world?: ServiceWorld
  /** Default: nobody listens. */
  readonly tell?: (event: NetworkEvent) => void
}

export class VirtualNetwork implements Connectable {
  /** Who is called what; DHCP, DNS and WINS share it. */
  readonly names = new NameBook()
  readonly #switch: EthernetSwitch
  readonly #surroundings: Required<NetworkSurroundings> & { readonly journals: Journals }
  #config: NetworkConfig
  #host: NetworkHost | undefined
  #services: RunningServices = NO_SERVICES
  #nat: NatRouter | undefined

  /** @throws VivariumError kind `invalid` on settings that cannot work, `malformed` on journals that are not such. */
  constructor(config: NetworkConfig, surroundings: NetworkSurroundings = {}) {
    this.#surroundings = {
      clock: systemClock,
      world: {},
      tell: () => undefined,
      ...surroundings,
      journals: { ...memoryJournals(), ...surroundings.journals },
    }
    this.#switch = new EthernetSwitch(this.#surroundings.clock, {
      tell: this.#surroundings.tell,
      leasedTo: (mac) => this.#leasedTo(mac),
    })
    this.#config = config
    this.configure(config)
  }

  get config(): NetworkConfig {
    return this.#config
  }

  /** Changes name and services; the cables stay plugged in. @throws as the constructor, and then changes nothing. */
  configure(config: NetworkConfig): void {
    const address = planHost(config)
    const host = address && this.#openHost(address)
    let services = NO_SERVICES
    let nat: NatRouter | undefined
    try {
      nat = this.#natFor(planNat(config.uplink, address))
      if (host !== undefined)
        services = startServices(withNatDefaults(config, nat?.plan), {
          ...this.#surroundings,
          host,
          names: this.names,
        })
    } catch (error) {
      host?.disconnect()
      throw error
    }
    this.#services.close()
    this.#host?.disconnect()
    this.#services = services
    this.#host = host
    this.#config = config
    this.#switch.mtu = config.mtu
    this.#switch.ownIpv6 = ownIpv6(config)
    if (nat !== this.#nat) this.#nat?.close()
    this.#nat = nat
    nat?.attach(host, config.mtu)
    if (host !== undefined) host.router = nat
  }

  /** The router of a network with NAT: whoever keeps the network gives it the outer wire. */
  get nat(): NatRouter | undefined {
    return this.#nat
  }

  /** @returns whether there was such a lease */
  dropLease(address: string): boolean {
    return this.#services.dropLease(address)
  }

  connect(name: string, link: Link, settings?: ConnectSettings): SwitchPort {
    return this.#switch.connect(name, link, settings)
  }

  /** Once a second, by whoever keeps the network: what moved goes into its history. */
  sample(): void {
    this.#switch.sample()
  }

  history(): SwitchHistory {
    return this.#switch.history()
  }

  /** Lets a capture see what passes. @returns what ends it */
  tap(listener: SwitchTap): () => void {
    return this.#switch.tap(listener)
  }

  status(): NetworkStatus {
    const ports = this.#switch.ports()
    const hostPort = ports.find(({ id }) => id === this.#host?.portId)
    return {
      name: this.#config.name,
      key: this.#config.key,
      ports: ports.filter((port) => port !== hostPort),
      stations: this.#switch.stations(),
      totals: this.#switch.totals(),
      ...(this.#host && hostPort && { host: { ...this.#host.status(), port: hostPort } }),
      services: this.#services.status(),
      ...(this.#nat && { nat: this.#nat.status() }),
    }
  }

  close(): void {
    this.#services.close()
    this.#nat?.close()
    this.#switch.close()
  }

  /** The one there is, as long as nothing of it changes: its connections live on. */
  #natFor(plan: NatPlan | undefined): NatRouter | undefined {
    if (plan === undefined) return undefined
    const isSame = JSON.stringify(plan) === JSON.stringify(this.#nat?.plan)
    return isSame ? this.#nat : new NatRouter(plan, this.#surroundings.clock)
  }

  #leasedTo(mac: number): readonly number[] {
    const leases = this.#services.status().dhcp?.leases ?? []
    return leases
      .filter((lease) => lease.state === 'bound' && parseMac(lease.mac) === mac)
      .map(({ address }) => parseIpv4(address) ?? 0)
  }

  #openHost(address: HostAddress): NetworkHost {
    const { clock, tell } = this.#surroundings
    return new NetworkHost(this.#switch, 'services', address, clock, (mac) =>
      tell({
        severity: 'warning',
        code: 'host-address-in-use',
        message: `The station ${formatMac(mac)} uses ${formatIpv4(address.address)}, the address of the network’s own services.`,
        next: 'Give that station, or the services, another address.',
      }),
    )
  }
}

function ownIpv6(config: NetworkConfig): readonly Uint8Array[] {
  const plan = planIpv6(config)
  return plan === undefined ? [] : Object.values(hostIpv6(plan, hostMac(config.key)))
}

/** @throws VivariumError kind `invalid` on settings that cannot work; nothing is changed or started. */
export function checkNetwork(config: NetworkConfig): void {
  planNat(config.uplink, planHost(config))
}

/**
 * The services live at the address that the network's settings, or else those of DHCP, give the host.
 * @throws VivariumError kind `invalid` on settings that cannot work
 */
export function planHost(config: NetworkConfig): HostAddress | undefined {
  const station = { mac: hostMac(config.key), ...(config.mtu !== undefined && { mtu: config.mtu }) }
  const own = config.address === undefined ? undefined : parseInterface(config.address)
  const pool = config.dhcp?.enabled ? planDhcp(config.dhcp) : undefined
  if (own === undefined) return pool && { ...station, address: pool.server, mask: pool.mask }
  if (pool === undefined || pool.server === own.address) return { ...station, ...own }
  throw new VivariumError(
    'invalid',
    'host-address-differs',
    `The network's own address is ${formatIpv4(own.address)}, and that of its DHCP server ${formatIpv4(pool.server)}; the services have one.`,
    { where: { field: 'address' }, next: 'Leave one of the two out, or make them the same.' },
  )
}

/** `10.244.0.1/24`: an address and the length of its network's prefix, 1 to 30 bits (RFC 4632, 3.1). */
export function parseInterface(text: string): { address: number; mask: number } | undefined {
  const [, dotted, bits] = /^([\d.]{7,15})\/(\d{1,2})$/.exec(text) ?? []
  const address = dotted === undefined ? undefined : parseIpv4(dotted)
  const prefix = Number(bits)
  if (address === undefined || prefix < 1 || prefix > 30) return undefined
  return { address, mask: (0xffff_ffff << (32 - prefix)) >>> 0 }
}
