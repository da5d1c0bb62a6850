import type { Adapter, NetworkDetails, NetworkSummary } from '../../api/index.ts'
import { formatSize } from '../../base/index.ts'
import type { LeaseRecord } from '../../network/index.ts'
import { renderProblems } from './problems.ts'
import { renderSettings } from './settings.ts'
import { renderFacts, renderSections, renderTable } from './table.ts'

export function renderNetworkList(networks: readonly NetworkSummary[]): string {
  const rows = networks.map(({ name, kind, dhcp, ports, leases, uplink, problems }) => [
    name,
    kind,
    dhcp.enabled ? (dhcp.range ?? 'on') : 'off',
    String(ports),
    String(leases),
    uplink.unusable !== undefined ? 'unusable' : problems.length > 0 ? 'problems' : '',
  ])
  return renderTable(['Name', 'Kind', 'DHCP', 'Ports', 'Leases', ''], rows)
}

export function renderNetworkDetails(network: NetworkDetails): string {
  const { status, uplink } = network
  const facts = renderFacts([
    ['Network', `${network.name} (${network.key})`],
    ['File', network.path],
    ['Id', network.id],
    ['Reaches', uplink.text],
    ['Unusable', uplink.unusable],
    ['Services', network.services.join(', ')],
    ['Own address', status?.host && `${status.host.address} (${status.host.mac})`],
  ])
  const ports = (status?.ports ?? []).map(({ name, counters }) => [
    name,
    String(counters.framesReceived),
    formatSize(counters.bytesReceived),
    String(counters.framesSent),
    formatSize(counters.bytesSent),
    String(counters.framesDropped),
  ])
  const off = network.adapters.filter(({ isRunning }) => !isRunning).map((adapter) => [adapter.port])
  return renderSections([
    ['', facts],
    ['Settings', renderSettings(network.settings)],
    [
      'Ports',
      ports.length === 0
        ? ''
        : renderTable(['Port', 'Frames in', 'Bytes in', 'Frames out', 'Bytes out', 'Dropped'], ports),
    ],
    ['Machines that are off', off.map(([port]) => port).join('\n')],
    ['Problems', network.problems.length === 0 ? '' : renderProblems(network.problems)],
  ])
}

export function renderAdapters(adapters: readonly Adapter[], networks: readonly NetworkSummary[]): string {
  const nameOf = (key: string | undefined) => networks.find((network) => network.key === key)?.name
  const rows = adapters.map((adapter) => [
    adapter.machineName,
    String(adapter.index + 1),
    adapter.mac ?? '(made at first start)',
    nameOf(adapter.network) ?? (adapter.wanted.kind === 'none' ? '-' : `- (was on "${adapter.wanted.name}")`),
    adapter.isRunning ? 'running' : '',
  ])
  return renderTable(['Machine', 'Adapter', 'MAC address', 'Network', ''], rows)
}

export function renderLeases(leases: readonly LeaseRecord[]): string {
  if (leases.length === 0) return 'No leases.'
  const rows = leases.map(({ address, mac, hostName, state, expiresAt }) => [
    address,
    mac,
    hostName ?? '',
    state,
    expiresAt,
  ])
  return renderTable(['Address', 'MAC address', 'Host name', 'State', 'Until'], rows)
}
