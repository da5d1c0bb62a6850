import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MachineDetails, MachineSummary, ServerEvent, Task } from '../../api/index.ts'
import { backoffMs } from './backoff.ts'
import { addEvent, endedTasks, mergeDetails, mergeTasks, needsDetails } from './live-cache.ts'

const task = (id: string, state: Task['state'], startedAt: string): Task => ({
  id,
  kind: 'create-disk',
  title: id,
  state,
  percent: 0,
  cancelable: true,
  startedAt,
})

const summary: MachineSummary = {
  id: 'a',
  name: 'A',
  path: '/a.vmc',
  inLibrary: false,
  state: 'Running',
  memoryMB: 64,
  engineWish: 'auto',
  engine: { name: 'v86', accelerator: 'wasm', reason: 'small' },
  startedAt: '2026-01-01T00:00:00Z',
  uptimeSeconds: 4,
  cpuPercent: 12,
  thumbnail: 1,
  undo: { enabled: false, pending: false, sizeBytes: 0 },
  problems: { errors: 0, warnings: 0 },
}
const details: MachineDetails = {
  ...summary,
  addedAt: '2026-01-01T00:00:00Z',
  adapterModel: 'auto',
  drives: [],
  notes: [],
  refusals: [],
  serialPorts: 0,
  argv: [],
}

test('changed tasks replace their older selves, newest first', () => {
  const known = [task('b', 'running', '2026-01-02'), task('a', 'done', '2026-01-01')]
  const merged = mergeTasks(known, [task('b', 'done', '2026-01-02'), task('c', 'running', '2026-01-03')])
  assert.deepEqual(
    merged.map((one) => [one.id, one.state]),
    [
      ['c', 'running'],
      ['b', 'done'],
      ['a', 'done'],
    ],
  )
})

test('only a task that was seen running is news when it ends', () => {
  const known = [task('a', 'running', '1'), task('b', 'done', '1')]
  const ended = endedTasks(known, [task('a', 'failed', '1'), task('b', 'done', '1'), task('c', 'done', '1')])
  assert.deepEqual(
    ended.map((one) => one.id),
    ['a'],
  )
})

test('a task that waited is no news when it begins, and is when it ends', () => {
  const known = [task('a', 'waiting', '1'), task('b', 'waiting', '1')]
  const ended = endedTasks(known, [task('a', 'running', '1'), task('b', 'cancelled', '1')])
  assert.deepEqual(
    ended.map((one) => one.id),
    ['b'],
  )
})

test('an event joins the first page once', () => {
  const event: ServerEvent = { id: 9, time: 't', severity: 'info', source: 'server', code: 'x', message: 'x' }
  const pages = addEvent([[{ ...event, id: 8 }], [{ ...event, id: 1 }]], event)
  assert.deepEqual(
    pages.map((page) => page.map((one) => one.id)),
    [[9, 8], [1]],
  )
  assert.deepEqual(addEvent(pages, event), pages)
})

test('details follow the summary, and forget what ended', () => {
  const { engine: _engine, startedAt: _startedAt, ...rest } = summary
  const off: MachineSummary = { ...rest, state: 'TurnedOff', uptimeSeconds: 0 }
  const merged = mergeDetails(details, off)
  assert.equal(merged.state, 'TurnedOff')
  assert.equal('startedAt' in merged, false)
  assert.equal(merged.adapterModel, 'auto')
})

test('a new picture or second asks for no details, a new state does', () => {
  assert.equal(needsDetails(details, { ...summary, thumbnail: 7, uptimeSeconds: 9, cpuPercent: 80 }), false)
  assert.equal(needsDetails(details, { ...summary, state: 'Paused' }), true)
})

test('waiting between tries grows to ten seconds and no further', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map(backoffMs), [500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})
