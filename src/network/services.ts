import { planDhcp } from './dhcp/pool.ts'
import { dhcpService } from './dhcp/service.ts'
import { planDns } from './dns/plan.ts'
import { dnsService } from './dns/service.ts'
import { checkAll } from './faults.ts'
import { planIpv6 } from './ipv6/plan.ts'
import { ipv6Service } from './ipv6/service.ts'
import type { NetworkConfig } from './network-config.ts'
import { withOwnServers } from './own-servers.ts'
import { planPxe } from './pxe/plan.ts'
import { pxeService } from './pxe/service.ts'
import type { NetworkService, ServiceContext, ServiceFactory } from './service.ts'
import { planWins } from './wins/plan.ts'
import { winsService } from './wins/service.ts'

/** Every service there is. The key names it in a network's status. */
const SERVICES = {
  dhcp: dhcpService,
  dns: dnsService,
  ipv6: ipv6Service,
  pxe: pxeService,
  wins: winsService,
} satisfies Record<string, ServiceFactory<unknown>>

export type ServiceStatus = {
  readonly [Name in keyof typeof SERVICES]?: ReturnType<
    NonNullable<ReturnType<(typeof SERVICES)[Name]>>['status']
  >
}

export interface RunningServices {
  status(): ServiceStatus
  /** @returns whether there was such a lease */
  dropLease(address: string): boolean
  close(): void
}

export const NO_SERVICES: RunningServices = {
  status: () => ({}),
  dropLease: () => false,
  close: () => undefined,
}

/** @throws VivariumError kind `invalid` on settings that cannot work, before anything starts. */
export function planServices(config: NetworkConfig): void {
  checkAll([
    () => config.dhcp?.enabled && planDhcp(config.dhcp),
    () => planDns(config),
    () => planIpv6(config),
    () => planPxe(config),
    () => planWins(config),
  ])
}

/** Starts what the configuration asks for, and gives each service its ports on the host. */
export function startServices(
  config: NetworkConfig,
  surroundings: Omit<ServiceContext, 'boot'>,
): RunningServices {
  const context: ServiceContext = { ...surroundings, boot: { chooser: undefined } }
  const settled = withOwnServers(config, context.host.where.address)
  const started: [name: string, service: NetworkService][] = []
  const close = () => {
    for (const [, service] of started) service.close?.()
  }
  try {
    for (const [name, factory] of Object.entries(SERVICES)) {
      const service = factory(settled, context)
      if (service === undefined) continue
      started.push([name, service])
      for (const port of service.ports) context.host.listen(port, (datagram) => service.receive(datagram))
    }
  } catch (error) {
    close()
    throw error
  }
  return {
    dropLease: (address) => started.some(([, service]) => service.dropLease?.(address) ?? false),
    status: () => Object.fromEntries(started.map(([name, service]) => [name, service.status()])),
    close,
  }
}
