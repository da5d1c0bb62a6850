import { Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Uplinks } from '../../../../api/index.ts'
import { uplinksQuery } from '../../../network/network-queries.ts'
import { Panel } from '../../../parts/panel.tsx'
import { type Draft, textAt, valueAt } from './draft.ts'
import { faultOf } from './faults.ts'
import { Fault, FieldInputs, type FormProps } from './field-input.tsx'
import type { Field } from './fields.ts'
import { ADAPTER_FIELD, UPLINK_FIELDS, UPLINK_KINDS, type UplinkKind } from './sections/uplink.ts'

/** Where the network leads. What cannot be had here says why, and can be chosen for another day all the same. */
export function UplinkPanel(form: FormProps) {
  const { draft, change, faults } = form
  const uplinks = useQuery(uplinksQuery).data
  // An adapter that is not named yet is in no setting.
  const [chosen, setChosen] = useState<UplinkKind>()
  const kind = chosen ?? kindOf(draft)
  const choose = (next: string) => {
    setChosen(next as UplinkKind)
    change(withUplink(draft, next as UplinkKind))
  }
  return (
    <Panel title="Uplink">
      <Radio.Group aria-label="Uplink" value={kind} onChange={choose}>
        <Stack gap="sm">
          {UPLINK_KINDS.map(({ value, label, explain }) => (
            <Radio
              key={value}
              value={value}
              label={label}
              description={<Explained text={explain} reason={reasonFor(value, draft, uplinks)} />}
            />
          ))}
        </Stack>
      </Radio.Group>
      {kind !== 'none' && (
        <Stack mt="md">
          <FieldInputs fields={fieldsOf(kind, uplinks)} at={kind === 'adapter' ? '' : 'uplink'} {...form} />
        </Stack>
      )}
      <Fault text={faultOf(faults, 'uplink')} />
    </Panel>
  )
}

function Explained({ text, reason }: { text: string; reason: string | undefined }) {
  return (
    <>
      {text}
      {reason !== undefined && (
        <Text span size="xs" c="red" display="block">
          Not here now: {reason}
        </Text>
      )}
    </>
  )
}

/** `uplink` comes before the adapter. */
function kindOf(draft: Draft): UplinkKind {
  const kind = textAt(draft, 'uplink.kind')
  if (kind !== '') return kind as UplinkKind
  return textAt(draft, 'hostAdapter') === '' ? 'none' : 'adapter'
}

/** Of another kind nothing stays but what means the same. */
function withUplink({ uplink, hostAdapter, ...rest }: Draft, kind: UplinkKind): Draft {
  if (kind === 'none') return rest
  if (kind === 'adapter') return { ...rest, ...(hostAdapter !== undefined && { hostAdapter }) }
  const device = kind === 'nat' ? undefined : valueAt(uplink, 'interface')
  return { ...rest, uplink: { kind, ...(device !== undefined && { interface: device }) } }
}

function reasonFor(kind: UplinkKind, draft: Draft, uplinks: Uplinks | undefined): string | undefined {
  if (kind === 'none') return undefined
  if (kind !== 'adapter') return uplinks?.unusable[kind]
  return uplinks?.adapters.find(({ name }) => name === draft.hostAdapter)?.unusable
}

/** Bridges and adapters of this computer are offered; another name can be in the file. */
function fieldsOf(kind: Exclude<UplinkKind, 'none'>, uplinks: Uplinks | undefined): readonly Field[] {
  if (kind === 'adapter')
    return [
      offering(
        ADAPTER_FIELD,
        uplinks?.adapters.map(({ name }) => name),
      ),
    ]
  const fields = UPLINK_FIELDS[kind]
  if (kind !== 'bridge') return fields
  return fields.map((field) => (field.name === 'bridge' ? offering(field, uplinks?.bridges) : field))
}

function offering(field: Field, names: readonly string[] = []): Field {
  return names.length === 0 ? field : { ...field, explain: `There are: ${names.join(', ')}.` }
}
