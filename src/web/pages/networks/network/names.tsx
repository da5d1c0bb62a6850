import { Badge, Paper, Stack, Table, Text } from '@mantine/core'
import type { NetworkDetails } from '../../../../api/index.ts'
import { Empty } from '../../../parts/empty.tsx'
import { Panel } from '../../../parts/panel.tsx'

type Dns = NonNullable<NonNullable<NetworkDetails['status']>['services']['dns']>

/** What names lead where on this network. */
export function Names({ network }: { readonly network: NetworkDetails }) {
  const { dns, wins } = network.status?.services ?? {}
  if (dns === undefined && wins === undefined)
    return (
      <Paper>
        <Empty title="No names">
          Neither DNS nor WINS runs on this network now. They can be switched on under Configure.
        </Empty>
      </Paper>
    )
  return (
    <Stack gap="md">
      {dns !== undefined && (
        <Panel title={`Names below ${dns.domain}`}>
          <Table.ScrollContainer minWidth={560} type="native">
            <Records records={dns.records} />
          </Table.ScrollContainer>
        </Panel>
      )}
      {wins !== undefined && (
        <Panel title="WINS registrations">
          <Registrations registrations={wins.registrations} />
        </Panel>
      )}
    </Stack>
  )
}

type Wins = NonNullable<NonNullable<NetworkDetails['status']>['services']['wins']>

const SOURCES = {
  settings: 'set here',
  station: 'of a lease',
  update: 'registered',
} as const satisfies Record<Dns['records'][number]['source'], string>

function Records({ records }: { readonly records: Dns['records'] }) {
  if (records.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None yet: a machine's name appears with its lease.
      </Text>
    )
  return (
    <Table aria-label="DNS records">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th>Type</Table.Th>
          <Table.Th>Value</Table.Th>
          <Table.Th>Source</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {records.map((record) => (
          <Table.Tr key={`${record.name} ${record.type} ${record.value}`}>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{record.name}</Table.Td>
            <Table.Td>{record.type}</Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{record.value}</Table.Td>
            <Table.Td>
              <Badge
                variant="light"
                color={record.source === 'settings' ? 'gray' : 'fern'}
                tt="none"
                radius="sm"
              >
                {SOURCES[record.source]}
              </Badge>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Registrations({ registrations }: Pick<Wins, 'registrations'>) {
  if (registrations.length === 0)
    return (
      <Text size="sm" c="dimmed">
        None yet.
      </Text>
    )
  return (
    <Table aria-label="WINS registrations">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th>Kind</Table.Th>
          <Table.Th>Addresses</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {registrations.map(({ name, kind, addresses }) => (
          <Table.Tr key={name}>
            <Table.Td>
              <code>{name}</code>
            </Table.Td>
            <Table.Td>{kind}</Table.Td>
            <Table.Td>{addresses.join(', ') || 'all'}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
