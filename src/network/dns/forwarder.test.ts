import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { udpStation } from '../udp-testing.ts'
import type { ResolverAddress, ServiceWorld } from '../world.ts'
import { encodeDns } from './encode.ts'
import { type DnsMessage, decodeDns } from './message.ts'
import { addressRecord, authorityRecord, nameRecord } from './record.ts'
import type { DnsSettings } from './settings.ts'
import { dnsLab, heard, query, tell, texts } from './testing.ts'
import { RCODE, TYPE } from './types.ts'

interface Question {
  readonly query: DnsMessage
  readonly server: ResolverAddress
  readonly answer: (message: Partial<DnsMessage>) => void
  readonly answerBytes: (bytes: Uint8Array | undefined) => void
}

/** A world whose resolvers answer when the test does. */
function lab(settings: DnsSettings = {}) {
  const asked: Question[] = []
  const world: ServiceWorld = {
    hostResolvers: () => [{ address: '192.0.2.9', port: 53 }],
    askResolver: (bytes, server) => {
      const message = decodeDns(bytes)
      assert.ok(message !== 'malformed')
      const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
      const answer = (more: Partial<DnsMessage>) =>
        resolve(encodeDns({ ...message, isResponse: true, ...more }))
      asked.push({ query: message, server, answer, answerBytes: resolve })
      return promise
    },
  }
  const made = dnsLab({ forwarders: ['192.0.2.1', '192.0.2.2'], ...settings }, { world })
  return {
    ...made,
    asked,
    say: (name: string, more: Partial<DnsMessage> = {}) =>
      tell(made.station, encodeDns(query(name, 'A', more))),
    status: () => made.network.status().services.dns!.forwarder!,
  }
}

const FAR = 'www.example.com'
const ADDRESS = addressRecord(FAR, 300, 0x5d_b8_d8_22)

test('what lies outside is asked for, and known until its time is over', async () => {
  const { say, asked, station, clock, ask, status } = lab()
  say(FAR)
  assert.equal(station.look().length, 0)
  assert.deepEqual(asked[0]!.server, { address: '192.0.2.1', port: 53 })
  assert.notEqual(asked[0]!.query.id, 4711)
  asked[0]!.answer({ answers: [ADDRESS], recursionAvailable: true })
  await turn()
  const answer = heard(station)
  assert.deepEqual(texts(answer.answers), [`${FAR} 300 A 93.184.216.34`])
  assert.deepEqual([answer.id, answer.authoritative, answer.recursionAvailable], [4711, false, true])
  clock.pass(100_000)
  assert.deepEqual(texts(ask('WWW.example.com').answers), [`${FAR} 200 A 93.184.216.34`])
  clock.pass(200_000)
  say(FAR)
  assert.deepEqual([asked.length, status().fromCache, status().underWay], [2, 1, 1])
})

test('"no" is known as long as its SOA says, and not at all without one', async () => {
  const { say, asked, station, clock, ask } = lab()
  const authority = authorityRecord('example.com', { server: 'ns', serial: 1, negativeSeconds: 30 })
  say(FAR)
  asked[0]!.answer({ rcode: RCODE.nameError, authorities: [authority] })
  await turn()
  assert.equal(heard(station).rcode, RCODE.nameError)
  clock.pass(29_000)
  assert.equal(ask(FAR).authorities[0]!.ttlSeconds, 1)
  clock.pass(1000)
  say(FAR)
  asked[1]!.answer({ rcode: RCODE.nameError })
  await turn()
  station.look()
  say(FAR)
  assert.equal(asked.length, 3)
})

