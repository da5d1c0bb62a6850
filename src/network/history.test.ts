import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noCounters } from './counters.ts'
import { CounterHistory } from './history.ts'

test('the last 60 seconds and minutes are kept, the newest last', () => {
  const history = new CounterHistory()
  const counters = noCounters()
  history.sample(counters)
  assert.ok(history.status().seconds.every(({ bytesSent }) => bytesSent === 0))
  for (let second = 1; second <= 150; second++) {
    counters.bytesSent += second
    counters.framesReceived += 1
    history.sample(counters)
  }
  const { seconds, minutes } = history.status()
  assert.deepEqual(
    seconds.map(({ bytesSent }) => bytesSent),
    Array.from({ length: 60 }, (_, index) => 91 + index),
  )
  assert.deepEqual(
    minutes.slice(-3).map(({ bytesSent, framesReceived }) => [bytesSent, framesReceived]),
    [
      [0, 0],
      [(60 * 61) / 2, 60],
      [(120 * 121) / 2 - (60 * 61) / 2, 60],
    ],
  )
  for (let second = 0; second < 60; second++) history.sample(counters)
  assert.ok(history.status().seconds.every(({ bytesSent }) => bytesSent === 0))
})
