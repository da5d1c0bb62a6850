import { Table, Text } from '@mantine/core'
import { IconAdjustments } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Fragment, useState } from 'react'
import { Link } from 'react-router'
import type { Adapter, NetworkDetails } from '../../../../api/index.ts'
import { formatSize } from '../../../../base/index.ts'
import { MoveMenu } from '../../../network/move-menu.tsx'
import { networkHistoryQuery, trafficOf, useNetworks } from '../../../network/network-queries.ts'
import { formatRate } from '../../../network/traffic.ts'
import { adapterName, useMoveAdapter } from '../../../network/use-move-adapter.ts'
import { Panel } from '../../../parts/panel.tsx'
import { ReasonIcon } from '../../../parts/reason-button.tsx'
import { PortSettings } from './port-settings.tsx'
import { Sparkline } from './sparkline.tsx'

type Port = NonNullable<NetworkDetails['status']>['ports'][number]

/** What is plugged in: the adapters of machines, on or off, and ports that belong to none (uplinks, trunks). */
export function Ports({ network }: { readonly network: NetworkDetails }) {
  const networks = useNetworks().data ?? []
  const move = useMoveAdapter((key) => networks.find((one) => one.key === key)?.name ?? key)
  const [asked, setAsked] = useState<Adapter>()
  const ports = network.status?.ports ?? []
  const named = new Set(network.adapters.map(({ port }) => port))
  const others = ports.filter(({ name }) => !named.has(name))
  return (
    <Panel title="Ports">
      {network.adapters.length + others.length === 0 ? (
        <Text size="sm" c="dimmed">
          No machine is plugged in. Plug one in on its page, or on the map under View All.
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={680} type="native">
          <Table aria-label="Ports" verticalSpacing="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Machine</Table.Th>
                <Table.Th>Sent</Table.Th>
                <Table.Th>Received</Table.Th>
                <Table.Th>Two minutes</Table.Th>
                <Table.Th>Last hour</Table.Th>
                <Table.Th>Lost or refused</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {network.adapters.map((adapter) => (
                <Table.Tr key={`${adapter.machineId} ${adapter.index}`}>
                  <Table.Td>
                    <Link to={`/machines/${adapter.machineId}`} style={{ color: 'inherit' }}>
                      {adapter.machineName}
                    </Link>
                    <Text size="xs" c="dimmed">
                      {adapterName(adapter)}
                      {adapter.mac !== undefined && ` · ${adapter.mac}`}
                      {settingsText(adapter)}
                    </Text>
                  </Table.Td>
                  <Counters network={network.key} port={ports.find(({ name }) => name === adapter.port)} />
                  <Table.Td style={{ whiteSpace: 'nowrap', textAlign: 'right' }}>
                    <ReasonIcon
                      label={`Port settings of ${adapter.machineName}, ${adapterName(adapter)}`}
                      onClick={() => setAsked(adapter)}
                    >
                      <IconAdjustments size={18} />
                    </ReasonIcon>
                    <MoveMenu
                      adapter={adapter}
                      networks={networks}
                      onMove={(to) => move.mutate({ adapter, network: to })}
                    />
                  </Table.Td>
                </Table.Tr>
              ))}
              {others.map((port) => (
                <Table.Tr key={port.id}>
                  <Table.Td>{port.name}</Table.Td>
                  <Counters network={network.key} port={port} />
                  <Table.Td />
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {asked !== undefined && <PortSettings adapter={asked} onClose={() => setAsked(undefined)} />}
    </Panel>
  )
}

function Counters({ network, port }: { readonly network: string; readonly port: Port | undefined }) {
  const { data: history } = useQuery(networkHistoryQuery(network))
  if (port === undefined)
    return (
      <Table.Td colSpan={5}>
        <Text size="xs" c="dimmed">
          The machine is off.
        </Text>
      </Table.Td>
    )
  const { counters } = port
  const hour = history?.ports.find(({ name }) => name === port.name)?.minutes ?? []
  const traffic = trafficOf(network)
  const rate = traffic.now(port.name)
  return (
    <>
      <Amount bytes={counters.bytesReceived} frames={counters.framesReceived} rate={rate.sent} />
      <Amount bytes={counters.bytesSent} frames={counters.framesSent} rate={rate.received} />
      <Table.Td>
        <Sparkline history={traffic.history(port.name)} />
      </Table.Td>
      <Table.Td>
        <Sparkline history={hour.map(ratesOf)} />
      </Table.Td>
      <Table.Td>
        {LOSSES.filter(([name]) => counters[name] > 0).map(([name, text]) => (
          <Fragment key={name}>
            {counters[name]} {text}
            <br />
          </Fragment>
        ))}
        {LOSSES.every(([name]) => counters[name] === 0) && 'none'}
      </Table.Td>
    </>
  )
}

/** Seen from the machine: what it sends is what the switch receives. */
function ratesOf({ bytesReceived, bytesSent }: { bytesReceived: number; bytesSent: number }) {
  return { sent: bytesReceived, received: bytesSent }
}

const LOSSES = [
  ['framesDropped', 'dropped'],
  ['framesMalformed', 'malformed'],
  ['framesOversized', 'too long'],
  ['framesBlocked', 'refused by the guard'],
  ['framesLost', 'lost on the line'],
] as const

function Amount({ bytes, frames, rate }: { bytes: number; frames: number; rate: number }) {
  return (
    <Table.Td>
      {formatSize(bytes)}
      <Text size="xs" c="dimmed">
        {frames} frames · {formatRate(rate)}
      </Text>
    </Table.Td>
  )
}

/** What is out of the ordinary at this port. */
function settingsText({ settings }: Adapter): string {
  const words = [
    settings.linkUp === false && 'cable pulled',
    settings.promiscuous && 'hears all',
    settings.guard !== undefined && 'guarded',
    settings.conditions !== undefined && 'bad line',
  ].filter((word) => typeof word === 'string')
  return words.length === 0 ? '' : ` · ${words.join(', ')}`
}
