import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FileReference } from './machine.ts'
import { baseName, candidatePaths } from './paths.ts'

const candidates = (reference: FileReference) =>
  candidatePaths(reference, '/vm/xp').map(({ path, foundBy }) => `${foundBy} ${path}`)

test('relative first, then absolute, then the bare name beside the machine file', () => {
  assert.deepEqual(candidates({ absolute: 'C:\\vpc\\hda.vhd', relative: '.\\disks\\hda.vhd' }), [
    'relative /vm/xp/disks/hda.vhd',
    'beside /vm/xp/hda.vhd',
  ])
  assert.deepEqual(candidates({ absolute: '/old/b.vhd', relative: '..\\a\\c.vhd' }), [
    'relative /vm/a/c.vhd',
    'absolute /old/b.vhd',
    'beside /vm/xp/c.vhd',
    'beside /vm/xp/b.vhd',
  ])
})

test('the spellings that occur', () => {
  assert.deepEqual(candidates({ relative: 'minios.vhd' }), ['relative /vm/xp/minios.vhd'])
  assert.deepEqual(candidates({ absolute: '..\\build\\boot.vhd' }), [
    'absolute /vm/build/boot.vhd',
    'beside /vm/xp/boot.vhd',
  ])
  assert.deepEqual(candidates({ absolute: '\\\\server\\share\\a.vhd' }), ['beside /vm/xp/a.vhd'])
  assert.deepEqual(candidates({ absolute: '\\vpc\\a.vhd' }), ['beside /vm/xp/a.vhd'])
  assert.deepEqual(candidates({ absolute: 'D:a.vhd' }), ['beside /vm/xp/a.vhd'])
  assert.deepEqual(candidates({ relative: '..\\..\\..\\..\\a.vhd' }), [
    'relative /a.vhd',
    'beside /vm/xp/a.vhd',
  ])
  assert.deepEqual(candidates({ absolute: '', relative: '' }), [])
  assert.deepEqual(candidates({ relative: '..' }), ['relative /vm'])
  assert.deepEqual(candidates({ relative: 'a\0b' }), [])
})

test('the last part of a path', () => {
  assert.equal(baseName('C:\\a\\b.vhd'), 'b.vhd')
  assert.equal(baseName('/a/b/'), 'b')
  assert.equal(baseName('D:'), '')
})

test('a candidate is always an absolute path without dots', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (absolute, relative) => {
      for (const { path } of candidatePaths({ absolute, relative }, '/vm/xp')) {
        assert.match(path, /^\//)
        assert.ok(!path.split('/').some((part) => part === '.' || part === '..'))
      }
    }),
  )
})
