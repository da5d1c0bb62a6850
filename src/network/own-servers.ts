import { formatIpv4 } from './addresses.ts'
import type { OptionSetting } from './dhcp/option-settings.ts'
import { OPTION } from './dhcp/options.ts'
import { dnsDomain } from './dns/plan.ts'
import { ETHERNET_MTU } from './ethernet.ts'
import type { NetworkConfig } from './network-config.ts'

/** DHCP gives out the network's own servers, and its MTU where that is small, unless its settings say otherwise. */
export function withOwnServers(config: NetworkConfig, address: number): NetworkConfig {
  const { dhcp, dns, wins } = config
  if (dhcp === undefined) return config
  const own = [formatIpv4(address)]
  const isSmall = config.mtu !== undefined && config.mtu < ETHERNET_MTU
  const isSaid = dhcp.options?.some(({ code }) => code === OPTION.interfaceMtu) ?? false
  return {
    ...config,
    dhcp: {
      ...dhcp,
      ...(dns?.enabled && {
        dns: dhcp.dns.length > 0 ? dhcp.dns : own,
        domain: dhcp.domain ?? dnsDomain(config),
      }),
      ...(isSmall && !isSaid && { options: [...(dhcp.options ?? []), mtuOption(config.mtu!)] }),
      ...(wins?.enabled && { wins: dhcp.wins.length > 0 ? dhcp.wins : own }),
    },
  }
}

/** RFC 2132, 5.1. */
function mtuOption(mtu: number): OptionSetting {
  return { code: OPTION.interfaceMtu, type: 'number16', value: mtu }
}
