import type { Problem } from '../../base/index.ts'
import type { SwitchNetworkStatus } from '../../engine/index.ts'
import { formatIpv4, type NetworkDocument, planDhcp } from '../../network/index.ts'
import type { BuiltIn } from './built-in.ts'
import { bridgeOf, type Uplinks } from './host-adapters.ts'
import { liveProblems } from './live-problems.ts'
import type { Network, NetworkKind } from './network.ts'

/** A line of the list of networks. */
export interface NetworkSummary {
  readonly key: string
  readonly id: string
  readonly name: string
  readonly kind: NetworkKind
  readonly builtIn?: BuiltIn
  readonly path?: string
  readonly uplink: { readonly text: string; readonly unusable?: string }
  readonly isOn: boolean
  readonly dhcp: { readonly enabled: boolean; readonly range?: string }
  readonly services: readonly string[]
  readonly ports: number
  readonly leases: number
  readonly problems: readonly Problem[]
}

export function summaryOf(
  network: Network,
  status: SwitchNetworkStatus | undefined,
  uplinks: Uplinks,
): NetworkSummary {
  const { key, id, name, kind, builtIn, file, document } = network
  const unusable = whyUnusable(network, uplinks)
  const leases = status?.services.dhcp?.leases ?? []
  return {
    key,
    id,
    name,
    kind,
    ...(builtIn && { builtIn }),
    ...(file && { path: file.path }),
    uplink: { text: uplinkText(network), ...(unusable !== undefined && { unusable }) },
    isOn: status !== undefined,
    dhcp: dhcpOf(document),
    services: Object.keys(status?.services ?? {}),
    ports: status?.ports.length ?? 0,
    leases: leases.filter(({ state }) => state === 'bound').length,
    problems: [
      ...network.problems,
      ...(status === undefined ? [] : [...status.problems, ...liveProblems(status)]),
    ],
  }
}

function dhcpOf({ dhcp }: NetworkDocument): NetworkSummary['dhcp'] {
  if (dhcp === undefined || !dhcp.enabled) return { enabled: false }
  try {
    const { start, end } = planDhcp(dhcp)
    return { enabled: true, range: `${formatIpv4(start)} - ${formatIpv4(end)}` }
  } catch {
    // What is wrong with it is among the problems.
    return { enabled: true }
  }
}

function uplinkText({ uplink, document }: Network): string {
  const { hostAdapter } = document
  switch (uplink.kind) {
    case 'none':
      return document.uplink === undefined && hostAdapter
        ? `The network of the adapter ${hostAdapter}.`
        : 'Guests only.'
    case 'nat':
      return 'Machines reach what this computer reaches.'
    case 'tap':
      return `The network device ${uplink.interface} of this computer.`
    case 'bridge':
      return `The bridge ${uplink.bridge} of this computer${hostAdapter ? `, and with it the network of ${hostAdapter}` : ''}.`
    case 'hostOnly':
      return `This computer, at ${uplink.address}, and nothing beyond it.`
  }
}

function whyUnusable({ uplink, document }: Network, uplinks: Uplinks): string | undefined {
  const { hostAdapter } = document
  if (document.uplink === undefined && hostAdapter) {
    const adapter = uplinks.adapters.find(({ name }) => name === hostAdapter)
    if (adapter !== undefined) return adapter.unusable
    if (bridgeOf(hostAdapter) === undefined)
      return `This computer has no network adapter "${hostAdapter}": choose one of its own, or make the network guests only.`
  }
  return uplink.kind === 'none' ? undefined : uplinks.unusable[uplink.kind]
}
