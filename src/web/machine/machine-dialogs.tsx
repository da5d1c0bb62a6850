import { Text } from '@mantine/core'
import type { MachineSummary } from '../../api/index.ts'
import { formatSize } from '../../base/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { reportDone } from '../parts/toast.tsx'
import { RemoveDialog } from './remove-dialog.tsx'
import { TurnOffDialog } from './turn-off-dialog.tsx'
import type { MachineActs } from './use-machine-act.ts'

/** Actions that ask before they act. */
export type AskedAction = 'turnOff' | 'reset' | 'remove' | 'commitUndo' | 'discardUndo'

interface DialogProps {
  readonly action: AskedAction
  readonly machine: MachineSummary
  readonly acts: MachineActs
  readonly onClose: () => void
}

export function MachineDialog(props: DialogProps) {
  const Dialog = DIALOGS[props.action]
  return <Dialog {...props} />
}

function ResetDialog({ machine, acts, onClose }: DialogProps) {
  return (
    <Confirm
      title={`Reset ${machine.name}?`}
      verb="Reset"
      danger
      onClose={onClose}
      onConfirm={() => {
        acts.plain.mutate('reset')
        onClose()
      }}
    >
      <Text size="sm">
        Like the reset button: the guest starts anew, and what it has not written is lost.
      </Text>
    </Confirm>
  )
}

function CommitDialog({ machine, acts, onClose }: DialogProps) {
  const started = () => {
    reportDone(`Committing the undo disks of ${machine.name}; see Tasks.`)
    onClose()
  }
  return (
    <Confirm
      title="Commit undo disks?"
      verb="Commit"
      busy={acts.commit.isPending}
      onClose={onClose}
      onConfirm={() => acts.commit.mutate(undefined, { onSuccess: started })}
    >
      <Text size="sm">
        {formatSize(machine.undo.sizeBytes)} of changes are written into the disks of {machine.name}. This
        cannot be taken back.
      </Text>
    </Confirm>
  )
}

function DiscardDialog({ machine, acts, onClose }: DialogProps) {
  return (
    <Confirm
      title="Discard undo disks?"
      verb="Discard"
      danger
      busy={acts.plain.isPending}
      onClose={onClose}
      onConfirm={() => acts.plain.mutate('discardUndo', { onSuccess: onClose })}
    >
      <Text size="sm">
        {formatSize(machine.undo.sizeBytes)} of changes are thrown away; the disks of {machine.name} are as
        they were before.
      </Text>
    </Confirm>
  )
}

const DIALOGS = {
  turnOff: TurnOffDialog,
  reset: ResetDialog,
  remove: RemoveDialog,
  commitUndo: CommitDialog,
  discardUndo: DiscardDialog,
} as const satisfies Record<AskedAction, unknown>
