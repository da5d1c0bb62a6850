import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from './contract.ts'
import { createMachineSchema } from './machine-schemas.ts'
import { pathSchema } from './path.ts'

test('a path has no NUL, is not empty, and has an end', () => {
  for (const path of ['/srv/Old.vmc', 'C:\\Old.vmc', '/\u{1f600}', `/${'a'.repeat(4095)}`])
    assert.ok(pathSchema.safeParse(path).success, path)
  for (const path of ['', '/srv/\0', '\0', `/${'a'.repeat(4096)}`])
    assert.ok(!pathSchema.safeParse(path).success, path)
})

test('every field that names a file or folder takes a path only', () => {
  const path = '/srv/a\0b'
  for (const name of ['addMachine', 'inspect', 'folder'] as const)
    assert.ok(!routes[name].input.safeParse({ path }).success, name)
  assert.ok(!routes.changeCd.input.safeParse({ id: 'a', channel: 0, unit: 0, path }).success)
  for (const field of [
    { location: path },
    { cd: path },
    { disk: { kind: 'differencing', parent: path } },
    { disk: { kind: 'existing', path } },
  ])
    assert.ok(!createMachineSchema.safeParse({ name: 'Old', ...field }).success, Object.keys(field)[0])
})
