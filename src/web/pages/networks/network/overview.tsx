import { Stack, Text } from '@mantine/core'
import type { NetworkDetails } from '../../../../api/index.ts'
import { Facts } from '../../../parts/facts.tsx'
import { Panel } from '../../../parts/panel.tsx'
import { ProblemList } from '../../../parts/problem-list.tsx'
import reports from '../../../reports/reports.module.css'
import { Services } from '../network-table.tsx'
import { KINDS } from '../network-words.ts'
import { Ports } from './ports.tsx'
import { ServicePanels } from './service-panels.tsx'
import { Stations } from './stations.tsx'

export function Overview({ network }: { readonly network: NetworkDetails }) {
  const { status, uplink, problems, settings } = network
  return (
    <Stack gap="md">
      {problems.length > 0 && (
        <Panel title="Problems">
          <ProblemList problems={problems} />
        </Panel>
      )}
      <Ports network={network} />
      <div className={reports.columns}>
        <Panel title="Network">
          <Facts
            of={{
              Kind: KINDS[network.kind].label,
              Uplink: uplink.unusable === undefined ? uplink.text : <Unusable {...uplink} />,
              'Own address':
                status?.host === undefined ? 'none' : `${status.host.address} (${status.host.mac})`,
              DHCP: network.dhcp.enabled ? (network.dhcp.range ?? 'on') : 'off',
              Services: <Services network={network} />,
              MTU: settings.mtu,
              File: network.path && <span className="path">{network.path}</span>,
              Id: network.id && <code>{network.id}</code>,
            }}
          />
          {settings.notes !== undefined && (
            <Text size="sm" mt="md" style={{ whiteSpace: 'pre-wrap' }}>
              {settings.notes}
            </Text>
          )}
        </Panel>
        <Stations network={network} />
        {status !== undefined && <ServicePanels status={status} />}
      </div>
    </Stack>
  )
}

function Unusable({ text, unusable }: NetworkDetails['uplink']) {
  return (
    <>
      {text}{' '}
      <Text span size="sm" c="red" display="block">
        {unusable}
      </Text>
    </>
  )
}
