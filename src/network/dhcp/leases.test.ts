import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import type { Journal } from '../journal.ts'
import { scriptedClock } from '../testing.ts'
import { leaseRange } from './clients.ts'
import { type LeaseRecord, loadLeases, memoryLeases } from './lease-records.ts'
import { LeaseTable } from './leases.ts'
import { planDhcp } from './pool.ts'
import type { DhcpSettings } from './settings.ts'

const ip = (text: string) => parseIpv4(text)!

function openTable(settings: DhcpSettings = {}, store: Journal<LeaseRecord> = memoryLeases()) {
  const clock = scriptedClock()
  const neighbours = new Map<number, number>()
  const open = (changed = settings) =>
    new LeaseTable(leaseRange(planDhcp(changed)), {
      now: clock.now,
      store,
      stored: loadLeases(store),
      neighbour: (address) => neighbours.get(address),
    })
  const table = open()
  const take = (client: string, wish?: string, of = table) => {
    const lease = of.offer(client, Number.parseInt(client, 16), wish === undefined ? undefined : ip(wish))
    if (lease !== undefined) of.bind(client, lease.mac, undefined)
    return lease && formatIpv4(lease.address)
  }
  return { clock, neighbours, store, table, open, take }
}

test('addresses go out in order, and every client keeps its own', () => {
  const { take } = openTable()
  assert.deepEqual([take('0a'), take('0b'), take('0a')], ['10.244.0.16', '10.244.0.17', '10.244.0.16'])
})

test('a wish is granted while the address is free and in the range', () => {
  const { take } = openTable({ gateway: '10.244.0.20', dns: ['10.244.0.21'] })
  assert.equal(take('0a', '10.244.0.99'), '10.244.0.99')
  assert.equal(take('0b', '10.244.0.99'), '10.244.0.16')
  for (const [client, wish] of [
    ['0c', '10.244.0.5'],
    ['0d', '10.9.9.9'],
    ['0e', '10.244.0.20'],
  ] as const)
    assert.match(take(client, wish)!, /^10\.244\.0\.1[789]$/)
  assert.equal(take('0f', '10.244.0.21'), '10.244.0.22')
})

test('what ended is kept for its client until somebody needs it, the longest unused first', () => {
  const { clock, table, take } = openTable({ end: '10.244.0.18', leaseSeconds: 60 })
  take('0a')
  clock.pass(1000)
  take('0b')
  clock.pass(1000)
  take('0c')
  assert.equal(take('0d'), undefined)
  clock.pass(61_000)
  assert.equal(take('0b'), '10.244.0.17')
  assert.equal(take('0d'), '10.244.0.16')
  assert.equal(table.find('0a'), undefined)
})

test('an offer that is not taken up is free after a minute', () => {
  const { clock, table, take } = openTable({ end: '10.244.0.16' })
  table.offer('0a', 1, undefined)
  assert.equal(take('0b'), undefined)
  clock.pass(60_001)
  assert.equal(take('0b'), '10.244.0.16')
})

test('a released address is for others at once, and for its client again', () => {
  const { table, take } = openTable({ end: '10.244.0.16' })
  take('0a')
  table.release('0a')
  assert.equal(take('0a'), '10.244.0.16')
  table.release('0a')
  assert.equal(take('0b'), '10.244.0.16')
})

test('a declined address rests for ten minutes', () => {
  const { clock, table, take } = openTable({ end: '10.244.0.17' })
  take('0a')
  table.decline('0a')
  assert.deepEqual([take('0a'), take('0b')], ['10.244.0.17', undefined])
  clock.pass(600_001)
  assert.equal(take('0b'), '10.244.0.16')
})

test('an address that somebody else was heard using is not given out', () => {
  const { neighbours, take } = openTable()
  neighbours.set(ip('10.244.0.16'), 0x99)
  neighbours.set(ip('10.244.0.17'), 0x0b)
  assert.equal(take('0b'), '10.244.0.17')
  assert.equal(take('0c', '10.244.0.16'), '10.244.0.18')
})

test('leases survive a restart; those outside a changed range are dropped', () => {
  const { take, open } = openTable()
  take('0a')
  take('0b', '10.244.0.200')
  assert.equal(take('0b', undefined, open()), '10.244.0.200')
  const shrunk = open({ end: '10.244.0.99' })
  assert.deepEqual(
    shrunk.records().map(({ address }) => address),
    ['10.244.0.16'],
  )
})

test('a declined address rests over a restart too', () => {
  const { table, take, open } = openTable({ end: '10.244.0.17' })
  take('0a')
  table.decline('0a')
  assert.equal(take('0b', '10.244.0.16', open()), '10.244.0.17')
})

test('stored leases that are not such are refused', () => {
  for (const stored of [{}, 'x', [{ address: 1 }], [{ address: '10.244.0.16', client: 'zz' }]]) {
    assert.throws(
      () => openTable({}, { ...memoryLeases(), load: () => stored }),
      (error) => error instanceof VivariumError && error.code === 'leases-malformed',
    )
  }
})

test('clients without number get no more than the table holds', () => {
  const { table } = openTable({ network: '10.0.0.0', mask: '255.0.0.0' })
  let given = 0
  for (let client = 1; client <= 17_000; client++)
    if (table.offer(client.toString(16), client, undefined) !== undefined) given++
  assert.equal(given, 16_384)
})

test('whatever clients do, no address has two of them', () => {
  const step = fc.record({
    client: fc.constantFrom('0a', '0b', '0c', '0d', '0e'),
    act: fc.constantFrom('take', 'offer', 'release', 'decline', 'wait'),
    wish: fc.option(fc.integer({ min: 14, max: 21 }), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { clock, table, take } = openTable({ end: '10.244.0.19', leaseSeconds: 60 })
      for (const { client, act, wish } of steps) {
        if (act === 'take') take(client, wish === undefined ? undefined : `10.244.0.${wish}`)
        if (act === 'offer') table.offer(client, 1, undefined)
        if (act === 'release') table.release(client)
        if (act === 'decline') table.decline(client)
        if (act === 'wait') clock.pass(25_000)
        const live = ['0a', '0b', '0c', '0d', '0e']
          .map((name) => table.find(name))
          .filter((lease) => lease !== undefined && table.isLive(lease))
          .map((lease) => lease!.address)
        assert.equal(new Set(live).size, live.length)
        assert.ok(live.every((address) => table.inRange(address)))
      }
    }),
  )
})
