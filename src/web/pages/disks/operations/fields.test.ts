import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, type Field, problemsOf, visibleFields } from './fields.ts'

const fields: readonly Field[] = [
  { kind: 'path', name: 'target', label: 'New file', wanted: ['disk'] },
  { kind: 'path', name: 'parent', label: 'Parent', wanted: ['disk'], optional: true },
  { kind: 'size', name: 'size', label: 'Size', when: (values) => values.parent === '' },
]

test('every field says what is wrong with it, and a hidden one nothing', () => {
  const problems = problemsOf(fields, { target: 'xp.vhd', parent: '', size: 'many' })
  assert.deepEqual(Object.keys(problems), ['target', 'size'])
  assert.match(problems.target!, /full one/)
  assert.match(problems.size!, /16 GiB/)
  assert.deepEqual(problemsOf(fields, { target: '/a.vhd', parent: '/b.vhd', size: '' }), {})
  assert.equal(visibleFields(fields, { parent: '/b.vhd' }).length, 2)
})

test('a bare number is gigabytes, and sizes are whole sectors', () => {
  assert.equal(bytesOf('16'), 16 * 1024 ** 3)
  assert.equal(bytesOf('500 MB'), 500 * 1024 ** 2)
  assert.match(problemsOf(fields, { target: '/a', parent: '', size: '700 B' }).size ?? '', /sectors/)
})
