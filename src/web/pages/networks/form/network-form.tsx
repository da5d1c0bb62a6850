import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useRef, useState } from 'react'
import { networkFaults } from '../../../../api/index.ts'
import { type FieldFault, plural, VivariumError } from '../../../../base/index.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { Panel } from '../../../parts/panel.tsx'
import classes from '../networks.module.css'
import { type Draft, textAt, withValue } from './draft.ts'
import { FieldInputs } from './field-input.tsx'
import { SectionPanel } from './section-panel.tsx'
import { OWN_FIELDS } from './sections/own.ts'
import { SECTIONS } from './sections.ts'
import { UplinkPanel } from './uplink-panel.tsx'

export interface FormResult {
  readonly name: string
  readonly settings: Draft
}

interface NetworkFormProps {
  readonly name: string
  readonly settings: Draft
  readonly verb: string
  readonly busy: boolean
  /** What the server said of the last attempt; null: nothing bad. */
  readonly error: Error | null
  readonly onSubmit: (result: FormResult) => void
}

/** The rules are the server's own, applied while one types; what only the server knows comes back to its field. */
export function NetworkForm({ verb, busy, error, onSubmit, ...start }: NetworkFormProps) {
  const [name, setName] = useState(start.name)
  const [draft, setDraft] = useState(start.settings)
  const [sent, setSent] = useState<FormResult>()
  const form = useRef<HTMLFormElement>(null)
  const unchanged = sent !== undefined && sent.name === name && sent.settings === draft
  const faults = [
    ...(name.trim() === '' ? [{ field: 'name', message: 'The name is empty.' }] : []),
    ...networkFaults(draft),
  ]
  // A form that nobody has sent yet does not shout for its name.
  const shown = [
    ...faults.filter(({ field }) => sent !== undefined || field !== 'name'),
    ...(unchanged && faults.length === 0 ? faultsOfServer(error) : []),
  ]
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setSent({ name, settings: draft })
    if (faults.length === 0) onSubmit({ name: name.trim(), settings: draft })
    else
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  }
  const parts = { draft, faults: shown, change: setDraft }
  return (
    <form onSubmit={submit} noValidate ref={form}>
      <Stack gap="md">
        <Panel title="Network">
          <Stack gap="md">
            <TextInput
              label="Name"
              required
              autoComplete="off"
              value={name}
              error={shown.find(({ field }) => field === 'name')?.message}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <FieldInputs fields={OWN_FIELDS} at="" {...parts} />
            <Textarea
              label="Notes"
              autosize
              minRows={2}
              maxRows={8}
              value={textAt(draft, 'notes')}
              onChange={(event) =>
                setDraft(withValue(draft, 'notes', event.currentTarget.value || undefined))
              }
            />
          </Stack>
        </Panel>
        <UplinkPanel {...parts} />
        {SECTIONS.map((section) => (
          <SectionPanel key={section.key} section={section} {...parts} />
        ))}
        {error !== null && unchanged && <ErrorCard title="The server refused these settings" error={error} />}
        <Group className={classes.foot} justify="space-between">
          <FaultCount faults={shown} />
          <Button type="submit" loading={busy}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function FaultCount({ faults }: { readonly faults: readonly FieldFault[] }) {
  const [first] = faults
  const fields = new Set(faults.map(({ field }) => field)).size
  return (
    <Text size="sm" c={first === undefined ? 'dimmed' : 'red'} role="status" flex={1}>
      {first === undefined
        ? 'Nothing is wrong with these settings.'
        : fields === 1
          ? first.message
          : `${plural(fields, 'setting')} to mend. ${first.message}`}
    </Text>
  )
}

/** The fields of a refusal are paths of settings. */
function faultsOfServer(error: unknown): readonly FieldFault[] {
  if (!(error instanceof VivariumError)) return []
  if (error.faults.length > 0) return error.faults
  return error.where.field === undefined ? [] : [{ field: error.where.field, message: error.message }]
}
