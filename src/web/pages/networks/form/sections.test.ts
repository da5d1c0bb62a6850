import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { networkFaults, routes } from '../../../../api/index.ts'
import type { Field } from './fields.ts'
import { OWN_FIELDS } from './sections/own.ts'
import { ADAPTER_FIELD, UPLINK_FIELDS } from './sections/uplink.ts'
import { SECTIONS } from './sections.ts'

/** The fields are data with paths in them; the schema is the truth. */
const { settings } = routes.network.output.shape

/** All shapes that a schema may be, without what is around it (default, optional, refinement). */
function shapesOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { def } = schema._zod as {
    def: { type: string; innerType?: z.core.$ZodType; options?: z.core.$ZodType[] }
  }
  if (def.innerType !== undefined) return shapesOf(def.innerType)
  if (def.options !== undefined) return def.options.flatMap(shapesOf)
  return [schema]
}

/** What the schema has at a path; nothing when it knows no such setting. */
function schemasAt(schema: z.core.$ZodType, path: readonly string[]): z.core.$ZodType[] {
  const [name, ...rest] = path
  if (name === undefined) return shapesOf(schema)
  return shapesOf(schema).flatMap((one) => {
    const { def } = one._zod as {
      def: { shape?: Record<string, z.core.$ZodType>; element?: z.core.$ZodType }
    }
    const below = name === '*' ? def.element : def.shape?.[name]
    return below === undefined ? [] : schemasAt(below, rest)
  })
}

function pathsOf(fields: readonly Field[], at: string): string[] {
  return fields.flatMap((field) => [
    `${at}.${field.name}`,
    ...(field.kind === 'rows'
      ? pathsOf([...field.fields, ...(field.more ?? [])], `${at}.${field.name}.*`)
      : []),
  ])
}

const paths = [
  ...SECTIONS.flatMap(({ key, fields, more = [] }) => pathsOf([...fields, ...more], key)),
  ...Object.values(UPLINK_FIELDS).flatMap((fields) => pathsOf(fields, 'uplink')),
]

/** Every setting that is no group of others. */
function settingsBelow(schema: z.core.$ZodType, path: string): string[] {
  const found = shapesOf(schema).flatMap((one) => {
    const { def } = one._zod as {
      def: { shape?: Record<string, z.core.$ZodType>; element?: z.core.$ZodType }
    }
    if (def.shape !== undefined)
      return Object.entries(def.shape).flatMap(([name, value]) =>
        settingsBelow(value, path === '' ? name : `${path}.${name}`),
      )
    const isOfGroups =
      def.element !== undefined && shapesOf(def.element).some((each) => 'shape' in each._zod.def)
    return isOfGroups ? settingsBelow(def.element!, `${path}.*`) : [path]
  })
  return [...new Set(found)]
}

test('every setting of a network can be reached by the form', () => {
  const ownInputs = [...OWN_FIELDS, ADAPTER_FIELD].map(({ name }) => name)
  const reached = new Set([...paths, ...ownInputs, 'notes', 'uplink.kind'])
  // The switch of a section.
  const isSwitch = (path: string) => path.endsWith('.enabled')
  const all = settingsBelow(settings, '')
  assert.ok(all.length > 90, String(all.length))
  assert.deepEqual(
    all.filter((path) => !reached.has(path) && !isSwitch(path)),
    [],
  )
})

test('every field of the form is a setting of a network', () => {
  assert.deepEqual(
    paths.filter((path) => schemasAt(settings, path.split('.')).length === 0),
    [],
  )
  assert.deepEqual(schemasAt(settings, ['dhcp', 'nonsense']), [])
})

test('what a section starts with lacks at most what only a person can know', () => {
  const faults = SECTIONS.flatMap(({ key, blank }) => networkFaults({ dhcp: {}, [key]: blank }))
  assert.deepEqual(
    faults.map(({ field }) => field.split('.')[0]),
    ['pxe', 'trunk', 'trunk'],
  )
})
