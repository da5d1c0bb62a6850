import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { networkConfigSchema } from '../network-config.ts'
import { addressData, FLAG, type NbnsMessage, OPCODE, RCODE, TYPE } from './message.ts'
import { planWins } from './plan.ts'
import type { WinsSettings } from './settings.ts'
import {
  claim,
  found,
  heard,
  NET,
  named,
  PLAIN,
  query,
  rcode,
  release,
  SERVER,
  say,
  winsLab,
} from './testing.ts'

test('a name is registered, found, renewed and given back', () => {
  const { station, status, clock } = winsLab()
  const [xp1, xp2] = [station(16), station(17)]
  assert.equal(rcode(xp1, 'XP1<20>'), RCODE.none)
  assert.deepEqual(found(xp2, 'xp1<20>'), ['10.244.0.16'])
  assert.deepEqual(found(xp2, 'XP1<00>'), [])
  const before = status().registrations[0]!
  assert.deepEqual([before.name, before.kind, before.addresses], ['XP1<20>', 'unique', ['10.244.0.16']])
  clock.pass(60_000)
  assert.equal(rcode(xp1, 'XP1<20>', { opcode: OPCODE.refresh }), RCODE.none)
  assert.equal(Date.parse(status().registrations[0]!.expiresAt!) - Date.parse(before.expiresAt!), 60_000)
  // Nobody gives away another's name.
  assert.equal(release(xp2, 'XP1<20>', { address: xp1.address }), RCODE.active)
  assert.equal(release(xp1, 'XP1<20>'), RCODE.none)
  assert.equal(release(xp1, 'XP1<20>'), RCODE.nameError)
  assert.deepEqual(found(xp2, 'XP1<20>'), [])
})

test('the answers are those of a name server: authoritative, with their times', () => {
  const { station } = winsLab({ ttlSeconds: 1000 })
  const xp1 = station(16)
  claim(xp1, 'XP1<00>', { ttlSeconds: 0, opcode: OPCODE.multihomed })
  const [answer] = heard(xp1)
  assert.deepEqual([answer!.opcode, answer!.record!.ttlSeconds], [OPCODE.registration, 1000])
  assert.equal(answer!.flags, FLAG.authoritative | FLAG.recursionDesired | FLAG.recursionAvailable)
  claim(xp1, 'XP1<00>', { ttlSeconds: 400 })
  assert.equal(heard(xp1)[0]!.record!.ttlSeconds, 400)
  const none = query(xp1, 'NOBODY<00>')
  assert.deepEqual([none.rcode, none.record!.type, none.record!.data.length], [RCODE.nameError, 0x0a, 0])
})

test('what is not renewed is free again', () => {
  const { station, clock, status } = winsLab()
  const [xp1, xp2] = [station(16), station(17)]
  rcode(xp1, 'XP1<20>', { ttlSeconds: 300 })
  clock.pass(300_000)
  assert.deepEqual([found(xp2, 'XP1<20>'), status().registrations], [[], []])
  assert.equal(rcode(xp2, 'XP1<20>'), RCODE.none)
})

test('a name that another has: wait, while that one is asked; it answers, and keeps it', () => {
  const { station, events, status } = winsLab()
  const [xp1, xp2, xp3] = [station(16), station(17), station(18)]
  rcode(xp1, 'XP1<20>')
  claim(xp2, 'XP1<20>')
  const [wait] = heard(xp2)
  assert.deepEqual([wait!.opcode, wait!.rcode, wait!.record!.ttlSeconds], [OPCODE.wait, 0, 3])
  assert.deepEqual(wait!.record!.data, Uint8Array.of(0x29, 0x00))
  const [question] = heard(xp1)
  assert.deepEqual(
    [question!.isResponse, question!.question],
    [false, { name: named('XP1<20>'), type: TYPE.name }],
  )
  // Meanwhile a third one has no chance, the second may ask again, and nobody answers in the first one's place.
  assert.equal(rcode(xp3, 'XP1<20>'), RCODE.active)
  assert.equal(rcode(xp2, 'XP1<20>'), RCODE.none)
  const data = addressData([{ isGroup: false, nodeType: 3, address: xp1.address }])
  const record = { name: named('XP1<20>'), type: TYPE.name, ttlSeconds: 0, data }
  const defence = { ...PLAIN, id: question!.id, isResponse: true, record }
  say(xp2, defence)
  say(xp1, { ...defence, id: question!.id ^ 1 })
  assert.equal(heard(xp2).length, 0)
  say(xp1, defence)
  assert.equal(heard(xp2)[0]!.rcode, RCODE.active)
  assert.deepEqual(found(xp3, 'XP1<20>'), ['10.244.0.16'])
  assert.deepEqual([events.length, events[1]!.code, status().counts.conflicts], [2, 'wins-name-conflict', 2])
  assert.match(events[1]!.message, /10\.244\.0\.17 wants the name XP1<20>, which 10\.244\.0\.16 has/)
})

