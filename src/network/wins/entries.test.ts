import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { type Journals, memoryJournals } from '../journals.ts'
import type { WinsEntry } from './entries.ts'
import { OPCODE, RCODE } from './message.ts'
import { found, query, rcode, release, winsLab } from './testing.ts'

/** What machines registered, over the end of the process: the journal is all that stays. */

const kept = (journals: Journals) => journals.wins.load() as WinsEntry[]
const keys = (journals: Journals) => kept(journals).map(({ key }) => key)

function registered() {
  const journals = memoryJournals()
  const lab = winsLab({}, { journals })
  const [xp1, xp2] = [lab.station(16), lab.station(17)]
  assert.equal(rcode(xp1, 'XP1<20>', { ttlSeconds: 600 }), RCODE.none)
  assert.equal(rcode(xp1, 'Xp1<00>'), RCODE.none)
  for (const station of [xp1, xp2]) {
    assert.equal(rcode(station, 'LAB<1E>', { isGroup: true }), RCODE.none)
    assert.equal(rcode(station, 'LAB<1C>', { isGroup: true }), RCODE.none)
  }
  return { ...lab, journals, xp1, xp2 }
}

/** The next process, so much later. */
function next(journals: Journals, later = 0, settings: Parameters<typeof winsLab>[0] = {}) {
  const lab = winsLab(settings, { journals }, later)
  return { ...lab, asker: lab.station(99) }
}

test('names of every kind outlive the process, with their owners and their ends', () => {
  const { journals, status } = registered()
  const before = status().registrations
  const { station, asker, status: nextStatus } = next(journals, 60_000)
  assert.deepEqual(nextStatus().registrations, before)
  assert.deepEqual(found(asker, 'XP1<20>'), ['10.244.0.16'])
  assert.deepEqual(found(asker, 'xp1<00>'), ['10.244.0.16'])
  assert.deepEqual(found(asker, 'LAB<1E>'), ['group 255.255.255.255'])
  assert.deepEqual(found(asker, 'LAB<1C>'), ['group 10.244.0.16', 'group 10.244.0.17'])
  // Only its owner gives it back or renews it; the renewal counts from now.
  const [xp1, xp2] = [station(16), station(17)]
  assert.equal(release(xp2, 'XP1<20>', { address: xp1.address }), RCODE.active)
  assert.equal(rcode(xp1, 'XP1<20>', { opcode: OPCODE.refresh, ttlSeconds: 600 }), RCODE.none)
  const [renewed] = nextStatus().registrations
  assert.equal(Date.parse(renewed!.expiresAt!) - Date.parse(before[0]!.expiresAt!), 60_000)
  assert.equal(release(xp1, 'XP1<20>'), RCODE.none)
  assert.deepEqual(found(next(journals).asker, 'XP1<20>'), [])
})

test('what ended while no process ran is gone, and gone from the journal', () => {
  const { journals } = registered()
  assert.deepEqual(keys(journals), ['XP1<20>', 'XP1<00>', 'LAB<1E>', 'LAB<1C>'])
  const { asker } = next(journals, 600_000)
  assert.equal(query(asker, 'XP1<20>').rcode, RCODE.nameError)
  assert.deepEqual(found(asker, 'XP1<00>'), ['10.244.0.16'])
  assert.deepEqual(keys(journals), ['XP1<00>', 'LAB<1E>', 'LAB<1C>'])
})

test('a name ends by the time that its machine was told, not by that of the restart', () => {
  const { journals } = registered()
  const { asker, clock } = next(journals, 599_000)
  assert.deepEqual(found(asker, 'XP1<20>'), ['10.244.0.16'])
  clock.pass(1000)
  assert.deepEqual(found(asker, 'XP1<20>'), [])
  assert.ok(!keys(journals).includes('XP1<20>'))
})

test('after a restart the old owner is asked before its name goes over', () => {
  const { journals } = registered()
  const { station, asker, clock } = next(journals)
  const [xp1, thief] = [station(16), station(20)]
  assert.equal(rcode(thief, 'XP1<20>'), RCODE.none)
  // It was told to wait, and the owner is asked three times and says nothing.
  assert.equal(xp1.look().length, 1)
  clock.pass(3000)
  assert.deepEqual(found(asker, 'XP1<20>'), ['10.244.0.20'])
  assert.deepEqual(found(next(journals).asker, 'XP1<20>'), ['10.244.0.20'])
})

test('what the settings say wins, and addresses of another network are nobody’s', () => {
  const { journals } = registered()
  const fixed = next(journals, 0, { names: [{ name: 'XP1', address: '10.244.0.50' }] })
  assert.deepEqual(found(fixed.asker, 'XP1<20>'), ['10.244.0.50'])
  assert.deepEqual(keys(journals), ['LAB<1E>', 'LAB<1C>'])
  const moved = winsLab({}, { journals }, 0, '10.245.0.1/24')
  assert.deepEqual(moved.status().registrations, [])
  assert.deepEqual(keys(journals), [])
})

test('a machine is told when it is on disk, and not before', () => {
  const journals = memoryJournals()
  const waiting: (() => void)[] = []
  const lab = winsLab({}, { journals: { wins: { ...journals.wins, whenSaved: (act) => waiting.push(act) } } })
  const xp1 = lab.station(16)
  assert.throws(() => rcode(xp1, 'XP1<20>'))
  for (const action of waiting.splice(0)) action()
  assert.equal(xp1.look().length, 1)
})

test('a journal that is not one of registrations is refused', () => {
  const { journals } = registered()
  const [entry] = kept(journals)
  const wrong = [
    {},
    [{}],
    [{ ...entry, kind: 'x' }],
    [{ ...entry, members: [] }],
    [{ ...entry, suffix: 256 }],
  ]
  for (const stored of wrong)
    assert.throws(
      () => winsLab({}, { journals: { wins: { ...memoryJournals().wins, load: () => stored } } }),
      (error) => error instanceof VivariumError && error.code === 'wins-registrations-malformed',
    )
})
