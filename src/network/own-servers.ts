import { formatIpv4 } from './addresses.ts'
import { dnsDomain } from './dns/plan.ts'
import type { NetworkConfig } from './network.ts'

/** DHCP gives out the network's own servers where its settings name no others. */
export function withOwnServers(config: NetworkConfig, address: number): NetworkConfig {
  const { dhcp, dns, wins } = config
  if (dhcp === undefined) return config
  const own = [formatIpv4(address)]
  return {
    ...config,
    dhcp: {
      ...dhcp,
      ...(dns?.enabled && {
        dns: dhcp.dns.length > 0 ? dhcp.dns : own,
        domain: dhcp.domain ?? dnsDomain(config),
      }),
      ...(wins?.enabled && { wins: dhcp.wins.length > 0 ? dhcp.wins : own }),
    },
  }
}
