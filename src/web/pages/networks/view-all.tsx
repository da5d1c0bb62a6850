import { Button, Center, Loader, Paper, Stack, Text } from '@mantine/core'
import { IconCirclePlus, IconFileImport } from '@tabler/icons-react'
import { useQueries } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { NetworkSummary } from '../../../api/index.ts'
import { networkQuery, useAdapters, useNetworks } from '../../network/network-queries.ts'
import { useMoveAdapter } from '../../network/use-move-adapter.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { AdapterList } from './adapter-list.tsx'
import { NetworkMap } from './network-map.tsx'
import { NetworkTable } from './network-table.tsx'
import classes from './networks.module.css'

/** Virtual Server's View All, and a live picture of who is plugged in where. */
export function ViewAllNetworks() {
  const networks = useNetworks()
  return (
    <Page
      title="Virtual Networks"
      lead="Every network, its services, and the machines on it."
      actions={
        <>
          <Button
            component={Link}
            to="/networks/add"
            variant="default"
            leftSection={<IconFileImport size={18} />}
          >
            Add
          </Button>
          <Button component={Link} to="/networks/create" leftSection={<IconCirclePlus size={18} />}>
            Create
          </Button>
        </>
      }
    >
      {networks.isError && (
        <ErrorCard
          title="The networks cannot be listed"
          error={networks.error}
          retry={() => networks.refetch()}
        />
      )}
      {networks.isPending && (
        <Center mih={200}>
          <Loader aria-label="Loading the networks" />
        </Center>
      )}
      {networks.data !== undefined && <Shown networks={networks.data} />}
    </Page>
  )
}

function Shown({ networks }: { readonly networks: readonly NetworkSummary[] }) {
  const adapters = useAdapters()
  const move = useMoveAdapter((key) => networks.find((one) => one.key === key)?.name ?? key)
  // Each answer feeds the traffic history, and draws the page anew.
  useQueries({ queries: networks.filter(({ isOn }) => isOn).map(({ key }) => networkQuery(key)) })
  const parts = {
    networks,
    adapters: adapters.data ?? [],
    onMove: (adapter: Parameters<typeof move.mutate>[0]['adapter'], network: string | null) =>
      move.mutate({ adapter, network }),
  }
  return (
    <Stack gap="md">
      <Paper p="md" component="section" aria-label="Networks">
        <NetworkTable networks={networks} />
      </Paper>
      {adapters.isError && (
        <ErrorCard
          title="The adapters cannot be listed"
          error={adapters.error}
          retry={() => adapters.refetch()}
        />
      )}
      {adapters.data !== undefined && (
        <div className={classes.split}>
          <Panel title="Map">
            <Text size="xs" c="dimmed" mb="sm">
              Drag a machine to another network, while it runs too. A click opens its page.
            </Text>
            <NetworkMap {...parts} />
          </Panel>
          <Panel title="Who is plugged in where">
            <AdapterList {...parts} />
          </Panel>
        </div>
      )}
    </Stack>
  )
}
