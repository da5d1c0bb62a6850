import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identifyProcess } from '../../system/index.ts'
import { Lifetime } from './lifetime.ts'

const here = identifyProcess(process.pid)!
const gone = { pid: here.pid, startTicks: here.startTicks - 1 }

test('lives as long as the process it was told to watch', () => {
  const lifetime = new Lifetime(gone, 0)
  lifetime.watch(here)
  assert.equal(lifetime.watchedPid, process.pid)
  assert.ok(!lifetime.isOver(1_000_000, 0))
})

test('outlives it while somebody is connected, and some seconds more', () => {
  const lifetime = new Lifetime(gone, 0)
  assert.ok(!lifetime.isOver(4999, 0))
  assert.ok(!lifetime.isOver(60_000, 1))
  assert.ok(!lifetime.isOver(64_999, 0))
  assert.ok(lifetime.isOver(65_000, 0))
})
