import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkDetails } from '../../api/index.ts'
import { formatRate, TrafficHistory } from './traffic.ts'

type Status = NonNullable<NetworkDetails['status']>

function counters(bytesReceived: number, bytesSent: number): Status['totals'] {
  return {
    ...{ framesReceived: 0, framesSent: 0, framesDropped: 0, bytesDropped: 0 },
    ...{ framesMalformed: 0, framesOversized: 0, framesBlocked: 0, framesLost: 0 },
    ...{ bytesReceived, bytesSent },
  }
}

function status(ports: Record<string, [number, number]>): Status {
  const each = Object.entries(ports)
  return {
    ...{ name: 'Lab', key: 'lab', stations: [], services: {} },
    ports: each.map(([name, [received, sent]], id) => ({
      ...{ id, name, connectedAt: '' },
      counters: counters(received, sent),
    })),
    totals: counters(
      each.reduce((sum, [, [received]]) => sum + received, 0),
      each.reduce((sum, [, [, sent]]) => sum + sent, 0),
    ),
  }
}

test('a rate is what passed between two answers, seen from the machine', () => {
  const traffic = new TrafficHistory()
  traffic.add(1000, status({ a: [100, 50] }))
  assert.deepEqual(traffic.now('a'), { sent: 0, received: 0 })
  traffic.add(3000, status({ a: [1100, 250], b: [500, 0] }))
  assert.deepEqual(traffic.now('a'), { sent: 500, received: 100 })
  assert.deepEqual(traffic.now('b'), { sent: 0, received: 0 }, 'a port that was not there before')
  assert.deepEqual(traffic.now(), { sent: 750, received: 100 })
})

test('a switch that counts anew makes no negative rates, and ports that went are forgotten', () => {
  const traffic = new TrafficHistory()
  traffic.add(0, status({ a: [9000, 9000], b: [1, 1] }))
  traffic.add(1000, status({ a: [10, 10], b: [1, 1] }))
  assert.deepEqual(traffic.now('a'), { sent: 0, received: 0 })
  traffic.add(2000, status({ a: [20, 10] }))
  assert.deepEqual(traffic.history('b'), [])
  assert.equal(traffic.history('a').length, 2)
})

test('two minutes are kept', () => {
  const traffic = new TrafficHistory()
  for (let i = 0; i < 200; i++) traffic.add(i * 2000, status({ a: [i, 0] }))
  assert.equal(traffic.history('a').length, 60)
})

test('rates are said in bits', () => {
  assert.deepEqual([0, 10, 124, 125, 1250, 12_500_000, 1.25e9, 1.25e11].map(formatRate), [
    ...['0', '80 bit/s', '992 bit/s', '1.0 kbit/s', '10 kbit/s', '100 Mbit/s', '10 Gbit/s', '1000 Gbit/s'],
  ])
})
