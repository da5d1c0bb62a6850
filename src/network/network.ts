import { formatIpv4, formatMac, parseIpv4, parseMac } from './addresses.ts'
import { type Clock, systemClock } from './clock.ts'
import type { NetworkEvent } from './events.ts'
import { NetworkHost } from './host.ts'
import type { HostAddress } from './host-address.ts'
import { type Journals, memoryJournals } from './journals.ts'
import { NameBook } from './names.ts'
import { type NatPlan, planNat, withNatDefaults } from './nat/plan.ts'
import { NatRouter } from './nat/router.ts'
import type { NetworkConfig } from './network-config.ts'
import { ownIpv6, planHost } from './network-plan.ts'
import type { NetworkStatus } from './network-status.ts'
import { NO_SERVICES, type RunningServices, startServices } from './services.ts'
import {
  type Connectable,
  type ConnectSettings,
  EthernetSwitch,
  type Link,
  type SwitchHistory,
  type SwitchPort,
  type SwitchTap,
} from './switch.ts'
import type { ServiceWorld } from './world.ts'

/**
 * One virtual network: a switch, and where a service is configured the host that carries it.
 *
 *     guest --- link --- port +--------+ port --- host: ARP, ping
 *     guest --- link --- port | switch |            +-- UDP 67: dhcp
 *                             +--------+            +-- ...
 */

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
