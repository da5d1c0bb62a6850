import assert from 'node:assert/strict'
import { test } from 'node:test'
import { udpStation } from '../udp-testing.ts'
import type { DnsMessage } from './message.ts'
import { addressRecord, type DnsRecord, nameRecord, record, serviceData } from './record.ts'
import { dnsLab, exchange, PLAIN, STATION, texts } from './testing.ts'
import { CLASS, OPCODE, RCODE, TYPE } from './types.ts'

const ZONE = 'lab.example'
const NOTHING = new Uint8Array()

function update(authorities: DnsRecord[], more: Partial<DnsMessage> = {}): DnsMessage {
  const questions = [{ name: ZONE, type: TYPE.SOA, class: CLASS.IN }]
  return { ...PLAIN, opcode: OPCODE.update, recursionDesired: false, questions, authorities, ...more }
}

const address = (name: string, value = STATION) => addressRecord(`${name}.${ZONE}`, 1200, value)
const setDeletion = (name: string, type: number = TYPE.A): DnsRecord => ({
  ...{ name, type, class: CLASS.ANY, ttlSeconds: 0, data: NOTHING },
})
const deletion = (one: DnsRecord): DnsRecord => ({ ...one, class: CLASS.NONE, ttlSeconds: 0 })

test('a station registers its name and its address, as Windows does, and takes them back', () => {
  const { send, ask } = dnsLab()
  const name = `xp1.${ZONE}`
  // Windows wants no alias at its name, deletes what is there, and adds its address.
  const answers = [{ ...setDeletion(name, TYPE.CNAME), class: CLASS.NONE }]
  const registration = update([setDeletion(name, TYPE.AAAA), setDeletion(name), address('xp1')], { answers })
  assert.equal(send(registration).rcode, RCODE.noError)
  assert.equal(send(registration).rcode, RCODE.noError)
  assert.deepEqual(texts(ask(name).answers), [`${name} 1200 A 10.244.0.20`])
  const reverse = '20.0.244.10.in-addr.arpa'
  const pointer = nameRecord(reverse, TYPE.PTR, 1200, name)
  const questions = [{ name: '0.244.10.in-addr.arpa', type: TYPE.SOA, class: CLASS.IN }]
  assert.equal(send(update([setDeletion(reverse, TYPE.PTR), pointer], { questions })).rcode, RCODE.noError)
  assert.equal(ask(reverse, 'PTR').answers.length, 1)
  assert.equal(send(update([deletion(address('xp1'))])).rcode, RCODE.noError)
  assert.equal(send(update([deletion(pointer)], { questions })).rcode, RCODE.noError)
  assert.deepEqual([ask(name).rcode, ask(reverse, 'PTR').rcode], [RCODE.nameError, RCODE.nameError])
})

test('"own" is the station’s own address, by a name that nobody has, and nothing else', () => {
  const { send, ask, network } = dnsLab({ records: [{ name: 'www', type: 'A', value: '10.244.0.9' }] })
  network.names.enter('dhcp 1', { name: 'xp2', address: 0x0a_f4_00_10 })
  const other = udpStation(network, 7, 0x0a_f4_00_15)
  assert.equal(exchange(other, update([address('srv', other.address)])).rcode, RCODE.noError)
  const refused = [
    address('pc', 0x0a_f4_00_16),
    address('srv'),
    address('xp2'),
    address('www'),
    address('wpad'),
    address('ns'),
    addressRecord(ZONE, 60, STATION),
    setDeletion(`srv.${ZONE}`),
    setDeletion(`srv.${ZONE}`, TYPE.ANY),
    deletion(address('srv', other.address)),
    setDeletion(ZONE, TYPE.ANY),
    nameRecord(`alias.${ZONE}`, TYPE.CNAME, 60, `srv.${ZONE}`),
    record(`_ldap._tcp.${ZONE}`, TYPE.SRV, 60, serviceData(0, 100, 389, `pc.${ZONE}`)),
    addressRecord(`_ldap.${ZONE}`, 60, STATION),
  ]
  for (const one of refused) assert.equal(send(update([one])).rcode, RCODE.refused, one.name)
  const questions = [{ name: '0.244.10.in-addr.arpa', type: TYPE.SOA, class: CLASS.IN }]
  for (const [name, target] of [
    ['21.0.244.10.in-addr.arpa', `pc.${ZONE}`],
    ['20.0.244.10.in-addr.arpa', `srv.${ZONE}`],
  ] as const)
    assert.equal(send(update([nameRecord(name, TYPE.PTR, 60, target)], { questions })).rcode, RCODE.refused)
  assert.deepEqual(texts(ask('srv').answers), ['srv 1200 A 10.244.0.21'])
})

test('a refused change takes the whole update with it', () => {
  const { send, ask } = dnsLab()
  assert.equal(send(update([address('pc'), address('pc2', 1)])).rcode, RCODE.refused)
  assert.equal(ask('pc').rcode, RCODE.nameError)
})

