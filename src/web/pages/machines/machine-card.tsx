import { Group, Paper, Text } from '@mantine/core'
import { Link } from 'react-router'
import type { MachineSummary } from '../../../api/index.ts'
import { plural } from '../../../base/index.ts'
import { EngineLabel } from '../../machine/engine-label.tsx'
import { MachineMenu } from '../../machine/machine-menu.tsx'
import { STATES } from '../../machine/machine-states.ts'
import { StateBadge } from '../../machine/state-badge.tsx'
import { Thumbnail } from '../../machine/thumbnail.tsx'
import { LostAdapters } from '../../network/lost-adapters.tsx'
import { Meter } from '../../parts/meter.tsx'
import { Uptime } from '../../parts/times.tsx'
import classes from './machines.module.css'

interface MachineProps {
  readonly machine: MachineSummary
}

export function MachineCard({ machine }: MachineProps) {
  return (
    <Paper component="article" aria-label={machine.name} className={classes.card}>
      <Thumbnail machine={machine} />
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <NameLink machine={machine} />
        <StateBadge state={machine.state} />
      </Group>
      <Group gap="xs" justify="space-between" wrap="nowrap" mih={34}>
        {STATES[machine.state].on ? (
          <>
            <Text size="xs" c="dimmed">
              up <Uptime machine={machine} />
            </Text>
            <Cpu machine={machine} />
          </>
        ) : (
          <Trouble machine={machine} />
        )}
      </Group>
      <LostAdapters machineId={machine.id} />
      <Group justify="space-between" wrap="nowrap" gap="xs" mt="auto">
        <EngineLabel machine={machine} />
        <Group gap={2} wrap="nowrap">
          <MachineMenu machine={machine} />
        </Group>
      </Group>
    </Paper>
  )
}

export function MachineRow({ machine }: MachineProps) {
  return (
    <article aria-label={machine.name} className={classes.row}>
      <Thumbnail machine={machine} />
      <div style={{ minWidth: 0 }}>
        <NameLink machine={machine} />
        <Trouble machine={machine} />
        <LostAdapters machineId={machine.id} />
      </div>
      <div>
        <StateBadge state={machine.state} />
        {STATES[machine.state].on && (
          <Text size="xs" c="dimmed" mt={4}>
            up <Uptime machine={machine} />
          </Text>
        )}
      </div>
      <div>{STATES[machine.state].on && <Cpu machine={machine} />}</div>
      <div className={classes.rowEngine}>
        <EngineLabel machine={machine} />
      </div>
      <Group gap={2} wrap="nowrap" justify="flex-end">
        <MachineMenu machine={machine} />
      </Group>
    </article>
  )
}

function NameLink({ machine }: MachineProps) {
  return (
    <Link className={`${classes.name} one-line`} to={`/machines/${machine.id}`} title={machine.name}>
      {machine.name}
    </Link>
  )
}

function Cpu({ machine }: MachineProps) {
  const percent = Math.round(machine.cpuPercent)
  return <Meter label={`CPU of ${machine.name}`} percent={Math.min(100, percent)} text={`CPU ${percent} %`} />
}

/** What stands in its way, in one line; otherwise where it lies. */
function Trouble({ machine }: MachineProps) {
  const { errors, warnings } = machine.problems
  const counts = [errors > 0 && plural(errors, 'problem'), warnings > 0 && plural(warnings, 'warning')]
  const said = counts.filter((count) => count !== false).join(', ')
  if (machine.lastError !== undefined)
    return (
      <Text size="xs" c="red" lineClamp={2} title={machine.lastError.message}>
        {machine.lastError.message}
      </Text>
    )
  if (said !== '')
    return (
      <Text
        size="xs"
        c={errors > 0 ? 'red' : 'dimmed'}
        component={Link}
        to={`/machines/${machine.id}`}
        className={classes.trouble}
      >
        {said}
      </Text>
    )
  return (
    <Text size="xs" c="dimmed" className="one-line" title={machine.path}>
      {machine.memoryMB} MB · {machine.inLibrary ? 'in the library' : machine.path}
    </Text>
  )
}
