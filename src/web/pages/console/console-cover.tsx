import { Loader, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlayerPause, IconPlayerPlay, IconPower } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { MachineDetails } from '../../../api/index.ts'
import { ACTION_LABELS, whyNot } from '../../machine/machine-actions.ts'
import { STATES } from '../../machine/machine-states.ts'
import { type PlainAction, useMachineAct } from '../../machine/use-machine-act.ts'
import { ReasonButton } from '../../parts/reason-button.tsx'
import classes from './console.module.css'
import type { Cover } from './screen-state.ts'

interface CoverProps {
  readonly machine: MachineDetails
  readonly cover: Exclude<Cover, 'none'>
}

/** Where there is no picture: why, and the button that changes it. */
export function ConsoleCover({ machine, cover }: CoverProps) {
  const looks: Record<typeof cover, ReactNode> = {
    off: (
      <>
        <IconPower size={56} stroke={1.2} />
        <Text>{STATES[machine.state].label}</Text>
        {machine.lastError !== undefined && <Text size="sm">{machine.lastError.message}</Text>}
        <CoverButton machine={machine} action="turnOn" />
      </>
    ),
    invalid: (
      <>
        <IconAlertTriangle size={56} stroke={1.2} />
        <Text>The machine's file cannot be read now; Overview says why.</Text>
      </>
    ),
    busy: <Waiting text={`${STATES[machine.state].label} …`} />,
    connecting: <Waiting text="Connecting to the screen …" />,
    reconnecting: <Waiting text="The screen was lost; connecting again …" />,
    paused: (
      <>
        <IconPlayerPause size={56} stroke={1.2} />
        <Text>Paused</Text>
        <CoverButton machine={machine} action="resume" />
      </>
    ),
  }
  return (
    <div className={classes.cover} role="status">
      {looks[cover]}
    </div>
  )
}

function CoverButton({
  machine,
  action,
}: {
  readonly machine: MachineDetails
  readonly action: PlainAction
}) {
  const acts = useMachineAct(machine.id)
  return (
    <ReasonButton
      size="md"
      leftSection={<IconPlayerPlay size={18} />}
      reason={whyNot(action, machine)}
      loading={acts.busy}
      onClick={() => acts.plain.mutate(action)}
    >
      {ACTION_LABELS[action]}
    </ReasonButton>
  )
}

function Waiting({ text }: { readonly text: string }) {
  return (
    <>
      <Loader color="fern" aria-hidden />
      <Text>{text}</Text>
    </>
  )
}
