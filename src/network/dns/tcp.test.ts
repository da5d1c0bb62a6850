import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { memoryJournals } from '../journals.ts'
import { NameBook } from '../names.ts'
import { networkConfigSchema } from '../network-config.ts'
import { FLAG, type TcpSegment } from '../tcp/segment.ts'
import { advance } from '../tcp/sequence.ts'
import { connect, endpointTest, PORT } from '../tcp/testing.ts'
import { encodeDns } from './encode.ts'
import { Forwarder } from './forwarder.ts'
import { type DnsMessage, decodeDns } from './message.ts'
import { planDns } from './plan.ts'
import { DnsServer } from './server.ts'
import { dnsOverTcp } from './tcp.ts'
import { query } from './testing.ts'
import { Updates } from './update.ts'
import { Zones } from './zones.ts'

const SUBNET = { address: 0x0af4_0001, mask: 0xffff_ff00 }

/** A server behind the real TCP, and a peer that says bytes on a connection. */
function lab({ allowed = true } = {}) {
  const it = endpointTest()
  const dns = {
    domain: 'lab.example',
    forwarders: ['192.0.2.1'],
    records: [{ name: 'www', type: 'A', value: '10.244.0.9' }],
  }
  const plan = planDns(networkConfigSchema.parse({ name: 'Lab', key: 'lab', address: '10.244.0.1/24', dns }))!
  const zones = new Zones(plan, SUBNET, new NameBook(), 0)
  const answers: (() => void)[] = []
  const askResolver = (bytes: Uint8Array) => {
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
    answers.push(() => resolve(encodeDns({ ...(decodeDns(bytes) as DnsMessage), isResponse: true })))
    return promise
  }
  const forwarder = new Forwarder(plan.forwarders, { askResolver }, it.clock)
  const updates = new Updates(zones, {
    ...{ policy: 'own', now: it.clock.now },
    journal: memoryJournals().dns,
  })
  const server = new DnsServer({ zones, forwarder, updates, isWholeWorld: false, mtu: 1500 })
  it.endpoint.listen(
    PORT,
    dnsOverTcp(server, it.clock, () => allowed),
  )
  let { sequence, acknowledgment } = connect(it)
  return {
    ...{ clock: it.clock, endpoint: it.endpoint, answers },
    say(bytes: Uint8Array, flags: number = FLAG.ack) {
      it.say({ sequence, acknowledgment, flags, payload: bytes })
      sequence = advance(sequence, bytes.length)
    },
    look(): { messages: DnsMessage[]; segments: TcpSegment[] } {
      const segments = it.look()
      const bytes = segments.flatMap(({ payload }) => [...payload])
      acknowledgment = advance(acknowledgment, bytes.length)
      const messages: DnsMessage[] = []
      for (let at = 0; at < bytes.length; at += 2 + bytes[at]! * 256 + bytes[at + 1]!) {
        const message = decodeDns(
          Uint8Array.from(bytes.slice(at + 2, at + 2 + bytes[at]! * 256 + bytes[at + 1]!)),
        )
        assert.ok(message !== 'malformed')
        messages.push(message)
      }
      return { messages, segments }
    },
  }
}

function framed(...messages: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((each) => [each.length >> 8, each.length & 0xff, ...each]))
}

const question = (name: string, id = 1) => encodeDns(query(name, 'A', { id }))
const isReset = ({ segments }: { segments: readonly TcpSegment[] }) =>
  segments.some(({ flags }) => (flags & FLAG.rst) !== 0)

test('questions are answered however the stream is cut', () => {
  const { say, look } = lab()
  const bytes = framed(question('www.lab.example', 1), question('x.lab.example', 2))
  for (const byte of bytes) say(Uint8Array.of(byte))
  assert.deepEqual(
    look().messages.map(({ id, rcode }) => [id, rcode]),
    [
      [1, 0],
      [2, 3],
    ],
  )
  say(bytes)
  assert.equal(look().messages.length, 2)
})

test('an answer that takes time does not hold up the next, and comes after the client’s end too', async () => {
  const { say, look, answers } = lab()
  say(framed(question('far.example', 1), question('www.lab.example', 2)))
  assert.deepEqual(
    look().messages.map(({ id }) => id),
    [2],
  )
  say(new Uint8Array(0), FLAG.ack | FLAG.fin)
  assert.equal(
    look().segments.some(({ flags }) => (flags & FLAG.fin) !== 0),
    false,
  )
  answers[0]!()
  await turn()
  const { messages, segments } = look()
  assert.deepEqual(
    messages.map(({ id }) => id),
    [1],
  )
  assert.ok(segments.some(({ flags }) => (flags & FLAG.fin) !== 0))
})

test('of one connection 32 questions are under way, and the rest waits', async () => {
  const { say, look, answers } = lab()
  for (let id = 0; id < 40; id++) say(framed(question(`${id}.far.example`, id)))
  assert.equal(answers.length, 32)
  look()
  answers[0]!()
  await turn()
  assert.deepEqual([look().messages.length, answers.length], [1, 33])
})

test('who says nothing for ten seconds, or nonsense, or is not of this network, is reset', () => {
  const idle = lab()
  idle.clock.pass(9999)
  assert.equal(isReset(idle.look()), false)
  idle.clock.pass(1)
  assert.equal(isReset(idle.look()), true)
  assert.equal(idle.endpoint.status().connections, 0)
  for (const nonsense of [
    framed(Uint8Array.of(1, 2, 3)),
    framed(question('www.lab.example').with(2, 0x80)),
    framed(new Uint8Array(0)),
  ]) {
    const { say, look } = lab()
    say(nonsense)
    assert.equal(isReset(look()), true)
  }
  const stranger = lab({ allowed: false })
  stranger.say(framed(question('www.lab.example')))
  assert.equal(isReset(stranger.look()), true)
})
