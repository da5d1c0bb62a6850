import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseName, folderOf, formatAgo, formatDuration, formatWhen, percentOf } from './format.ts'

test('a duration shows its two largest units', () => {
  assert.equal(formatDuration(0), '0 s')
  assert.equal(formatDuration(-3), '0 s')
  assert.equal(formatDuration(59.9), '59 s')
  assert.equal(formatDuration(65), '1 min 5 s')
  assert.equal(formatDuration(2 * 3600 + 14 * 60 + 9), '2 h 14 min')
  assert.equal(formatDuration(5 * 86400 + 3 * 3600), '5 d 3 h')
})

test('a time is told by its distance, and an old one by its day', () => {
  const now = new Date('2026-08-20T12:00:00Z')
  assert.equal(formatAgo('2026-08-20T11:59:50Z', now), 'just now')
  assert.equal(formatAgo('2026-08-20T12:00:30Z', now), 'just now', 'a clock that runs ahead')
  assert.equal(formatAgo('2026-08-20T11:56:00Z', now), '4 min ago')
  assert.equal(formatAgo('2026-08-20T07:00:00Z', now), '5 h ago')
  assert.equal(formatAgo('2026-08-18T12:00:00Z', now), '2 d ago')
  assert.equal(formatAgo('2008-02-07T12:00:00Z', now), '2008-02-07')
})

test('what is not a time is shown as it is', () => {
  assert.equal(formatWhen('long ago'), 'long ago')
})

test('shares stay between 0 and 100', () => {
  assert.equal(percentOf(1, 0), 0)
  assert.equal(percentOf(1, 4), 25)
  assert.equal(percentOf(9, 4), 100)
  assert.equal(percentOf(-1, 4), 0)
})

test('paths of both worlds', () => {
  assert.equal(baseName('C:\\Virtual Machines\\XP\\XP.vhd'), 'XP.vhd')
  assert.equal(baseName('/srv/old/XP.vhd'), 'XP.vhd')
  assert.equal(baseName('/'), '/')
  assert.equal(folderOf('/srv/old/XP.vhd'), '/srv/old')
  assert.equal(folderOf('/XP.vhd'), '/')
  assert.equal(folderOf('XP.vhd'), '')
})
