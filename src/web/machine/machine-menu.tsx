import { ActionIcon, Menu, Text } from '@mantine/core'
import {
  IconArrowBackUp,
  IconDots,
  IconGitMerge,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlug,
  IconPower,
  IconRefresh,
  IconTrash,
} from '@tabler/icons-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import type { MachineDetails, MachineSummary } from '../../api/index.ts'
import { useLinkState } from '../live/use-live.ts'
import { ReasonButton } from '../parts/reason-button.tsx'
import { ACTION_LABELS, type MachineAction, PRIMARY, whyNot } from './machine-actions.ts'
import type { AskedAction } from './machine-dialogs.tsx'
import { type PlainAction, useMachineAct } from './use-machine-act.ts'

/** Nobody has been asked anything when the page opens. */
const MachineDialog = lazy(() => import('./machine-dialogs.tsx').then((m) => ({ default: m.MachineDialog })))

type ShownAction = AskedAction | PlainAction

const ICONS = {
  turnOn: <IconPlayerPlay size={16} />,
  pause: <IconPlayerPause size={16} />,
  resume: <IconPlayerPlay size={16} />,
  reset: <IconRefresh size={16} />,
  shutDown: <IconPower size={16} />,
  turnOff: <IconPlug size={16} />,
  commitUndo: <IconGitMerge size={16} />,
  discardUndo: <IconArrowBackUp size={16} />,
  remove: <IconTrash size={16} />,
} as const satisfies Record<ShownAction, ReactNode>

const RUN: readonly ShownAction[] = ['turnOn', 'pause', 'resume', 'reset', 'shutDown', 'turnOff']
const KEEP: readonly ShownAction[] = ['commitUndo', 'discardUndo', 'remove']
const ASKED: readonly ShownAction[] = ['turnOff', 'reset', 'remove', 'commitUndo', 'discardUndo']

function useActions(machine: MachineSummary | MachineDetails) {
  const acts = useMachineAct(machine.id)
  const [asked, setAsked] = useState<AskedAction>()
  const gone = useLinkState() === 'lost' ? 'The server does not answer.' : undefined
  return {
    busy: acts.busy,
    reasonFor: (action: MachineAction) => gone ?? whyNot(action, machine),
    perform: (action: ShownAction) => {
      if (ASKED.includes(action)) setAsked(action as AskedAction)
      else acts.plain.mutate(action as PlainAction)
    },
    dialog: asked && (
      <Suspense>
        <MachineDialog action={asked} machine={machine} acts={acts} onClose={() => setAsked(undefined)} />
      </Suspense>
    ),
  }
}

/** A row's controls: the likely action as a button, all others behind the dots. */
export function MachineMenu({ machine }: { readonly machine: MachineSummary }) {
  const { busy, reasonFor, perform, dialog } = useActions(machine)
  const primary = PRIMARY[machine.state]
  return (
    <>
      <ReasonButton
        size="xs"
        variant={primary === 'turnOn' || primary === 'resume' ? 'filled' : 'default'}
        leftSection={ICONS[primary]}
        loading={busy}
        reason={reasonFor(primary)}
        onClick={() => perform(primary)}
      >
        {ACTION_LABELS[primary]}
      </ReasonButton>
      <Menu width={260}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`More actions for ${machine.name}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {RUN.map((action) => (
            <Item key={action} action={action} reason={reasonFor(action)} onClick={() => perform(action)} />
          ))}
          <Menu.Divider />
          {KEEP.map((action) => (
            <Item key={action} action={action} reason={reasonFor(action)} onClick={() => perform(action)} />
          ))}
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  )
}

interface ItemProps {
  readonly action: ShownAction
  readonly reason: string | undefined
  readonly onClick: () => void
}

function Item({ action, reason, onClick }: ItemProps) {
  return (
    <Menu.Item
      leftSection={ICONS[action]}
      color={action === 'remove' ? 'red' : undefined}
      disabled={reason !== undefined}
      onClick={onClick}
    >
      {ACTION_LABELS[action]}
      {reason !== undefined && (
        <Text size="xs" c="dimmed" lineClamp={2}>
          {reason}
        </Text>
      )}
    </Menu.Item>
  )
}

/** The machine page's controls: everything that runs or ends it, side by side. */
export function MachineBar({ machine }: { readonly machine: MachineDetails }) {
  const { busy, reasonFor, perform, dialog } = useActions(machine)
  const primary = PRIMARY[machine.state]
  return (
    <>
      {RUN.filter((action) => isShown(action, machine)).map((action) => (
        <ReasonButton
          key={action}
          variant={action === primary && action !== 'pause' ? 'filled' : 'default'}
          leftSection={ICONS[action]}
          loading={busy && action === primary}
          reason={reasonFor(action)}
          onClick={() => perform(action)}
        >
          {ACTION_LABELS[action]}
        </ReasonButton>
      ))}
      <Menu width={280}>
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More actions">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {(['shutDown', ...KEEP] as const).map((action) => (
            <Item key={action} action={action} reason={reasonFor(action)} onClick={() => perform(action)} />
          ))}
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  )
}

/** Resume takes the place of Pause, and Turn on is only where it can come next. */
function isShown(action: ShownAction, { state }: MachineSummary): boolean {
  const on = state === 'Running' || state === 'Paused' || state === 'TurningOn' || state === 'Restoring'
  if (action === 'turnOn') return !on
  if (action === 'resume') return state === 'Paused'
  if (action === 'pause') return on && state !== 'Paused'
  return action !== 'shutDown' && on
}
