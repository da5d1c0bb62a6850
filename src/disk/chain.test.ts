import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parentCandidates, relativeLocator } from './chain.ts'
import type { ParentName } from './format.ts'

function candidates(...names: ParentName[]): string[] {
  return parentCandidates({ id: 'x', stamp: 0, names }).map(
    ({ foundBy, absolute, segments }) => `${foundBy}: ${absolute ? '/' : ''}${segments.join('/')}`,
  )
}

test('relative names come first, then absolute ones, then the bare name beside the child', () => {
  assert.deepEqual(
    candidates(
      { kind: 'absolute', text: '/srv/bases/xp.vhd' },
      { kind: 'relative', text: '..\\bases\\xp.vhd' },
      { kind: 'name', text: 'C:\\Disks\\old name.vhd' },
    ),
    ['relative: ../bases/xp.vhd', 'absolute: /srv/bases/xp.vhd', 'beside: xp.vhd', 'beside: old name.vhd'],
  )
})

test('drives and servers of another host leave only their last part', () => {
  assert.deepEqual(candidates({ kind: 'absolute', text: 'D:\\VMs\\base.vhd' }), ['beside: base.vhd'])
  assert.deepEqual(candidates({ kind: 'absolute', text: '\\\\server\\share\\base.vhd' }), [
    'beside: base.vhd',
  ])
})

test('a Mac’s URL is a path', () => {
  assert.deepEqual(candidates({ kind: 'absolute', text: 'file://localhost/Disks/My%20base.vhd' }), [
    'absolute: /Disks/My base.vhd',
    'beside: My base.vhd',
  ])
  assert.deepEqual(candidates({ kind: 'absolute', text: 'file:///a%ZZ' }), ['beside: a%ZZ'])
})

test('names that are no names are left out', () => {
  assert.deepEqual(candidates({ kind: 'relative', text: '.\\' }, { kind: 'name', text: '..' }), [])
  assert.deepEqual(candidates({ kind: 'relative', text: 'a\0b' }), [])
})

test('the relative locator of a new child', () => {
  assert.equal(relativeLocator(['srv', 'vms'], ['srv', 'vms', 'base.vhd']), '.\\base.vhd')
  assert.equal(relativeLocator(['srv', 'vms', 'a'], ['srv', 'bases', 'xp.vhd']), '..\\..\\bases\\xp.vhd')
  assert.equal(relativeLocator([], ['x.vhd']), '.\\x.vhd')
})
