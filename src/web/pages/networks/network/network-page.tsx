import { Badge, Center, Group, Loader, Tabs, Text } from '@mantine/core'
import { useNavigate, useParams } from 'react-router'
import type { NetworkDetails } from '../../../../api/index.ts'
import { plural } from '../../../../base/index.ts'
import { trafficOf, useNetwork } from '../../../network/network-queries.ts'
import { formatRate } from '../../../network/traffic.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { Page } from '../../../parts/page.tsx'
import { KINDS } from '../network-words.ts'
import { Captures } from './captures.tsx'
import { Configure } from './configure.tsx'
import { Leases } from './leases.tsx'
import { Names } from './names.tsx'
import { NetworkEvents } from './network-events.tsx'
import { Overview } from './overview.tsx'
import { RemoveNetwork } from './remove-network.tsx'
import { StartCapture } from './start-capture.tsx'

const TABS = [
  { value: 'overview', label: 'Overview', content: Overview },
  { value: 'leases', label: 'Leases', content: Leases },
  { value: 'names', label: 'Names', content: Names },
  { value: 'captures', label: 'Captures', content: Captures },
  { value: 'events', label: 'Events', content: NetworkEvents },
  { value: 'configure', label: 'Configure', content: Configure },
] as const

export function NetworkPage() {
  const { key = '', tab = 'overview' } = useParams()
  const network = useNetwork(key)
  if (network.data !== undefined) return <Shown network={network.data} tab={tab} />
  return (
    <Page title="Virtual network">
      {network.isError ? (
        <ErrorCard
          title="The network cannot be shown"
          error={network.error}
          retry={() => network.refetch()}
        />
      ) : (
        <Center mih={240}>
          <Loader aria-label="Loading the network" />
        </Center>
      )}
    </Page>
  )
}

function Shown({ network, tab }: { readonly network: NetworkDetails; readonly tab: string }) {
  const navigate = useNavigate()
  const home = `/network/${network.key}`
  const shown = TABS.find(({ value }) => value === tab) ?? TABS[0]
  return (
    <Page
      title={network.name}
      lead={<Lead network={network} />}
      actions={
        <>
          <StartCapture network={network} />
          <RemoveNetwork network={network} />
        </>
      }
    >
      <Tabs
        value={shown.value}
        keepMounted={false}
        onChange={(to) => navigate(to === 'overview' ? home : `${home}/${to}`, { replace: true })}
      >
        <Tabs.List mb="md">
          {TABS.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={shown.value}>
          <shown.content network={network} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function Lead({ network }: { readonly network: NetworkDetails }) {
  const rate = trafficOf(network.key).now()
  return (
    <Group gap="xs" mt={4}>
      <Badge variant="light" color={network.isOn ? 'fern' : 'gray'} tt="none" radius="sm">
        {network.isOn ? 'On' : 'Off'}
      </Badge>
      <Text size="xs" c="dimmed">
        {KINDS[network.kind].label} · {plural(network.ports, 'machine')} plugged in
        {network.isOn && ` · ${rate.sent === 0 ? 'quiet' : formatRate(rate.sent)}`}
      </Text>
    </Group>
  )
}
