import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { type Journals, memoryJournals } from '../journals.ts'
import { udpStation } from '../udp-testing.ts'
import type { DnsEntry } from './entries.ts'
import type { DnsMessage } from './message.ts'
import { addressRecord, type DnsRecord, nameRecord, record, serviceData, textData } from './record.ts'
import type { DnsSettings } from './settings.ts'
import { dnsLab, exchange, PLAIN, STATION, texts } from './testing.ts'
import { CLASS, OPCODE, RCODE, TYPE } from './types.ts'

/** What stations registered, over the end of the process: the journal is all that stays. */

const ZONE = 'lab.example'
const REVERSE = '20.0.244.10.in-addr.arpa'
const NAME = `XP1.${ZONE}`
const DAY_MS = 86_400_000

function update(authorities: DnsRecord[], zone = ZONE): DnsMessage {
  const questions = [{ name: zone, type: TYPE.SOA, class: CLASS.IN }]
  return { ...PLAIN, opcode: OPCODE.update, recursionDesired: false, questions, authorities }
}

const start = (journals: Partial<Journals>, dns: DnsSettings = {}) => dnsLab(dns, { journals })
const kept = (journals: Journals) => journals.dns.load() as DnsEntry[]

function registered(dns: DnsSettings = {}) {
  const journals = memoryJournals()
  const lab = start(journals, dns)
  assert.equal(lab.send(update([addressRecord(NAME, 1200, STATION)])).rcode, RCODE.noError)
  const pointer = update([nameRecord(REVERSE, TYPE.PTR, 600, NAME)], '0.244.10.in-addr.arpa')
  assert.equal(lab.send(pointer).rcode, RCODE.noError)
  return { ...lab, journals }
}

test('records, their times to live and their owners outlive the process', () => {
  const { journals } = registered()
  const { ask, send, network } = start(journals)
  assert.deepEqual(texts(ask('xp1.lab.example').answers), ['xp1.lab.example 1200 A 10.244.0.20'])
  assert.deepEqual(texts(ask(REVERSE, 'PTR').answers), [`${REVERSE} 60 PTR ${NAME}`])
  const other = udpStation(network, 7, 0x0a_f4_00_15)
  const theft = update([addressRecord(NAME, 1200, 0x0a_f4_00_15)])
  assert.equal(exchange(other, theft).rcode, RCODE.refused)
  const goodbye = { name: NAME, type: TYPE.ANY, class: CLASS.ANY, ttlSeconds: 0, data: new Uint8Array() }
  assert.equal(send(update([goodbye])).rcode, RCODE.noError)
  assert.deepEqual(
    kept(journals).map(({ type }) => type),
    [TYPE.PTR],
  )
  assert.equal(start(journals).ask('xp1.lab.example').rcode, RCODE.nameError)
})

test('a pointer is there again whichever came first in the journal', () => {
  const { journals } = registered()
  const { ask } = start(memoryWith(kept(journals).toReversed()))
  assert.deepEqual([ask(NAME).answers.length, ask(REVERSE, 'PTR').answers.length], [1, 1])
})

test('what was not renewed for two weeks, or the settings of now do not allow, is gone for good', () => {
  const { journals } = registered()
  const forgotten = [
    start(memoryWith(kept(journals), -15 * DAY_MS)),
    start(memoryWith(kept(journals)), { domain: 'other.example' }),
    start(memoryWith(kept(journals)), { updates: 'none' }),
    start(memoryWith(kept(journals)), { records: [{ name: 'xp1', type: 'TXT', value: '"mine"' }] }),
  ]
  for (const { ask } of forgotten) assert.equal(ask('xp1.lab.example').answers.length, 0)
  const changed = memoryWith(kept(journals))
  start(changed, { domain: 'other.example' })
  // The pointer pointed to what is not the network's own any more, which it may.
  assert.deepEqual(
    (changed.dns.load() as DnsEntry[]).map(({ type }) => type),
    [TYPE.PTR],
  )
})

