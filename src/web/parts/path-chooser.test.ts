import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Folder } from '../../api/index.ts'
import { startFolder, visibleEntries } from './path-chooser.ts'

const entry = (kind: Folder['entries'][number]['kind'], name: string): Folder['entries'][number] => ({
  kind,
  name,
  path: `/x/${name}`,
  sizeBytes: 1,
  modifiedAt: '2008-02-07T00:00:00Z',
})
const entries = [
  entry('disk', 'b10.vhd'),
  entry('disk', 'b9.vhd'),
  entry('other', 'readme.txt'),
  entry('machine', 'a.vmc'),
  entry('folder', 'Zoo'),
]
const names = (list: Folder['entries']) => list.map((one) => one.name)

test('folders first, then what can be chosen, counted as people count', () => {
  assert.deepEqual(names(visibleEntries(entries, ['disk'], false)), ['Zoo', 'b9.vhd', 'b10.vhd'])
  assert.deepEqual(names(visibleEntries(entries, 'folder', true)), ['Zoo'])
  assert.equal(visibleEntries(entries, ['disk'], true).length, entries.length)
})

test('it opens beside what was typed', () => {
  assert.equal(startFolder('/srv/old/XP.vmc'), '/srv/old')
  assert.equal(startFolder('/srv/old/'), '/srv/old/')
  assert.equal(startFolder('C:\\VMs\\XP.vmc'), 'C:\\VMs')
  assert.equal(startFolder('XP.vmc'), undefined)
  assert.equal(startFolder(''), undefined)
})
