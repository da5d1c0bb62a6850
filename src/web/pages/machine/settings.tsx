import { Radio, Select, Stack, Switch, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Input, MachineDetails } from '../../../api/index.ts'
import { whyNot } from '../../machine/machine-actions.ts'
import { useMachineAct } from '../../machine/use-machine-act.ts'
import { Facts } from '../../parts/facts.tsx'
import { formatWhen } from '../../parts/format.ts'
import { Panel } from '../../parts/panel.tsx'
import { hostQuery } from '../../queries.ts'
import classes from '../../reports/reports.module.css'

type Change = Omit<Input<'changeMachine'>, 'id'>

const ENGINES = [
  {
    value: 'auto',
    label: 'Automatic',
    description: 'QEMU where it is installed and the guest gains from it, else v86.',
  },
  {
    value: 'qemu',
    label: 'QEMU',
    description: 'A program of its own: faster, more hardware, needs to be installed.',
  },
  { value: 'v86', label: 'v86', description: 'Built in: runs everywhere, good for small and old guests.' },
] as const

const ADAPTERS: readonly { value: NonNullable<Change['adapterModel']>; label: string }[] = [
  { value: 'auto', label: 'Automatic' },
  { value: 'tulip', label: 'DEC 21140 (tulip), as in Virtual PC' },
  { value: 'ne2k', label: 'NE2000' },
  { value: 'pcnet', label: 'AMD PCnet' },
  { value: 'rtl8139', label: 'Realtek 8139' },
  { value: 'e1000', label: 'Intel E1000' },
  { value: 'virtio', label: 'virtio' },
]

/** What the next start does differently. The machine's own file is not touched by any of it. */
export function Settings({ machine }: { readonly machine: MachineDetails }) {
  const { change } = useMachineAct(machine.id)
  const locked = whyNot('configure', machine)
  const undoLocked = whyNot('setUndo', machine)
  const engines = useQuery(hostQuery).data?.engines
  const missing = (name: string) =>
    engines?.find((engine) => engine.name === name && !engine.available)?.reason
  const set = (part: Change) => change.mutate(part)
  // What was just chosen is shown at once, and taken back if the server refuses it.
  const chosen = change.isPending ? change.variables : {}
  return (
    <div className={classes.columns}>
      <Panel title="Engine">
        <Radio.Group
          aria-label="Engine"
          value={chosen.engineWish ?? machine.engineWish}
          onChange={(engineWish) => set({ engineWish: engineWish as MachineDetails['engineWish'] })}
        >
          <Stack gap="sm">
            {ENGINES.map((engine) => (
              <Radio
                key={engine.value}
                {...engine}
                description={missing(engine.value) ?? engine.description}
                disabled={locked !== undefined || missing(engine.value) !== undefined}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Why reason={locked} />
        {machine.engine !== undefined && (
          <Text size="sm" c="dimmed" mt="sm">
            {machine.engine.reason}
          </Text>
        )}
      </Panel>
      <Stack gap="md">
        <Panel title="Network adapters">
          <Select
            label="Model"
            description="A guest that was set up with another model asks for a driver once."
            data={ADAPTERS}
            value={chosen.adapterModel ?? machine.adapterModel}
            allowDeselect={false}
            disabled={locked !== undefined}
            onChange={(adapterModel) => adapterModel !== null && set({ adapterModel })}
          />
          <Why reason={locked} />
        </Panel>
        <Panel title="Undo disks">
          <Switch
            label="Write changes to undo disks"
            description="The machine's own disks stay as they are until you commit."
            checked={chosen.undo ?? machine.undo.enabled}
            disabled={undoLocked !== undefined}
            onChange={(event) => set({ undo: event.currentTarget.checked })}
          />
          <Why reason={undoLocked} />
        </Panel>
        <Panel title="Registration">
          <Facts
            of={{
              File: <span className="path">{machine.path}</span>,
              Place: machine.inLibrary ? 'in the library' : 'outside the library, where it lay',
              Added: formatWhen(machine.addedAt),
            }}
          />
        </Panel>
      </Stack>
    </div>
  )
}

function Why({ reason }: { readonly reason: string | undefined }) {
  if (reason === undefined) return null
  return (
    <Text size="sm" mt="sm" c="dimmed" role="note">
      Cannot be changed now: {reason}
    </Text>
  )
}
