import { Select, Switch, TextInput } from '@mantine/core'
import { PathField } from '../../../parts/path-field.tsx'
import { choicesOf, type Field, textOf, type Values } from './fields.ts'

interface FieldInputProps {
  readonly field: Field
  readonly values: Values
  readonly error: string | undefined
  readonly onChange: (value: string | boolean) => void
}

/** One field of an operation's dialog. */
export function FieldInput({ field, values, error, onChange }: FieldInputProps) {
  const { label, description } = field
  const common = { label, ...(description !== undefined && { description }) }
  switch (field.kind) {
    case 'choice':
      return (
        <Select
          {...common}
          data={[...choicesOf(field, values)]}
          value={textOf(values, field.name)}
          onChange={(value) => value !== null && onChange(value)}
          allowDeselect={false}
        />
      )
    case 'path':
      return (
        <PathField
          {...common}
          wanted={field.wanted}
          value={textOf(values, field.name)}
          error={error}
          onChange={onChange}
        />
      )
    case 'size':
      return (
        <TextInput
          {...common}
          value={textOf(values, field.name)}
          error={error}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )
    case 'switch':
      return (
        <Switch
          {...common}
          checked={values[field.name] === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      )
  }
}
