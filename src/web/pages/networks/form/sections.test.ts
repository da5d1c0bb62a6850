import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { z } from 'zod'
import { networkFaults, routes } from '../../../../api/index.ts'
import type { Field } from './fields.ts'
import { UPLINK_FIELDS } from './sections/uplink.ts'
import { SECTIONS } from './sections.ts'

/** The fields are data with paths in them; the schema is the truth. */
const settings = routes.createNetwork.input.shape.settings

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
    ...(field.kind === 'rows' ? pathsOf(field.fields, `${at}.${field.name}.*`) : []),
  ])
}

test('every field of the form is a setting of a network', () => {
  const paths = [
    ...SECTIONS.flatMap(({ key, fields, more = [] }) => pathsOf([...fields, ...more], key)),
    ...Object.values(UPLINK_FIELDS).flatMap((fields) => pathsOf(fields, 'uplink')),
  ]
  assert.ok(paths.length > 60)
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
