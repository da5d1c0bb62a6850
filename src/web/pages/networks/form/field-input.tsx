import { ActionIcon, Button, Select, Switch, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import type { FieldFault } from '../../../../base/index.ts'
import { PathField } from '../../../parts/path-field.tsx'
import classes from '../networks.module.css'
import {
  type Draft,
  listOf,
  numberOf,
  numbersOf,
  numbersText,
  rowsAt,
  textAt,
  valueAt,
  withValue,
} from './draft.ts'
import { faultAt, faultOf, hasFault } from './faults.ts'
import type { Field } from './fields.ts'
import { optionText, optionValue } from './option-value.ts'

export interface FormProps {
  readonly draft: Draft
  readonly faults: readonly FieldFault[]
  readonly change: (draft: Draft) => void
}

/** The rule stands under the field, so that fields beside each other stand in line. */
const ORDER = ['label', 'input', 'error', 'description'] as const

type Of<Kind extends Field['kind']> = Extract<Field, { readonly kind: Kind }>

interface FieldProps extends FormProps {
  readonly field: Field
  /** Where its section or row lies. */
  readonly at: string
}

export function FieldInputs({ fields, ...rest }: FormProps & { fields: readonly Field[]; at: string }) {
  return (
    <div className={classes.fields}>
      {fields.map((field) => (
        <FieldInput key={field.name} field={field} {...rest} />
      ))}
    </div>
  )
}

/** Fields that stay out of the way until they are asked for, or have a fault that nobody would see. */
export function MoreFields({ fields, ...rest }: FormProps & { fields: Rest; at: string }) {
  const [more, setMore] = useState(false)
  if (fields === undefined) return null
  // It stays open when the fault is gone, for the hand is still at the field.
  if (!more && hasFault(rest.faults, fields, rest.at)) setMore(true)
  return (
    <div>
      <Button my="xs" size="compact-sm" variant="subtle" aria-expanded={more} onClick={() => setMore(!more)}>
        {more ? 'Less' : 'More settings'}
      </Button>
      {more && <FieldInputs fields={fields} {...rest} />}
    </div>
  )
}

type Rest = readonly Field[] | undefined

/** The settings themselves lie below nothing. */
function below(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function FieldInput({ field, ...props }: FieldProps) {
  const { draft, faults, change } = props
  const path = below(props.at, field.name)
  const common = {
    label: field.label,
    ...(field.explain !== undefined && { description: field.explain }),
  }
  const set = (value: unknown) => change(withValue(draft, path, value))
  switch (field.kind) {
    case 'rows':
      return <Rows field={field} {...props} />
    case 'switch':
      return (
        <Switch
          {...common}
          className={classes.wide}
          checked={(valueAt(draft, path) ?? field.byDefault) === true}
          onChange={(event) => set(event.currentTarget.checked)}
        />
      )
    case 'choice':
      return (
        <Select
          {...common}
          inputWrapperOrder={[...ORDER]}
          data={[...field.choices]}
          value={textAt(draft, path) || field.byDefault}
          error={faultAt(faults, path, props.at)}
          allowDeselect={false}
          onChange={(value) => set(field.isNumber ? numberOf(value ?? '') : value)}
        />
      )
    case 'file':
    case 'folder':
      return (
        <div className={classes.wide}>
          <PathField
            {...common}
            wanted={field.kind === 'folder' ? 'folder' : ['other']}
            value={textAt(draft, path)}
            error={faultAt(faults, path, props.at)}
            onChange={(text) => set(text === '' ? undefined : text)}
          />
        </div>
      )
    case 'optionValue':
      return (
        <TextInput
          {...common}
          inputWrapperOrder={[...ORDER]}
          autoComplete="off"
          value={optionText(valueAt(draft, path))}
          error={faultAt(faults, path, props.at)}
          onChange={(event) =>
            set(optionValue(valueAt(draft, `${props.at}.type`), event.currentTarget.value))
          }
        />
      )
    default:
      return <Typed field={field} path={path} common={common} {...props} />
  }
}

/** Texts, numbers and lists: what is being typed is kept as it is, so that a comma or a blank does not vanish. */
function Typed({
  field,
  path,
  common,
  at,
  draft,
  faults,
  change,
}: FieldProps & {
  field: TypedField
  path: string
  common: { label: string; description?: string }
}) {
  const [typed, setTyped] = useState<string>()
  const empty = typeof field.empty === 'function' ? field.empty(draft) : field.empty
  const { parse, text } = codecOf(field)
  return (
    <TextInput
      {...common}
      inputWrapperOrder={[...ORDER]}
      {...('wide' in field && field.wide && { className: classes.wide ?? '' })}
      inputMode={field.kind === 'number' ? 'numeric' : 'text'}
      autoComplete="off"
      spellCheck={false}
      placeholder={empty}
      value={typed ?? text(draft, path)}
      error={faultAt(faults, path, at)}
      onBlur={() => setTyped(undefined)}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        change(withValue(draft, path, parse(event.currentTarget.value)))
      }}
    />
  )
}

type TypedField = Of<'text' | 'number' | 'list' | 'file' | 'folder' | 'numbers'>

/** What is typed as a setting, and the setting as text. */
function codecOf(field: TypedField): {
  parse: (text: string) => unknown
  text: (draft: Draft, path: string) => string
} {
  switch (field.kind) {
    case 'number':
      return { parse: numberOf, text: textAt }
    case 'list':
      return { parse: listOf, text: textAt }
    case 'numbers':
      return {
        parse: (text) => numbersOf(text, field.base),
        text: (draft, path) => numbersText(valueAt(draft, path), field.base),
      }
    default:
      return { parse: (text) => (text === '' ? undefined : text), text: textAt }
  }
}

function Rows({ field, at, draft, faults, change }: FormProps & { field: Of<'rows'>; at: string }) {
  const path = below(at, field.name)
  const rows = rowsAt(draft, path)
  const form = { draft, faults, change }
  return (
    <fieldset className={classes.rows}>
      <legend>{field.label}</legend>
      {field.explain !== undefined && <p>{field.explain}</p>}
      {rows.map((_row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
        <section key={index} className={classes.row} aria-label={`${field.one} ${index + 1}`}>
          <div>
            <FieldInputs fields={field.fields} at={`${path}.${index}`} {...form} />
            <MoreFields fields={field.more} at={`${path}.${index}`} {...form} />
            <Fault text={faultOf(faults, `${path}.${index}`)} />
          </div>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${field.one} ${index + 1}`}
            onClick={() => change(withValue(draft, path, without(rows, index)))}
          >
            <IconTrash size={18} />
          </ActionIcon>
        </section>
      ))}
      <Fault text={faultOf(faults, path)} />
      <Button
        mt="xs"
        size="compact-sm"
        variant="default"
        leftSection={<IconPlus size={16} />}
        onClick={() => change(withValue(draft, path, [...rows, field.blank]))}
      >
        {`Add ${/^[aeiou]/.test(field.one) ? 'an' : 'a'} ${field.one}`}
      </Button>
    </fieldset>
  )
}

function without(rows: readonly unknown[], index: number): unknown[] | undefined {
  return rows.length === 1 ? undefined : rows.toSpliced(index, 1)
}

export function Fault({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : (
    <p role="alert" className={classes.fault}>
      {text}
    </p>
  )
}
