import { VivariumError } from '../base/index.ts'
import { formatIpv4 } from './addresses.ts'
import { planDhcp } from './dhcp/pool.ts'
import type { HostAddress } from './host-address.ts'
import { hostMac } from './host-mac.ts'
import { hostIpv6, planIpv6 } from './ipv6/plan.ts'
import { planNat } from './nat/plan.ts'
import { type NetworkConfig, parseInterface } from './network-config.ts'

/** What follows from a network's settings, before anything of it is opened. */

/** IPv6 addresses of the network's host. */
export function ownIpv6(config: NetworkConfig): readonly Uint8Array[] {
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
