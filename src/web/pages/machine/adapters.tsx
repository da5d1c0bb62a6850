import { Anchor, Group, Select, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import type { Adapter, NetworkSummary } from '../../../api/index.ts'
import { isLost } from '../../network/lost-adapters.tsx'
import { useAdapters, useNetworks } from '../../network/network-queries.ts'
import { useMoveAdapter } from '../../network/use-move-adapter.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Panel } from '../../parts/panel.tsx'

/** Where the machine's cables go. They can be plugged in elsewhere while it runs. */
export function Adapters({ machineId }: { readonly machineId: string }) {
  const adapters = useAdapters()
  const networks = useNetworks().data ?? []
  const own = adapters.data?.filter((adapter) => adapter.machineId === machineId)
  return (
    <Panel title="Network adapters">
      {adapters.isError && (
        <ErrorCard
          title="The adapters cannot be listed"
          error={adapters.error}
          retry={() => adapters.refetch()}
        />
      )}
      {own?.length === 0 && <Text size="sm">This machine has none.</Text>}
      <Stack gap="md">
        {own?.map((adapter) => (
          <Chooser key={adapter.index} adapter={adapter} networks={networks} />
        ))}
      </Stack>
    </Panel>
  )
}

const UNPLUGGED = ''

function Chooser({
  adapter,
  networks,
}: {
  readonly adapter: Adapter
  readonly networks: readonly NetworkSummary[]
}) {
  const move = useMoveAdapter((key) => networks.find((one) => one.key === key)?.name ?? key)
  const chosen = move.isPending ? move.variables.network : adapter.network
  return (
    <div>
      <Select
        label={`Adapter ${adapter.index + 1}`}
        description={adapter.mac ?? 'Its address is made at the first start.'}
        data={[
          { value: UNPLUGGED, label: 'Not connected' },
          ...networks.map(({ key, name }) => ({ value: key, label: name })),
        ]}
        value={chosen ?? UNPLUGGED}
        allowDeselect={false}
        disabled={move.isPending}
        onChange={(key) => move.mutate({ adapter, network: key === UNPLUGGED ? null : key })}
      />
      <Group gap="xs" mt={4}>
        {adapter.network !== undefined && (
          <Anchor component={Link} to={`/network/${adapter.network}`} size="xs">
            Open this network
          </Anchor>
        )}
        {isLost(adapter) && (
          <Text size="xs" c="red">
            Its file wants "{adapter.wanted.name}", which is not here.
          </Text>
        )}
      </Group>
    </div>
  )
}
