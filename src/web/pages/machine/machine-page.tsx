import { Center, Group, Loader, Tabs, Text } from '@mantine/core'
import { IconAdjustments, IconBell, IconDeviceDesktop, IconInfoSquareRounded } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { useNavigate, useParams } from 'react-router'
import type { MachineDetails } from '../../../api/index.ts'
import { EngineLabel } from '../../machine/engine-label.tsx'
import { MachineBar } from '../../machine/machine-menu.tsx'
import { STATES } from '../../machine/machine-states.ts'
import { StateBadge } from '../../machine/state-badge.tsx'
import { Thumbnail } from '../../machine/thumbnail.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Page } from '../../parts/page.tsx'
import { Uptime } from '../../parts/times.tsx'
import { useMachine } from '../../queries.ts'
import { EventLog } from '../events/event-log.tsx'
import { Overview } from './overview.tsx'
import { Settings } from './settings.tsx'

const Console = lazy(() => import('../console/console.tsx').then((m) => ({ default: m.Console })))

const TABS = ['overview', 'console', 'settings', 'events'] as const
type Tab = (typeof TABS)[number]

export function MachinePage() {
  const { id = '', tab } = useParams()
  const machine = useMachine(id)
  if (machine.data !== undefined)
    return <Shown machine={machine.data} tab={TABS.find((one) => one === tab)} />
  return (
    <Page title="Machine">
      {machine.isError ? (
        <ErrorCard
          title="The machine cannot be shown"
          error={machine.error}
          retry={() => machine.refetch()}
        />
      ) : (
        <Center mih={240}>
          <Loader aria-label="Loading the machine" />
        </Center>
      )}
    </Page>
  )
}

function Shown({
  machine,
  tab = 'overview',
}: {
  readonly machine: MachineDetails
  readonly tab: Tab | undefined
}) {
  const navigate = useNavigate()
  const go = (to: string | null) =>
    navigate(to === 'overview' ? `/machines/${machine.id}` : `/machines/${machine.id}/${to}`, {
      replace: true,
    })
  return (
    <Page
      title={machine.name}
      picture={
        tab !== 'console' && (
          <div style={{ width: 104, flex: 'none' }}>
            <Thumbnail machine={machine} />
          </div>
        )
      }
      lead={<Lead machine={machine} />}
      actions={<MachineBar machine={machine} />}
    >
      <Tabs value={tab} onChange={go} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="overview" leftSection={<IconInfoSquareRounded size={16} />}>
            Overview
          </Tabs.Tab>
          <Tabs.Tab value="console" leftSection={<IconDeviceDesktop size={16} />}>
            Console
          </Tabs.Tab>
          <Tabs.Tab value="settings" leftSection={<IconAdjustments size={16} />}>
            Settings
          </Tabs.Tab>
          <Tabs.Tab value="events" leftSection={<IconBell size={16} />}>
            Events
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview">
          <Overview machine={machine} />
        </Tabs.Panel>
        <Tabs.Panel value="console">
          <Suspense
            fallback={
              <Center mih={320}>
                <Loader aria-label="Loading the console" />
              </Center>
            }
          >
            <Console machine={machine} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="settings">
          <Settings machine={machine} />
        </Tabs.Panel>
        <Tabs.Panel value="events">
          <EventLog machineId={machine.id} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function Lead({ machine }: { readonly machine: MachineDetails }) {
  return (
    <Group gap="xs" mt={4}>
      <StateBadge state={machine.state} />
      <EngineLabel machine={machine} />
      {STATES[machine.state].on && (
        <Text size="xs" c="dimmed">
          up <Uptime machine={machine} /> · CPU {Math.round(machine.cpuPercent)} %
        </Text>
      )}
    </Group>
  )
}