test('"all" lets a domain controller register its services, but not change the settings', () => {
  const { send, ask } = dnsLab({ updates: 'all', records: [{ name: 'www', type: 'A', value: '10.244.0.9' }] })
  const service = record(
    `_ldap._tcp.dc._msdcs.${ZONE}`,
    TYPE.SRV,
    600,
    serviceData(0, 100, 389, `dc1.${ZONE}`),
  )
  const alias = nameRecord(`guid._msdcs.${ZONE}`, TYPE.CNAME, 600, `dc1.${ZONE}`)
  assert.equal(send(update([address('dc1'), service, alias, addressRecord(ZONE, 600, STATION)])).rcode, 0)
  const found = ask(service.name, 'SRV')
  assert.equal(found.answers.length, 1)
  assert.deepEqual(texts(found.additionals), [`dc1.${ZONE} 1200 A 10.244.0.20`])
  assert.equal(ask(alias.name).answers.length, 2)
  assert.equal(ask(ZONE).answers.length, 1)
  // An alias does not get neighbours, and its second form replaces the first.
  assert.equal(send(update([addressRecord(alias.name, 60, 1)])).rcode, 0)
  assert.equal(ask(alias.name, 'A').answers.length, 2)
  assert.equal(send(update([nameRecord(alias.name, TYPE.CNAME, 60, `dc2.${ZONE}`)])).rcode, 0)
  assert.deepEqual(texts(ask(alias.name, 'CNAME').answers), [`${alias.name} 60 CNAME dc2.${ZONE}`])
  assert.equal(send(update([address('www')])).rcode, RCODE.refused)
  assert.equal(send(update([record(ZONE, TYPE.SOA, 60, NOTHING)])).rcode, RCODE.formatError)
  assert.equal(send(update([nameRecord(ZONE, TYPE.NS, 60, 'evil.example')])).rcode, RCODE.refused)
  assert.equal(send(update([setDeletion(service.name, TYPE.ANY)])).rcode, 0)
  assert.equal(ask(service.name, 'SRV').rcode, RCODE.nameError)
})

test('conditions are checked first, and each has its own answer', () => {
  const { send, network } = dnsLab()
  network.names.enter('dhcp 1', { name: 'xp1', address: 0x0a_f4_00_10 })
  const there = `xp1.${ZONE}`
  const gone = `xp9.${ZONE}`
  const any = (name: string, type: number, class_: number): DnsRecord => ({
    ...setDeletion(name, type),
    class: class_,
  })
  const conditions: [DnsRecord, number][] = [
    [any(there, TYPE.ANY, CLASS.ANY), RCODE.noError],
    [any(gone, TYPE.ANY, CLASS.ANY), RCODE.nameError],
    [any(there, TYPE.A, CLASS.ANY), RCODE.noError],
    [any(there, TYPE.TXT, CLASS.ANY), RCODE.setMissing],
    [any(there, TYPE.ANY, CLASS.NONE), RCODE.nameExists],
    [any(gone, TYPE.ANY, CLASS.NONE), RCODE.noError],
    [any(there, TYPE.A, CLASS.NONE), RCODE.setExists],
    [any(there, TYPE.TXT, CLASS.NONE), RCODE.noError],
    [addressRecord(there, 0, 0x0a_f4_00_10), RCODE.noError],
    [addressRecord(there, 0, 0x0a_f4_00_11), RCODE.setMissing],
    [addressRecord(there, 1, 0x0a_f4_00_10), RCODE.formatError],
    [any('other.example', TYPE.A, CLASS.NONE), RCODE.notInZone],
    [any(there, TYPE.A, 3), RCODE.formatError],
    [{ ...addressRecord(there, 0, 1), class: CLASS.NONE }, RCODE.formatError],
  ]
  for (const [condition, rcode] of conditions)
    assert.equal(send(update([], { answers: [condition] })).rcode, rcode, JSON.stringify(condition))
})

test('other zones, zones of the settings "none", and updates that make no sense', () => {
  const { send } = dnsLab()
  const zone = (name: string, type: number = TYPE.SOA) => ({ name, type, class: CLASS.IN })
  const rcode = (changes: DnsRecord[], questions = [zone(ZONE)]) => send(update(changes, { questions })).rcode
  assert.equal(rcode([], [zone('example.com')]), RCODE.notAuthoritative)
  assert.equal(rcode([], [zone(`sub.${ZONE}`)]), RCODE.notAuthoritative)
  assert.equal(rcode([], [zone(ZONE, TYPE.A)]), RCODE.formatError)
  assert.equal(rcode([addressRecord('pc.example.com', 60, STATION)]), RCODE.notInZone)
  assert.equal(rcode([{ ...address('pc'), type: TYPE.ANY }]), RCODE.formatError)
  assert.equal(rcode([{ ...setDeletion(`pc.${ZONE}`), ttlSeconds: 1 }]), RCODE.formatError)
  assert.equal(rcode([{ ...address('pc'), class: CLASS.CH }]), RCODE.formatError)
  assert.equal(dnsLab({ updates: 'none' }).send(update([address('pc')])).rcode, RCODE.refused)
})

test('a station has 64 registrations, and what is not renewed in two weeks is forgotten', () => {
  const { send, ask, clock } = dnsLab()
  const many = Array.from({ length: 64 }, (_, index) => address(`pc${index}`))
  assert.equal(send(update(many)).rcode, 0)
  assert.equal(send(update([address('one-more')])).rcode, RCODE.refused)
  assert.equal(send(update(many)).rcode, 0)
  clock.pass(15 * 86_400_000)
  assert.equal(send(update([address('one-more')])).rcode, 0)
  assert.deepEqual([ask('pc0').rcode, ask('one-more').answers.length], [RCODE.nameError, 1])
})
