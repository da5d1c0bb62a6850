import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NbdExport } from '../../disk/index.ts'
import { MemoryDisk } from '../../disk/nbd/testing.ts'
import { FlushSchedule } from './flush-schedule.ts'

test('flushes what was written, at most every second, and a slow disk less often', () => {
  const disk = new MemoryDisk(65536)
  const served = new NbdExport('a', disk)
  const schedule = new FlushSchedule([served])
  const runAt = (...times: number[]) => {
    served.unflushed = true
    schedule.run(() => times.shift()!)
    return disk.flushes
  }
  schedule.run(() => 0)
  assert.equal(disk.flushes, 0, 'nothing written, nothing flushed')
  assert.equal(runAt(1000, 1010), 1)
  assert.equal(runAt(2000), 1, 'a second has not passed since the end of the last')
  assert.equal(runAt(2010, 2510), 2)
  assert.equal(runAt(7000), 2, 'half a second of flushing earns five of rest')
  assert.equal(runAt(7510, 7520), 3)
})

test('a flush that failed is reported and tried again', () => {
  const disk = new MemoryDisk(65536)
  const reasons: string[] = []
  const served = new NbdExport('a', disk, { onFailure: ({ error }) => reasons.push(error.message) })
  const schedule = new FlushSchedule([served])
  served.unflushed = true
  disk.failure = new Error('no room')
  schedule.run(() => 0)
  assert.deepEqual([reasons.length, served.unflushed], [1, true])
  disk.failure = undefined
  schedule.run(() => 2000)
  assert.deepEqual([reasons.length, served.unflushed], [1, false])
})
