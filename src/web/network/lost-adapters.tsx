import { Text } from '@mantine/core'
import { Link } from 'react-router'
import type { Adapter } from '../../api/index.ts'
import { useAdapters } from './network-queries.ts'

/** Disconnected against its will: its machine's file names a network that this computer has not. */
export function isLost({ network, wanted }: Adapter): boolean {
  return network === undefined && wanted.kind !== 'none'
}

/** In a list of machines: the cables that go nowhere, though the machine's file wants a network. */
export function LostAdapters({ machineId }: { readonly machineId: string }) {
  const lost =
    useAdapters().data?.filter((adapter) => adapter.machineId === machineId && isLost(adapter)) ?? []
  return lost.map(({ index, wanted }) => (
    <Text
      key={index}
      size="xs"
      c="red"
      component={Link}
      to={`/machines/${machineId}`}
      style={{ display: 'block' }}
    >
      Adapter {index + 1} is disconnected: there is no network "{wanted.name}".
    </Text>
  ))
}
