import { Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Uplinks } from '../../../../api/index.ts'
import { uplinksQuery } from '../../../network/network-queries.ts'
import { Panel } from '../../../parts/panel.tsx'
import { type Draft, textAt, valueAt, withValue } from './draft.ts'
import { faultOf } from './faults.ts'
import { Fault, FieldInputs, type FormProps } from './field-input.tsx'
import type { Field } from './fields.ts'
import { UPLINK_FIELDS, UPLINK_KINDS, type UplinkKind } from './sections/uplink.ts'

/** Where the network leads. What cannot be had here says why, and can be chosen for another day all the same. */
export function UplinkPanel(form: FormProps) {
  const { draft, change, faults } = form
  const uplinks = useQuery(uplinksQuery).data
  const kind = (textAt(draft, 'uplink.kind') || 'none') as UplinkKind
  const choose = (next: string) =>
    change(withValue(draft, 'uplink', next === 'none' ? undefined : uplinkOf(draft, next)))
  return (
    <Panel title="Uplink">
      <Radio.Group aria-label="Uplink" value={kind} onChange={choose}>
        <Stack gap="sm">
          {UPLINK_KINDS.map(({ value, label, explain }) => (
            <Radio
              key={value}
              value={value}
              label={label}
              description={<Explained text={explain} reason={reasonFor(value, uplinks)} />}
            />
          ))}
        </Stack>
      </Radio.Group>
      {kind !== 'none' && (
        <Stack mt="md">
          <FieldInputs fields={fieldsOf(kind, uplinks)} at="uplink" {...form} />
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

/** Of another kind nothing stays but what means the same. */
function uplinkOf(draft: Draft, kind: string): Draft {
  const device = valueAt(draft, 'uplink.interface')
  return { kind, ...(kind !== 'nat' && device !== undefined && { interface: device }) }
}

function reasonFor(kind: UplinkKind, uplinks: Uplinks | undefined): string | undefined {
  return kind === 'none' ? undefined : uplinks?.unusable[kind]
}

/** Bridges of this computer are offered; another name can be in the file. */
function fieldsOf(kind: Exclude<UplinkKind, 'none'>, uplinks: Uplinks | undefined): readonly Field[] {
  const fields = UPLINK_FIELDS[kind]
  const bridges = uplinks?.bridges ?? []
  if (kind !== 'bridge' || bridges.length === 0) return fields
  return fields.map((field) =>
    field.name === 'bridge' ? { ...field, explain: `There are: ${bridges.join(', ')}.` } : field,
  )
}
