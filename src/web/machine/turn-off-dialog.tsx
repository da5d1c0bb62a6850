import { Button, Group, Modal, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { MachineSummary } from '../../api/index.ts'
import { formatSize } from '../../base/index.ts'
import type { MachineActs } from './use-machine-act.ts'

type UndoChoice = 'keep' | 'discard' | 'commit'

const CHOICES: readonly { value: UndoChoice; label: string; description: string }[] = [
  {
    value: 'keep',
    label: 'Keep the changes on the undo disks',
    description: 'The next run goes on from here; decide later.',
  },
  {
    value: 'discard',
    label: 'Discard the changes',
    description: 'Everything since the undo disks were made is gone.',
  },
  {
    value: 'commit',
    label: "Commit the changes to the machine's disks",
    description: 'The disk files themselves are changed; this cannot be taken back.',
  },
]

interface TurnOffProps {
  readonly machine: MachineSummary
  readonly acts: MachineActs
  readonly onClose: () => void
}

/** Virtual PC's Close dialog: what becomes of the undo disks is asked where there are any. */
export function TurnOffDialog({ machine, acts, onClose }: TurnOffProps) {
  const [undo, setUndo] = useState<UndoChoice>('keep')
  const hasUndo = machine.undo.enabled || machine.undo.pending
  const turnOff = () => acts.turnOff.mutate(hasUndo ? undo : 'keep', { onSuccess: onClose })
  return (
    <Modal opened onClose={onClose} title={`Turn off ${machine.name}?`}>
      <Text size="sm">
        This is like pulling the plug: the guest has no time to write what it still holds in memory. If it can
        shut down by itself, do that inside it first.
      </Text>
      {hasUndo && (
        <Radio.Group
          mt="md"
          label="Undo disks"
          description={`${formatSize(machine.undo.sizeBytes)} of changes so far`}
          value={undo}
          onChange={(value) => setUndo(value as UndoChoice)}
        >
          <Stack gap="sm" mt="sm">
            {CHOICES.map((choice) => (
              <Radio key={choice.value} {...choice} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button color="red" loading={acts.turnOff.isPending} onClick={turnOff} data-autofocus>
          Turn off
        </Button>
      </Group>
    </Modal>
  )
}