test('who does not answer three times, or says no, has lost its name', () => {
  const { station, clock } = winsLab()
  const [xp1, xp2, xp3] = [station(16), station(17), station(18)]
  rcode(xp1, 'XP1<20>')
  claim(xp2, 'XP1<20>')
  clock.pass(1499)
  assert.deepEqual([heard(xp1).length, heard(xp2).length], [3, 1])
  clock.pass(1)
  assert.equal(heard(xp2)[0]!.rcode, RCODE.none)
  claim(xp3, 'XP1<20>')
  const record = { name: named('XP1<20>'), type: 0x0a, ttlSeconds: 0, data: new Uint8Array() }
  say(xp2, { ...PLAIN, id: heard(xp2)[0]!.id, isResponse: true, rcode: RCODE.nameError, record })
  assert.deepEqual(
    heard(xp3).map(({ opcode }) => opcode),
    [OPCODE.wait, OPCODE.registration],
  )
  assert.deepEqual(found(xp1, 'XP1<20>'), ['10.244.0.18'])
})

test('a machine with two adapters has two addresses, when it says so itself', () => {
  const { station } = winsLab()
  const [first, second, other] = [station(16), station(17), station(18)]
  rcode(first, 'SRV<20>', { opcode: OPCODE.multihomed })
  claim(second, 'SRV<20>', { opcode: OPCODE.multihomed })
  const addresses = [first, second].map(({ address }) => ({ isGroup: false, nodeType: 3, address }))
  const record = { name: named('SRV<20>'), type: TYPE.name, ttlSeconds: 0, data: addressData(addresses) }
  say(first, { ...PLAIN, id: heard(first)[0]!.id, isResponse: true, record })
  assert.equal(heard(second).at(-1)!.rcode, RCODE.none)
  assert.deepEqual(found(other, 'SRV<20>'), ['10.244.0.16', '10.244.0.17'])
})

test('groups: a workgroup is found by broadcast, a domain’s controllers are listed, its master first', () => {
  const { station, status } = winsLab()
  const [a, b, c] = [station(16), station(17), station(18)]
  for (const each of [a, b]) assert.equal(rcode(each, 'LAB<1E>', { isGroup: true }), RCODE.none)
  assert.deepEqual(found(c, 'LAB<1E>'), ['group 255.255.255.255'])
  assert.equal(release(a, 'LAB<1E>', { isGroup: true }), RCODE.none)
  assert.deepEqual(found(c, 'LAB<1E>'), ['group 255.255.255.255'])
  assert.equal(rcode(c, 'LAB<1E>'), RCODE.active)
  for (const each of [a, b, c]) rcode(each, 'LAB<1C>', { isGroup: true })
  rcode(b, 'LAB<1B>')
  assert.deepEqual(found(a, 'LAB<1C>'), ['group 10.244.0.17', 'group 10.244.0.16', 'group 10.244.0.18'])
  release(a, 'LAB<1C>', { isGroup: true })
  assert.equal(found(a, 'LAB<1C>').length, 2)
  for (let last = 30; last < 60; last++) rcode(station(last), 'LAB<1C>', { isGroup: true })
  assert.equal(found(a, 'LAB<1C>').length, 25)
  // A group where a machine is called so has to wait for that machine.
  claim(c, 'LAB<1B>', { isGroup: true })
  assert.equal(heard(c)[0]!.opcode, OPCODE.wait)
  assert.equal(status().registrations.find(({ name }) => name === 'LAB<1E>')?.addresses.length, 0)
})

test('masters of a segment are told yes, and found by nobody', () => {
  const { station } = winsLab()
  const [a, b] = [station(16), station(17)]
  assert.deepEqual([rcode(a, 'LAB<1D>'), rcode(b, 'LAB<1D>'), found(a, 'LAB<1D>')], [0, 0, []])
})

test('names of the settings, of leases and of the server itself', () => {
  const { station, network, status } = winsLab({ names: [{ name: 'Files', address: '10.244.0.9' }] })
  const xp1 = station(16)
  network.names.enter('dhcp 1', { name: 'hello', address: NET + 20 })
  assert.deepEqual(found(xp1, 'FILES<20>'), ['10.244.0.9'])
  assert.deepEqual(found(xp1, 'HELLO<00>'), ['10.244.0.20'])
  assert.deepEqual(found(xp1, 'HELLO<1B>'), [])
  assert.deepEqual(found(xp1, 'VIVARIUM<00>'), ['10.244.0.1'])
  assert.equal(rcode(xp1, 'FILES<20>'), RCODE.active)
  assert.equal(rcode(xp1, 'VIVARIUM<20>'), RCODE.refused)
  assert.equal(release(xp1, 'FILES<20>', { address: NET + 9 }), RCODE.active)
  assert.equal(status().registrations[0]!.expiresAt, undefined)
})

