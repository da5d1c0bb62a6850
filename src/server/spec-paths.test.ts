import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathsIn } from './spec-paths.ts'

test('the files of a spec are found, and a path inside the disk is none of them', () => {
  const spec = { path: '/d/xp.vhd', inside: '/etc/passwd', target: '/d/out', volume: 1, force: false }
  assert.deepEqual(pathsIn(spec), ['/d/xp.vhd', '/d/out'])
  assert.deepEqual(pathsIn({ child: '/d/a.vud', search: ['/e', '/f'], format: 'vhd' }), [
    '/d/a.vud',
    '/e',
    '/f',
  ])
})

test('a path that would depend on where the server was started is refused', () => {
  for (const spec of [
    { path: 'xp.vhd' },
    { search: ['/e', '../f'] },
    { path: '/a', takeBack: 'x.json' },
    { path: '' },
  ])
    assert.throws(() => pathsIn(spec), { code: 'path-not-whole' })
})
