import { formatSize, parseSize } from '../../../../base/index.ts'
import type { Wanted } from '../../../parts/path-chooser.ts'

/** What a dialog asks for. Texts stay as typed until they are sent. */
export type Field = {
  readonly name: string
  readonly label: string
  readonly description?: string
  /** Shown only when this says so of what is filled in. */
  readonly when?: (values: Values) => boolean
} & (
  | { readonly kind: 'choice'; readonly choices: readonly Choice[] | ((values: Values) => readonly Choice[]) }
  | { readonly kind: 'path'; readonly wanted: Wanted; readonly optional?: boolean }
  /** A size such as "16 GiB"; it is sent as bytes. */
  | { readonly kind: 'size'; readonly optional?: boolean }
  | { readonly kind: 'switch' }
)

export interface Choice {
  readonly value: string
  readonly label: string
}

export type Values = Readonly<Record<string, string | boolean>>

export function choicesOf(field: Field & { kind: 'choice' }, values: Values): readonly Choice[] {
  return typeof field.choices === 'function' ? field.choices(values) : field.choices
}

export function visibleFields(fields: readonly Field[], values: Values): readonly Field[] {
  return fields.filter((field) => field.when === undefined || field.when(values))
}

export function textOf(values: Values, name: string): string {
  const value = values[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** A bare number means gigabytes, as in the wizards. */
export function bytesOf(text: string): number | undefined {
  return parseSize(/^\s*[\d.]+\s*$/.test(text) ? `${text}G` : text)
}

/** What is wrong with a field as it is filled in. */
export function problemOf(field: Field, values: Values): string | undefined {
  const text = textOf(values, field.name)
  if (field.kind === 'path') {
    if (text === '') return field.optional === true ? undefined : 'Choose or type a full path.'
    return text.startsWith('/') ? undefined : 'The path has to be a full one, from "/".'
  }
  if (field.kind !== 'size' || (text === '' && field.optional === true)) return undefined
  const bytes = bytesOf(text)
  if (bytes === undefined) return 'Write a size such as 16 GiB or 500 MB.'
  return bytes % 512 === 0 ? undefined : `${formatSize(bytes)} is no whole number of sectors of 512 bytes.`
}

/** All problems at once, by field. */
export function problemsOf(fields: readonly Field[], values: Values): Readonly<Record<string, string>> {
  const problems: Record<string, string> = {}
  for (const field of visibleFields(fields, values)) {
    const problem = problemOf(field, values)
    if (problem !== undefined) problems[field.name] = problem
  }
  return problems
}
