import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairQueue } from './fair-queue.ts'

const run = (bytes: number, mark = 0) => new Uint8Array(bytes).fill(mark)

test('a source that floods leaves room for the next, however long it floods', () => {
  const queue = new FairQueue(1000)
  let taken = 0
  while (queue.offer(run(10), 1)) taken++
  assert.equal(taken, 50)
  assert.equal(queue.offer(run(10), 1), false)
  for (let source = 2; source < 6; source++) assert.equal(queue.offer(run(10), source), true)
  assert.equal(queue.bytes, 540)
})

test('sources take turns, each in its own order', () => {
  const queue = new FairQueue(10_000)
  for (let mark = 1; mark <= 6; mark++) queue.offer(run(100, mark), 1)
  queue.offer(run(100, 11), 2)
  queue.offer(run(100, 12), 2)
  const turns: number[][] = []
  for (let turn = queue.take(200); turn.length > 0; turn = queue.take(200))
    turns.push(turn.map((bytes) => bytes[0]!))
  assert.deepEqual(turns, [
    [1, 2],
    [11, 12],
    [3, 4],
    [5, 6],
  ])
  assert.equal(queue.bytes, 0)
})
