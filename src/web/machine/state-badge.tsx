import { Badge, Loader } from '@mantine/core'
import type { MachineState } from '../../api/index.ts'
import { STATES } from './machine-states.ts'
import classes from './state-badge.module.css'

export function StateBadge({ state }: { readonly state: MachineState }) {
  const look = STATES[state]
  return (
    <Badge
      variant="light"
      color={look.color}
      radius="sm"
      tt="none"
      fw={600}
      style={{ flex: 'none' }}
      leftSection={
        look.busy ? (
          <Loader size={10} color={look.color} aria-hidden />
        ) : (
          <span
            className={classes.dot}
            data-state={state}
            style={{ '--dot': `var(--mantine-color-${look.color}-6)` }}
          />
        )
      }
    >
      {look.label}
    </Badge>
  )
}
