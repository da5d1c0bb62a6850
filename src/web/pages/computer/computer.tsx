import { Badge, Center, Group, Loader, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Host, NetworkSummary } from '../../../api/index.ts'
import { formatSize, plural } from '../../../base/index.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Page } from '../../parts/page.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Ago } from '../../parts/times.tsx'
import { networksQuery, useHost } from '../../queries.ts'
import classes from '../../reports/reports.module.css'

/** The computer the machines run on: what it has, what can run them, and the networks between them. */
export function Computer() {
  const host = useHost()
  const networks = useQuery(networksQuery)
  return (
    <Page title="Computer" lead={host.data?.hostName}>
      {host.isPending && (
        <Center mih={160}>
          <Loader aria-label="Asking the computer" />
        </Center>
      )}
      {host.isError && (
        <ErrorCard title="Nothing is known of the computer" error={host.error} retry={() => host.refetch()} />
      )}
      {host.data !== undefined && (
        <div className={classes.columns}>
          <Stack gap="md">
            <Panel title="Host">
              <HostFacts host={host.data} />
            </Panel>
            {networks.data?.map((network) => (
              <Network key={network.name} network={network} />
            ))}
          </Stack>
          <Stack gap="md">
            {host.data.engines.map((engine) => (
              <Engine key={engine.name} engine={engine} />
            ))}
          </Stack>
        </div>
      )}
    </Page>
  )
}

function HostFacts({ host }: { readonly host: Host }) {
  return (
    <Facts
      of={{
        Vivarium: host.version,
        'Running since': <Ago time={host.startedAt} />,
        'Operating system': host.operatingSystem,
        Processor: `${host.processor}, ${plural(host.logicalProcessors, 'core')}`,
        Memory: `${formatSize(host.freeMemoryBytes)} free of ${formatSize(host.memoryBytes)}`,
        'Disk space': `${formatSize(host.freeDiskBytes)} free for the library`,
        Library: <span className="path">{host.libraryFolder}</span>,
      }}
    />
  )
}

const ENGINES = { v86: 'v86', qemu: 'QEMU' } as const
const ACCELERATORS = { kvm: 'KVM', tcg: 'TCG (software)', wasm: 'WebAssembly' } as const

function Engine({ engine }: { readonly engine: Host['engines'][number] }) {
  return (
    <Panel
      title={`Engine ${ENGINES[engine.name]}`}
      aside={<Usable yes={engine.available} words={['available', 'not available']} />}
    >
      <Text size="sm" mb="sm">
        {engine.reason}
      </Text>
      <Facts
        of={{
          Version: engine.version,
          Limits: `${formatSize(engine.limits.memoryMB * 1024 * 1024)} of memory, ${engine.limits.drives} drives, ${engine.limits.adapters} network adapters`,
        }}
      />
      <Stack gap={6} mt="sm">
        {engine.accelerators.map((accelerator) => (
          <Group key={accelerator.name} gap="xs" align="flex-start" wrap="nowrap">
            <Usable
              yes={accelerator.usable}
              words={[ACCELERATORS[accelerator.name], ACCELERATORS[accelerator.name]]}
            />
            <Text size="sm">
              {accelerator.usable ? '' : 'Not used: '}
              {accelerator.reason}
            </Text>
          </Group>
        ))}
      </Stack>
    </Panel>
  )
}

function Usable({ yes, words }: { readonly yes: boolean; readonly words: readonly [string, string] }) {
  return (
    <Badge variant="light" color={yes ? 'fern' : 'gray'} tt="none" radius="sm" style={{ flex: 'none' }}>
      {words[yes ? 0 : 1]}
    </Badge>
  )
}

function Network({ network }: { readonly network: NetworkSummary }) {
  return (
    <Panel
      title={network.name}
      aside={
        <Badge variant="default" tt="none" radius="sm">
          {plural(network.ports, 'port')} in use
        </Badge>
      }
    >
      <Text size="sm" c="dimmed" mb="sm">
        {network.uplink.text}{' '}
        {network.dhcp.enabled
          ? `DHCP server on${network.dhcp.range === undefined ? '' : `, ${network.dhcp.range}`}.`
          : 'DHCP server off.'}
      </Text>
      <Text size="sm">{network.leases === 0 ? 'No leases.' : `${plural(network.leases, 'lease')}.`}</Text>
    </Panel>
  )
}
