import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Task } from '../../../api/index.ts'
import { diskOf } from './task-disk.ts'

const task: Task = {
  id: '1',
  kind: 'disk-convert',
  title: 'Convert',
  state: 'running',
  percent: 1,
  cancelable: true,
  startedAt: '2026-01-01T00:00:00Z',
}

test('a task shows the disk it works on, then the one that came of it, with its sizes', () => {
  const running: Task = { ...task, diskPath: '/a.vhd' }
  assert.equal(diskOf(task), undefined)
  assert.deepEqual(diskOf(running), { path: '/a.vhd' })
  const done: Task = { ...running, state: 'done', result: { path: '/b.vhdx', virtualSize: 1 << 30 } }
  assert.deepEqual(diskOf(done), { path: '/b.vhdx', sizes: '1 GiB' })
  const compacted: Task = { ...running, state: 'done', result: { path: '/a.vhd', before: 2048, after: 1024 } }
  assert.deepEqual(diskOf(compacted), { path: '/a.vhd', sizes: '1 KiB, before 2 KiB' })
})
