import { Button, Group, Modal, Stack, Switch, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Adapter, PortChanges } from '../../../../api/index.ts'
import { call } from '../../../client.ts'
import { adapterName } from '../../../network/use-move-adapter.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { type Draft, valueAt, withValue } from '../form/draft.ts'
import { FieldInputs } from '../form/field-input.tsx'
import { CONDITION_FIELDS, GUARD_FIELDS } from './port-fields.ts'

interface PortSettingsProps {
  readonly adapter: Adapter
  readonly onClose: () => void
}

/** What the port does with the frames of its machine; all of it holds at once, also while the machine runs. */
export function PortSettings({ adapter, onClose }: PortSettingsProps) {
  const [draft, setDraft] = useState<Draft>(adapter.settings)
  const cache = useQueryClient()
  const change = useMutation({
    meta: { quiet: true },
    mutationFn: () =>
      call('changePort', { id: adapter.machineId, index: adapter.index, ...changesOf(draft) }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ['network'] })
      void cache.invalidateQueries({ queryKey: ['adapters'] })
      onClose()
    },
  })
  const parts = { draft, faults: [], change: setDraft }
  const part = (name: string, label: string, description: string) => (
    <Switch
      label={label}
      description={description}
      checked={valueAt(draft, name) !== undefined}
      onChange={(event) => setDraft(withValue(draft, name, event.currentTarget.checked ? {} : undefined))}
    />
  )
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={`Port of ${adapter.machineName}, ${adapterName(adapter)}`}
    >
      <Stack gap="md">
        <Switch
          label="Cable plugged in"
          description="Off: the machine sees its link go down, and stays on this network."
          checked={draft.linkUp !== false}
          onChange={(event) => setDraft(withValue(draft, 'linkUp', event.currentTarget.checked))}
        />
        <Switch
          label="Hears all frames (mirror)"
          description="For a machine that watches the network: it gets the frames for others too."
          checked={draft.promiscuous === true}
          onChange={(event) => setDraft(withValue(draft, 'promiscuous', event.currentTarget.checked))}
        />
        {part(
          'guard',
          'Guard',
          'The machine can only be itself: its own MAC, and the addresses that DHCP gave it.',
        )}
        {draft.guard !== undefined && <FieldInputs fields={GUARD_FIELDS} at="guard" {...parts} />}
        {part('conditions', 'A bad line', 'For tests: loss, delay, rate and order of the frames.')}
        {draft.conditions !== undefined && (
          <FieldInputs fields={CONDITION_FIELDS} at="conditions" {...parts} />
        )}
        {change.isError && <ErrorCard title="The port was not changed" error={change.error} />}
        <Text size="xs" c="dimmed">
          The settings stay with the adapter when it is moved.
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button loading={change.isPending} onClick={() => change.mutate()}>
            Save
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** What is not said is taken away. */
function changesOf(draft: Draft): PortChanges {
  return {
    linkUp: draft.linkUp !== false,
    promiscuous: draft.promiscuous === true,
    guard: (draft.guard ?? null) as NonNullable<PortChanges['guard']> | null,
    conditions: (draft.conditions ?? null) as NonNullable<PortChanges['conditions']> | null,
  }
}