test('answers to other questions, with other ids, or that make no sense do not count; then the next server is asked', async () => {
  const { say, asked, station, clock, status } = lab()
  const wrong: ((question: Question) => void)[] = [
    ({ query, answer }) => answer({ id: query.id ^ 1, answers: [ADDRESS] }),
    ({ answer }) => answer({ isResponse: false, answers: [ADDRESS] }),
    ({ answer }) =>
      answer({ questions: [{ name: 'other.example', type: TYPE.A, class: 1 }], answers: [ADDRESS] }),
    ({ answer }) => answer({ questions: [], answers: [ADDRESS] }),
    ({ answerBytes }) => answerBytes(Uint8Array.of(1, 2, 3)),
    ({ answerBytes }) => answerBytes(undefined),
    () => clock.pass(6000),
  ]
  for (const [index, first] of wrong.entries()) {
    say(`${index}.example.com`)
    first(asked.at(-1)!)
    await turn()
    assert.deepEqual([asked.length, asked.at(-1)!.server.address], [2 * index + 2, '192.0.2.2'])
    asked.at(-1)!.answerBytes(undefined)
    await turn()
    assert.equal(heard(station).rcode, RCODE.serverFailure)
  }
  assert.deepEqual([status().failed, status().underWay], [wrong.length, 0])
})

test('a server that refuses is passed over, and the one that answered is asked first afterwards', async () => {
  const { say, asked, station } = lab()
  say(FAR)
  asked[0]!.answer({ rcode: RCODE.refused })
  await turn()
  asked[1]!.answer({ answers: [ADDRESS] })
  await turn()
  assert.equal(heard(station).answers.length, 1)
  say('other.example')
  assert.equal(asked[2]!.server.address, '192.0.2.2')
})

test('an alias of the network leads outside', async () => {
  const { say, asked, station } = lab({ records: [{ name: 'www', type: 'CNAME', value: `${FAR}.` }] })
  say('www.lab.example')
  assert.equal(asked[0]!.query.questions[0]!.name, FAR)
  asked[0]!.answer({ answers: [ADDRESS] })
  await turn()
  assert.deepEqual(texts(heard(station).answers), [
    `www.lab.example 3600 CNAME ${FAR}`,
    `${FAR} 300 A 93.184.216.34`,
  ])
})

test('the same question is asked once, a flood does not take the others’ turn, and no more than 256 are under way', async () => {
  const { say, asked, network, station } = lab()
  for (let i = 0; i < 10; i++) say(FAR)
  assert.equal(asked.length, 1)
  for (let i = 0; i < 100; i++) say(`${i}.example.com`)
  await turn()
  assert.equal(asked.length, 1 + 54)
  station.look()
  const others = Array.from({ length: 5 }, (_, index) =>
    udpStation(network, 1 + index, 0x0a_f4_00_40 + index),
  )
  for (const [index, other] of others.entries())
    for (let i = 0; i < 60; i++) tell(other, encodeDns(query(`${i}.${index}.example.com`, 'A')))
  await turn()
  assert.equal(asked.length, 256)
  asked[0]!.answer({ answers: [ADDRESS] })
  await turn()
  assert.equal(station.look().length, 10)
})

test('names of the network are nobody’s business outside; nor is a query that wants no recursion', () => {
  const { ask, say, asked, station } = lab()
  for (const name of [
    'x.lab.example',
    'pc1',
    '1.0.244.10.in-addr.arpa',
    'x.local',
    '5.1.168.192.in-addr.arpa',
  ])
    ask(name)
  assert.equal(asked.length, 0)
  assert.equal(ask(FAR, 'A', { recursionDesired: false }).rcode, RCODE.refused)
  say('com', { questions: [{ name: 'com', type: TYPE.NS, class: 1 }] })
  assert.deepEqual([asked.length, station.look().length], [1, 0])
})

test('"host" stands for the servers of the host', () => {
  const { say, asked } = lab({ forwarders: ['host'] })
  say(FAR)
  assert.equal(asked[0]!.server.address, '192.0.2.9')
})

test('the cache is bounded, and keeps no answer that was cut', async () => {
  const { say, asked, station, status } = lab()
  say(FAR)
  asked[0]!.answer({ answers: [ADDRESS], truncated: true })
  await turn()
  assert.deepEqual([heard(station).answers.length, status().cached], [1, 0])
  for (let i = 0; i < 4100; i++) {
    say(`${i}.example.com`)
    asked.at(-1)!.answer({ answers: [nameRecord(`${i}.example.com`, TYPE.CNAME, 60, FAR), ADDRESS] })
    await turn()
  }
  assert.deepEqual([station.look().length, status().cached], [4100, 4096])
})
