import { Stack, Text } from '@mantine/core'
import type { NetworkReport } from '../../machine/index.ts'
import { Facts } from '../parts/facts.tsx'
import { formatDuration } from '../parts/format.ts'
import { Panel } from '../parts/panel.tsx'
import { ReportProblems } from './report-problems.tsx'
import classes from './reports.module.css'

type Network = NetworkReport['networks'][number]

/** The virtual networks of an Options.xml or a VNC file. */
export function NetworkReportView({ report }: { readonly report: NetworkReport }) {
  return (
    <Stack gap="md">
      <ReportProblems problems={report.problems} />
      <Text size="sm" c="dimmed">
        <span className="path">{report.path}</span> · {report.format.toUpperCase()}, {report.encoding}
      </Text>
      {report.networks.length === 0 && <Text size="sm">The file names no virtual networks.</Text>}
      <div className={classes.columns}>
        {report.networks.map((network) => (
          <Panel key={`${network.id} ${network.name}`} title={network.name}>
            <NetworkFacts network={network} />
          </Panel>
        ))}
      </div>
    </Stack>
  )
}

function NetworkFacts({ network }: { readonly network: Network }) {
  const { dhcp } = network
  return (
    <Facts
      of={{
        Id: network.id && <code>{network.id}</code>,
        'Host adapter': network.hostAdapter ?? 'none: guests only',
        DHCP: dhcp === undefined ? 'not configured' : dhcp.enabled ? 'on' : 'off',
        Network: dhcp?.network && `${dhcp.network}, mask ${dhcp.mask ?? 'not given'}`,
        Addresses: dhcp?.start && `${dhcp.start} to ${dhcp.end ?? '?'}`,
        Server: dhcp?.server,
        Gateway: dhcp?.gateway,
        DNS: list(dhcp?.dns),
        WINS: list(dhcp?.wins),
        Lease: seconds(dhcp?.leaseSeconds),
        Renewal: seconds(dhcp?.renewalSeconds),
        Rebinding: seconds(dhcp?.rebindingSeconds),
      }}
    />
  )
}

function list(addresses: readonly string[] | undefined): string | undefined {
  return addresses === undefined || addresses.length === 0 ? undefined : addresses.join(', ')
}

function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : formatDuration(value)
}
