import { Badge, Button, Group, Paper, Table, Text } from '@mantine/core'
import { IconPin, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { NetworkDetails, Output } from '../../../../api/index.ts'
import { call } from '../../../client.ts'
import { leasesQuery } from '../../../network/network-queries.ts'
import { Empty } from '../../../parts/empty.tsx'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { formatDuration } from '../../../parts/format.ts'
import { ReasonIcon } from '../../../parts/reason-button.tsx'
import { useNow } from '../../../parts/times.tsx'
import { reportDone } from '../../../parts/toast.tsx'

type Lease = Output<'leases'>[number]

/** Who has which address, until when. */
export function Leases({ network }: { readonly network: NetworkDetails }) {
  const leases = useQuery(leasesQuery(network.key))
  const acts = useLeaseActs(network.key)
  if (leases.isError)
    return (
      <ErrorCard title="The leases cannot be listed" error={leases.error} retry={() => leases.refetch()} />
    )
  if (leases.data === undefined) return null
  if (leases.data.length === 0)
    return (
      <Paper>
        <Empty title="No leases">
          {network.dhcp.enabled
            ? 'A machine that asks for an address by DHCP appears here.'
            : 'The DHCP server of this network is off. It can be switched on under Configure.'}
        </Empty>
      </Paper>
    )
  return (
    <Paper p="md">
      <Table.ScrollContainer minWidth={640} type="native">
        <Table aria-label="Leases" verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Address</Table.Th>
              <Table.Th>Machine</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>Ends in</Table.Th>
              <Table.Th aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {leases.data.map((lease) => (
              <Table.Tr key={lease.address}>
                <Table.Td>
                  <code>{lease.address}</code>
                </Table.Td>
                <Table.Td>
                  <Holder lease={lease} network={network} />
                </Table.Td>
                <Table.Td>
                  <LeaseState lease={lease} isReserved={isReserved(network, lease)} />
                </Table.Td>
                <Table.Td>
                  <Remaining until={lease.expiresAt} />
                </Table.Td>
                <Table.Td>
                  <Group gap={4} wrap="nowrap" justify="flex-end">
                    {!isReserved(network, lease) && (
                      <Button
                        size="compact-sm"
                        variant="default"
                        leftSection={<IconPin size={14} />}
                        aria-label={`Reserve ${lease.address}`}
                        onClick={() => acts.reserve.mutate(lease.address)}
                      >
                        Reserve
                      </Button>
                    )}
                    <ReasonIcon
                      label={`Delete the lease of ${lease.address}`}
                      onClick={() => acts.remove.mutate(lease.address)}
                    >
                      <IconTrash size={18} />
                    </ReasonIcon>
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Text size="xs" c="dimmed" mt="sm">
        A reservation gives the machine the same address for ever. A deleted lease frees the address; a
        machine that still uses it asks anew when its time is up.
      </Text>
    </Paper>
  )
}

function useLeaseActs(key: string) {
  const cache = useQueryClient()
  const refresh = () => {
    for (const queryKey of [['leases', key], ['network', key], ['networks']])
      void cache.invalidateQueries({ queryKey })
  }
  const remove = useMutation({
    mutationFn: (address: string) => call('deleteLease', { key, address }),
    onSuccess: refresh,
  })
  const reserve = useMutation({
    mutationFn: (address: string) => call('reserveLease', { key, address }),
    onSuccess: (_network, address) => {
      reportDone(`${address} is reserved.`)
      refresh()
    },
  })
  return { remove, reserve }
}

function Holder({ lease, network }: { readonly lease: Lease; readonly network: NetworkDetails }) {
  const adapter = network.adapters.find(({ mac }) => mac?.toLowerCase() === lease.mac.toLowerCase())
  return (
    <>
      {adapter === undefined ? (
        (lease.hostName ?? 'unknown')
      ) : (
        <Link to={`/machines/${adapter.machineId}`} style={{ color: 'inherit' }}>
          {adapter.machineName}
        </Link>
      )}
      <Text size="xs" c="dimmed">
        {adapter !== undefined && lease.hostName !== undefined && `${lease.hostName} · `}
        {lease.mac}
      </Text>
    </>
  )
}

const STATES = {
  offered: ['offered', 'gray'],
  bound: ['in use', 'fern'],
  expired: ['ended', 'gray'],
  released: ['given back', 'gray'],
  declined: ['in use by another', 'amber'],
} as const satisfies Record<Lease['state'], unknown>

function LeaseState({
  lease,
  isReserved: reserved,
}: {
  readonly lease: Lease
  readonly isReserved: boolean
}) {
  const [text, color] = STATES[lease.state]
  return (
    <Group gap={4}>
      <Badge variant="light" color={color} tt="none" radius="sm">
        {text}
      </Badge>
      {reserved && (
        <Badge variant="light" color="blue" tt="none" radius="sm">
          reserved
        </Badge>
      )}
    </Group>
  )
}

function Remaining({ until }: { readonly until: string }) {
  const now = useNow(1_000)
  const seconds = (Date.parse(until) - now.getTime()) / 1000
  return <>{seconds <= 0 ? 'ended' : formatDuration(seconds)}</>
}

/** By the network's settings, whose shape knows reservations. */
function isReserved({ settings }: NetworkDetails, { address }: Lease): boolean {
  return settings.dhcp?.reservations?.some((one) => one.address === address) ?? false
}
