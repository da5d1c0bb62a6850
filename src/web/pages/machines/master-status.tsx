import { Button, Center, Loader, Paper, SegmentedControl } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { IconCirclePlus, IconFileImport, IconLayoutGrid, IconLayoutList } from '@tabler/icons-react'
import { Link } from 'react-router'
import type { MachineSummary } from '../../../api/index.ts'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Page } from '../../parts/page.tsx'
import { useMachines } from '../../queries.ts'
import { HostStrip } from './host-strip.tsx'
import { MachineCard, MachineRow } from './machine-card.tsx'
import classes from './machines.module.css'
import { RecentEvents } from './recent-events.tsx'

/** Virtual Server's first page: every machine with its screen, state, uptime and CPU, live. */
export function MasterStatus() {
  const machines = useMachines()
  const [view, setView] = useLocalStorage<'cards' | 'rows'>({ key: 'vivarium-status', defaultValue: 'cards' })
  return (
    <Page
      title="Master Status"
      actions={
        <>
          <SegmentedControl
            aria-label="Show machines as"
            value={view}
            onChange={(value) => setView(value as typeof view)}
            data={[
              { value: 'cards', label: <IconLayoutGrid size={18} aria-label="Cards" /> },
              { value: 'rows', label: <IconLayoutList size={18} aria-label="Rows" /> },
            ]}
          />
          <Button
            component={Link}
            to="/machines/add"
            variant="default"
            leftSection={<IconFileImport size={18} />}
          >
            Add
          </Button>
          <Button component={Link} to="/machines/create" leftSection={<IconCirclePlus size={18} />}>
            Create
          </Button>
        </>
      }
    >
      <HostStrip machines={machines.data ?? []} />
      <div className={classes.layout}>
        <section aria-label="Virtual machines">
          {machines.isError && (
            <ErrorCard
              title="The machines cannot be listed"
              error={machines.error}
              retry={() => machines.refetch()}
            />
          )}
          {machines.isPending && (
            <Center mih={200}>
              <Loader aria-label="Loading the machines" />
            </Center>
          )}
          {machines.isSuccess && <Machines machines={machines.data} view={view} />}
        </section>
        <RecentEvents />
      </div>
    </Page>
  )
}

function Machines({
  machines,
  view,
}: {
  readonly machines: readonly MachineSummary[]
  readonly view: 'cards' | 'rows'
}) {
  if (machines.length === 0) return <NoMachines />
  if (view === 'cards')
    return (
      <div className={classes.grid}>
        {machines.map((machine) => (
          <MachineCard key={machine.id} machine={machine} />
        ))}
      </div>
    )
  return (
    <Paper>
      {machines.map((machine) => (
        <MachineRow key={machine.id} machine={machine} />
      ))}
    </Paper>
  )
}

function NoMachines() {
  return (
    <Paper>
      <Empty title="No machines yet">
        Do you have a machine of Virtual PC or Virtual Server? Add it by the path of its .vmc file; it is not
        changed by looking at it. Or create a new one.
        <Center mt="md" style={{ gap: 10 }}>
          <Button component={Link} to="/machines/add" leftSection={<IconFileImport size={18} />}>
            Add an existing machine
          </Button>
          <Button component={Link} to="/machines/create" variant="default">
            Create a machine
          </Button>
        </Center>
      </Empty>
    </Paper>
  )
}
