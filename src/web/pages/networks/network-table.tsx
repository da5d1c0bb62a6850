import { Badge, Group, Table, Text, Tooltip } from '@mantine/core'
import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react'
import { Link } from 'react-router'
import type { NetworkSummary } from '../../../api/index.ts'
import { plural } from '../../../base/index.ts'
import { trafficOf } from '../../network/network-queries.ts'
import { formatRate } from '../../network/traffic.ts'
import { KINDS, serviceName } from './network-words.ts'
import classes from './networks.module.css'

/** Every network in a line. */
export function NetworkTable({ networks }: { readonly networks: readonly NetworkSummary[] }) {
  return (
    <Table.ScrollContainer minWidth={620} type="native">
      <Table verticalSpacing="sm" aria-label="Virtual networks">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Network</Table.Th>
            <Table.Th>Kind</Table.Th>
            <Table.Th>Services</Table.Th>
            <Table.Th>Plugged in</Table.Th>
            <Table.Th>Throughput</Table.Th>
            <Table.Th>Problems</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {networks.map((network) => (
            <Table.Tr key={network.key}>
              <Table.Td>
                <Link className={classes.name} to={`/network/${network.key}`}>
                  {network.name}
                </Link>
              </Table.Td>
              <Table.Td>
                {KINDS[network.kind].label}
                <Text size="xs" c="dimmed">
                  {network.uplink.text}
                </Text>
              </Table.Td>
              <Table.Td>
                <Services network={network} />
              </Table.Td>
              <Table.Td>
                {network.ports}
                {network.dhcp.enabled && (
                  <Text size="xs" c="dimmed">
                    {plural(network.leases, 'lease')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <Throughput network={network} />
              </Table.Td>
              <Table.Td>
                <Problems network={network} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

export function Services({ network }: { readonly network: NetworkSummary }) {
  if (network.services.length === 0)
    return (
      <Text size="xs" c="dimmed">
        none
      </Text>
    )
  return (
    <Group gap={4}>
      {network.services.map((name) => (
        <Badge key={name} variant="light" color="fern" radius="sm" tt="none">
          {serviceName(name)}
        </Badge>
      ))}
    </Group>
  )
}

function Throughput({ network }: { readonly network: NetworkSummary }) {
  if (!network.isOn)
    return (
      <Text size="xs" c="dimmed">
        off
      </Text>
    )
  return <>{formatRate(trafficOf(network.key).now().sent)}</>
}

function Problems({ network }: { readonly network: NetworkSummary }) {
  const { unusable } = network.uplink
  const texts = [
    ...network.problems.map(({ message }) => message),
    ...(unusable === undefined ? [] : [unusable]),
  ]
  if (texts.length === 0) return <Text size="xs">none</Text>
  const isError = network.problems.some(({ severity }) => severity === 'error')
  return (
    <Tooltip label={texts.join(' ')}>
      <Link className={classes.problem} to={`/network/${network.key}`}>
        {isError ? (
          <IconCircleX size={16} color="var(--mantine-color-red-6)" />
        ) : (
          <IconAlertTriangle size={16} color="var(--mantine-color-amber-7)" />
        )}
        {plural(texts.length, 'problem')}
      </Link>
    </Tooltip>
  )
}
