import { Switch, Text } from '@mantine/core'
import { useState } from 'react'
import { Panel } from '../../../parts/panel.tsx'
import { valueAt, withValue } from './draft.ts'
import { faultOf } from './faults.ts'
import { Fault, FieldInputs, type FormProps, MoreFields } from './field-input.tsx'
import { isOn, type Section } from './fields.ts'

/** A service: its fields appear when it is switched on. Switched off it keeps what was set. */
export function SectionPanel({ section, ...form }: FormProps & { readonly section: Section }) {
  const { draft, change, faults } = form
  const [put, setPut] = useState<unknown>()
  const value = valueAt(draft, section.key)
  const on = isOn(value)
  const toggle = (checked: boolean) => {
    if (!checked) setPut(value)
    if (checked) change(withValue(draft, section.key, withoutEnabled(value ?? put ?? section.blank)))
    else if (section.keepsOff) change(withValue(draft, `${section.key}.enabled`, false))
    else change(withValue(draft, section.key, undefined))
  }
  return (
    <Panel
      title={section.title}
      aside={
        <Switch
          aria-label={section.title}
          checked={on}
          onChange={(event) => toggle(event.currentTarget.checked)}
        />
      }
    >
      <Text size="sm" c="dimmed" mb={on ? 'md' : 0}>
        {section.explain}
      </Text>
      {on && <FieldInputs fields={section.fields} at={section.key} {...form} />}
      {on && <MoreFields fields={section.more} at={section.key} {...form} />}
      <Fault text={faultOf(faults, section.key)} />
    </Panel>
  )
}

function withoutEnabled(value: unknown): unknown {
  const { enabled: _enabled, ...rest } = value as Record<string, unknown>
  return rest
}
