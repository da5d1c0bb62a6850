import { Table, Text } from '@mantine/core'
import type { NetworkDetails } from '../../../../api/index.ts'
import { formatDuration } from '../../../parts/format.ts'
import { Panel } from '../../../parts/panel.tsx'

/** The addresses that the switch has learned, and behind which port they are. */
export function Stations({ network }: { readonly network: NetworkDetails }) {
  const stations = network.status?.stations ?? []
  return (
    <Panel title="Stations heard">
      {stations.length === 0 ? (
        <Text size="sm" c="dimmed">
          None in the last five minutes.
        </Text>
      ) : (
        <Table aria-label="Stations">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>MAC address</Table.Th>
              <Table.Th>Port</Table.Th>
              <Table.Th>Last heard</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {stations.map((station) => (
              <Table.Tr key={`${station.mac} ${station.vlan ?? ''}`}>
                <Table.Td>
                  <code>{station.mac}</code>
                  {station.vlan !== undefined && ` VLAN ${station.vlan}`}
                </Table.Td>
                <Table.Td>{portOwner(network, station.port)}</Table.Td>
                <Table.Td>{formatDuration(station.ageSeconds)} ago</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Panel>
  )
}

function portOwner({ status, adapters }: NetworkDetails, id: number): string {
  if (status?.host?.port.id === id) return "the network's own host"
  const name = status?.ports.find((port) => port.id === id)?.name
  return adapters.find(({ port }) => port === name)?.machineName ?? name ?? `port ${id}`
}