test('what "all" allowed goes when only "own" is allowed', () => {
  const service = record(`_ldap._tcp.${ZONE}`, TYPE.SRV, 60, serviceData(0, 100, 389, NAME))
  const { journals, send } = registered({ updates: 'all' })
  assert.equal(send(update([service])).rcode, RCODE.noError)
  assert.equal(start(journals, { updates: 'all' }).ask(service.name, 'SRV').answers.length, 1)
  const { ask } = start(journals, { updates: 'own' })
  assert.equal(ask(service.name, 'SRV').answers.length, 0)
  assert.equal(ask(NAME).answers.length, 1)
})

test('a change of the settings does not forget what still holds', () => {
  const { network, ask } = registered()
  network.configure({ ...network.config, name: 'Laboratory' })
  assert.equal(ask(NAME).answers.length, 1)
})

test('a station is told when it is on disk, and not before', async () => {
  const journals = memoryJournals()
  const waiting: (() => void)[] = []
  const { send, station } = start({
    ...{ leases: journals.leases, wins: journals.wins },
    dns: { ...journals.dns, whenSaved: (action) => waiting.push(action) },
  })
  assert.throws(() => send(update([addressRecord(NAME, 1200, STATION)])), /it heard 0 answers/)
  for (const action of waiting.splice(0)) action()
  await new Promise(setImmediate)
  assert.equal(station.look().length, 1)
})

test('a station fills no disk: its data has bounds, and so has that of all', () => {
  const journals = memoryJournals()
  const { send } = start(journals, { updates: 'all' })
  const long = (number: number) =>
    record(`t${number}.${ZONE}`, TYPE.TXT, 60, textData(Array.from({ length: 4 }, () => new Uint8Array(240))))
  const answers = Array.from({ length: 1200 }, (_, number) => send(update([long(number)])).rcode)
  assert.ok(answers.includes(RCODE.refused))
  assert.ok(JSON.stringify(kept(journals)).length < 8 * 1024 * 1024)
  assert.equal(send(update([long(0)])).rcode, RCODE.noError)
})

test('a journal that is not one of registrations is refused, and entries that lie are left out', () => {
  const { journals } = registered()
  const [entry] = kept(journals)
  const refused: unknown[] = [{}, [{}], [{ ...entry, data: 'xyz' }], [{ ...entry, name: 'a..b' }]]
  for (const stored of refused)
    assert.throws(
      () => start({ dns: { ...memoryJournals().dns, load: () => stored } }),
      (error) => error instanceof VivariumError && error.code === 'dns-registrations-malformed',
    )
  for (const lie of [{ data: '0af40014ff' }, { owner: '10.244.0.21' }, { key: 'other' }, { type: 255 }])
    assert.equal(start(memoryWith([{ ...entry!, ...lie }])).ask(NAME).answers.length, 0)
})

test('whatever stations add and take away, the next process answers the same', () => {
  const names = fc.constantFrom('a', 'b', 'c').map((label) => `${label}.${ZONE}`)
  const value = fc.integer({ min: 1, max: 3 })
  const change = fc.record({ name: names, value, kind: fc.constantFrom('add', 'one', 'set', 'all') })
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 8 }), (updates) => {
      const journals = memoryJournals()
      const { send, ask } = start(journals, { updates: 'all' })
      for (const changes of updates) send(update(changes.map(recordOf)))
      const next = start(journals, { updates: 'all' })
      for (const label of ['a', 'b', 'c']) {
        const question = [`${label}.${ZONE}`, 'A'] as const
        assert.deepEqual(texts(next.ask(...question).answers).sort(), texts(ask(...question).answers).sort())
      }
    }),
    { numRuns: cases(12, 60) },
  )
})

function recordOf({ name, value, kind }: { name: string; value: number; kind: string }): DnsRecord {
  const one = addressRecord(name, 60, value)
  if (kind === 'add') return one
  if (kind === 'one') return { ...one, class: CLASS.NONE, ttlSeconds: 0 }
  const type = kind === 'set' ? TYPE.A : TYPE.ANY
  return { name, type, class: CLASS.ANY, ttlSeconds: 0, data: new Uint8Array() }
}

/** The same entries for another process, in its time. */
function memoryWith(entries: readonly DnsEntry[], later = 0): Journals {
  const journals = memoryJournals()
  for (const entry of entries)
    journals.dns.put({ ...entry, renewedAt: new Date(Date.parse(entry.renewedAt) + later).toISOString() })
  return journals
}
