import type { Answer } from './answer.ts'
import type { Clock } from './clock.ts'
import type { BootDesk } from './dhcp/boot.ts'
import type { NetworkEvent } from './events.ts'
import type { NetworkHost } from './host.ts'
import type { Datagram } from './host-address.ts'
import type { Journals } from './journals.ts'
import type { NameBook } from './names.ts'
import type { NetworkConfig } from './network-config.ts'
import type { ServiceWorld } from './world.ts'

/**
 * A service of a virtual network (DHCP, DNS ...). Adding one is one file that exports a `ServiceFactory`, one line
 * in the table of services.ts, and the schema of its settings in network-config.ts.
 */
export interface NetworkService<Status = unknown> {
  /** UDP ports of the network's host that it listens on. */
  readonly ports: readonly number[]
  /** One datagram to one of its ports. Bad input is an answer; it never throws. What takes time is answered later. */
  receive(datagram: Datagram): Answer
  /** Its state for people and programs, as JSON. */
  status(): Status
  /** The owner takes a lease away. @returns whether there was one */
  dropLease?(address: string): boolean
  /** The network is closed or configured anew: timers, transfers and listeners end here. */
  close?(): void
}

/** What a service gets from the network that it belongs to. */
export interface ServiceContext {
  readonly host: NetworkHost
  readonly clock: Clock
  /** What is to outlive the process. */
  readonly journals: Journals
  readonly names: NameBook
  /** Where a boot service decides what DHCP tells a machine that boots from the network. */
  readonly boot: BootDesk
  readonly world: ServiceWorld
  /** For the event log. Told again and again it is the same event: tell what changed, not what is. */
  readonly tell: (event: NetworkEvent) => void
}

/** Gives undefined when the network is configured without this service. */
export type ServiceFactory<Status> = (
  config: NetworkConfig,
  context: ServiceContext,
) => NetworkService<Status> | undefined