test('the status of the server has its names and its MAC', () => {
  const { station, network } = winsLab()
  const { record } = query(station(16), '*<00>', TYPE.status)
  const text = new TextDecoder('latin1').decode(record!.data)
  assert.deepEqual([record!.data[0], record!.data.length], [2, 1 + 2 * 18 + 46])
  assert.match(text, /VIVARIUM {7}\0d\0VIVARIUM {7} d\0/)
  const mac = [...record!.data.subarray(37, 43)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
  assert.equal(mac, network.status().host!.mac)
})

test('what is not for a name server, or makes no sense, changes nothing', () => {
  const { station, status, network } = winsLab()
  const xp1 = station(16)
  const question = { name: named('XP1<20>'), type: TYPE.name }
  const data = addressData([{ isGroup: false, nodeType: 3, address: xp1.address }])
  const record = { ...question, ttlSeconds: 300, data }
  const registration = { ...PLAIN, opcode: OPCODE.registration, question, record }
  const silent: [NbnsMessage, object?][] = [
    [{ ...registration, flags: FLAG.broadcast }],
    [registration, { to: 0x0a_f4_00_ff }],
    [registration, { from: 0x0a_f4_01_10 }],
    [registration, { from: 0x0a_f4_00_ff }],
    [registration, { fromPort: 0 }],
    [{ ...PLAIN, opcode: OPCODE.registration, question }],
    [{ ...PLAIN, opcode: OPCODE.registration, record }],
    [{ ...registration, record: { ...record, data: new Uint8Array(5) } }],
    [{ ...registration, isResponse: true }],
    [{ ...registration, opcode: 3 }],
    [{ ...PLAIN, question: { ...question, type: TYPE.status } }],
    [{ ...PLAIN, question: { ...question, type: 1 } }],
  ]
  for (const [message, more] of silent) {
    say(xp1, message, more)
    assert.equal(heard(xp1).length, 0, JSON.stringify([message, more]))
  }
  for (const address of [0, 0xffff_ffff, 0x0a_f4_00_ff, 0x08_08_08_08, SERVER])
    assert.equal(rcode(xp1, 'XP1<20>', { address }), RCODE.refused)
  assert.equal(rcode(xp1, '*<00>'), RCODE.refused)
  assert.deepEqual([status().registrations, status().counts.malformed], [[], 2])
  assert.equal(network.status().host!.answers.malformed, 2)
})

test('a station has 256 names, and all of them 4096', () => {
  const { station, status } = winsLab()
  const stations = Array.from({ length: 17 }, (_, index) => station(20 + index))
  for (const each of stations.slice(0, 16))
    for (let i = 0; i < 256; i++) assert.equal(rcode(each, `N${each.mac}X${i}<00>`), RCODE.none)
  const [first, last] = [stations[0]!, stations[16]!]
  assert.equal(rcode(last, 'ONE-MORE<00>'), RCODE.serverFailure)
  release(first, 'N20X0<00>')
  assert.equal(rcode(last, 'ONE-MORE<00>'), RCODE.none)
  release(last, 'ONE-MORE<00>')
  assert.deepEqual([rcode(first, 'N20X0<00>'), rcode(first, 'N20X1<00>')], [RCODE.none, RCODE.none])
  release(stations[1]!, 'N21X0<00>')
  assert.equal(rcode(first, 'ONE-MORE<00>'), RCODE.serverFailure)
  assert.equal(status().registrations.length, 4095)
})

test('settings that cannot work are refused; closed, it asks nobody any more', () => {
  const plan = (wins: WinsSettings, more: object = { address: '10.244.0.1/24' }) =>
    planWins(networkConfigSchema.parse({ name: 'Lab', key: 'lab', wins, ...more }))
  const twice = { name: 'A', address: '10.244.0.9' }
  assert.throws(
    () => plan({ names: [twice, { ...twice, name: 'a' }, { ...twice, name: 'Vivarium' }] }, {}),
    (error) => error instanceof VivariumError && /no address.*A<00>.*own name/s.test(error.message),
  )
  assert.equal(plan({ enabled: false }), undefined)
  const { station, network, clock } = winsLab()
  const [xp1, xp2] = [station(16), station(17)]
  rcode(xp1, 'XP1<20>')
  claim(xp2, 'XP1<20>')
  network.configure({ ...network.config, wins: undefined })
  xp1.look()
  clock.pass(5000)
  assert.equal(xp1.look().length, 0)
})
