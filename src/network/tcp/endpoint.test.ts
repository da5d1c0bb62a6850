import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG } from './segment.ts'
import { advance, distance } from './sequence.ts'
import { bytesOf, connect, endpointTest, PEER, testService, textOf } from './testing.ts'

const { syn: SYN, ack: ACK, fin: FIN, rst: RST, psh: PSH } = FLAG

function open(own = {}, syn = {}, mtu?: number) {
  const service = testService(own)
  const it = endpointTest(mtu)
  it.endpoint.listen(80, service.accept)
  const at = connect(it, syn)
  it.look()
  return { ...it, service, at, connection: service.connection! }
}

test('a conversation: handshake, both ways, the peer ends first', () => {
  const service = testService()
  const it = endpointTest()
  it.endpoint.listen(80, service.accept)
  it.say({ flags: SYN, sequence: 7, maximumSegment: 1000, windowScale: 5 })
  const [synAck, ...rest] = it.look()
  assert.equal(rest.length, 0)
  assert.deepEqual(
    [synAck!.flags, synAck!.acknowledgment, synAck!.maximumSegment, synAck!.windowScale],
    [SYN | ACK, 8, 1460, 0],
  )
  assert.equal(service.connection, undefined)
  const acknowledgment = advance(synAck!.sequence, 1)
  it.say({ sequence: 8, acknowledgment, payload: bytesOf('hello') })
  assert.deepEqual(service.heard, ['hello'])
  assert.deepEqual(
    it.look().map((segment) => [segment.flags, segment.sequence, segment.acknowledgment]),
    [[ACK, acknowledgment, 13]],
  )
  service.connection!.write(bytesOf('world'))
  assert.deepEqual(
    it.look().map((segment) => [segment.flags, textOf(segment)]),
    [[ACK | PSH, 'world']],
  )
  it.say({ sequence: 13, acknowledgment: advance(acknowledgment, 5), flags: ACK | FIN })
  assert.deepEqual(service.heard, ['hello', '(ended)'])
  assert.equal(it.look()[0]!.acknowledgment, 14)
  service.connection!.end()
  assert.equal(it.look()[0]!.flags, ACK | FIN)
  it.say({ sequence: 14, acknowledgment: advance(acknowledgment, 6) })
  assert.deepEqual(service.heard, ['hello', '(ended)', '(closed)'])
  it.clock.pass(2001)
  assert.deepEqual(it.endpoint.status(), { connections: 0, halfOpen: 0, turnedAway: 0 })
})

test('segments are no longer than a packet of the network, nor than the peer takes', () => {
  const lengths = (mtu: number, maximumSegment: number) => {
    const { connection, look } = open({}, { maximumSegment }, mtu)
    connection.write(new Uint8Array(3000))
    return look().map(({ payload }) => payload.length)[0]
  }
  const it = endpointTest(576)
  it.endpoint.listen(80, testService().accept)
  it.say({ flags: SYN, sequence: 7, maximumSegment: 1460 })
  assert.equal(it.look()[0]!.maximumSegment, 536)
  assert.deepEqual([lengths(576, 1460), lengths(1400, 1460), lengths(1400, 600)], [536, 1360, 600])
})

test('nobody listens: a reset, but none for a reset, for a group or for its own address', () => {
  const { endpoint, say, look } = endpointTest()
  say({ flags: SYN, sequence: 9 })
  assert.deepEqual(
    look().map(({ flags, sequence, acknowledgment }) => [flags, sequence, acknowledgment]),
    [[RST | ACK, 0, 10]],
  )
  say({ sequence: 9, acknowledgment: 77 })
  assert.deepEqual(
    look().map(({ flags, sequence }) => [flags, sequence]),
    [[RST, 77]],
  )
  endpoint.listen(80, testService().accept)
  say({ flags: RST })
  for (const address of [0, 0x0af4_0001, 0xe000_0001, 0xffff_ffff]) say({ flags: SYN }, { ...PEER, address })
  assert.deepEqual(look(), [])
})

test('what is lost is sent again, after twice the time each time, until the peer is taken for dead', () => {
  const { clock, look, connection, service } = open()
  connection.write(bytesOf('lost'))
  const begin = clock.now()
  const times: number[] = []
  look()
  while (!service.heard.includes('(closed)')) {
    clock.pass(250)
    for (const segment of look()) {
      if (segment.flags & RST) break
      assert.equal(textOf(segment), 'lost')
      times.push((clock.now() - begin) / 1000)
    }
  }
  assert.deepEqual(times, [1, 3, 7, 15, 31, 63, 123, 183, 243, 303])
})

test('three duplicates bring the lost segment at once, a partial acknowledgment the next', () => {
  const { say, look, at, connection } = open()
  connection.write(new Uint8Array(1460 * 8).fill(65))
  const sent = look()
  assert.equal(sent.length, 8)
  // The first arrives, the second and the fourth are lost.
  const acknowledgment = sent[1]!.sequence
  say({ ...at, acknowledgment })
  for (let count = 0; count < 2; count++) say({ ...at, acknowledgment })
  assert.deepEqual(look(), [])
  say({ ...at, acknowledgment })
  assert.deepEqual(
    look().map(({ sequence }) => sequence),
    [acknowledgment],
  )
  say({ ...at, acknowledgment: sent[3]!.sequence })
  assert.deepEqual(
    look().map(({ sequence }) => sequence),
    [sent[3]!.sequence],
  )
})

test('the peer’s window holds data back, is probed while it is shut, and its probes end', () => {
  const { clock, say, look, at, connection, service } = open({}, { window: 10 })
  connection.write(bytesOf('0123456789abcdef'))
  assert.deepEqual(look().map(textOf), ['0123456789'])
  const acknowledgment = advance(at.acknowledgment, 10)
  say({ ...at, acknowledgment, window: 0 })
  assert.deepEqual(look(), [])
  clock.pass(300)
  assert.deepEqual(look().map(textOf), ['a'])
  say({ ...at, acknowledgment, window: 0 })
  say({ ...at, acknowledgment, window: 100 })
  assert.deepEqual(look().map(textOf), ['abcdef'])
  say({ ...at, acknowledgment: advance(acknowledgment, 6), window: 0 })
  connection.write(bytesOf('more'))
  for (let second = 0; second < 400; second++) {
    clock.pass(1000)
    for (const { payload } of look())
      if (payload.length > 0) say({ ...at, acknowledgment: advance(acknowledgment, 6), window: 0 })
  }
  assert.deepEqual(service.heard, ['(closed)'])
})

test('a segment that comes early is dropped and asked for; one that comes again is acknowledged', () => {
  const { say, look, at, service } = open()
  say({ ...at, sequence: advance(at.sequence, 3), payload: bytesOf('def') })
  assert.deepEqual(
    look().map(({ acknowledgment }) => acknowledgment),
    [at.sequence],
  )
  say({ ...at, payload: bytesOf('abc') })
  say({ ...at, payload: bytesOf('abcdef') })
  say({ ...at, payload: bytesOf('abc') })
  assert.deepEqual(service.heard, ['abc', 'def'])
  assert.deepEqual(
    look().map(({ acknowledgment }) => distance(at.sequence, acknowledgment)),
    [3, 6, 6],
  )
})

test('only a reset that hits exactly ends a connection', () => {
  const { say, look, at, service } = open()
  say({ ...at, sequence: advance(at.sequence, 100), flags: RST })
  say({ ...at, sequence: advance(at.sequence, 200), flags: SYN })
  assert.deepEqual(
    look().map(({ flags, acknowledgment }) => [flags, acknowledgment]),
    [
      [ACK, at.sequence],
      [ACK, at.sequence],
    ],
  )
  say({ ...at, flags: RST })
  assert.deepEqual([service.heard, look()], [['(closed)'], []])
})

test('a pausing service shuts the window; it opens, and is told, when the service goes on', () => {
  const { say, look, at, connection, service } = open()
  connection.pause()
  let sequence = at.sequence
  for (let left = 65_535; left > 0; left -= 1460) {
    const payload = new Uint8Array(Math.min(left, 1460)).fill(66)
    say({ ...at, sequence, payload })
    sequence = advance(sequence, payload.length)
  }
  assert.equal(look().at(-1)!.window, 0)
  say({ ...at, sequence, payload: bytesOf('too much') })
  assert.deepEqual(
    look().map((segment) => segment.acknowledgment),
    [sequence],
  )
  assert.deepEqual(service.heard, [])
  connection.resume()
  assert.equal(service.heard.join('').length, 65_535)
  assert.deepEqual(
    look().map((segment) => segment.window),
    [65_535],
  )
})

test('writing too much is said, and when there is room again', () => {
  let drained = 0
  const { say, look, at, connection } = open({ drained: () => drained++ })
  assert.equal(connection.write(new Uint8Array(1000)), true)
  assert.equal(connection.write(new Uint8Array(200_000)), false)
  for (let acknowledged = 0; drained === 0; ) {
    for (const { payload } of look()) acknowledged += payload.length
    say({ ...at, acknowledgment: advance(at.acknowledgment, acknowledged) })
    assert.ok(acknowledged <= 201_000)
  }
  assert.equal(drained, 1)
})

test('SYNs that nobody completes are bounded for a station and for all, and end', () => {
  const it = endpointTest()
  it.endpoint.listen(80, testService().accept)
  for (let port = 1; port <= 1000; port++) it.say({ flags: SYN, sequence: port }, { ...PEER, port })
  assert.equal(it.endpoint.status().halfOpen, 16)
  it.look()
  // Another station still comes in.
  connect(it, {}, { mac: 0x0003_ff00_0002, address: 0x0af4_0011, port: 1 })
  assert.equal(it.endpoint.status().connections, 1)
  for (let mac = 1; mac <= 1000; mac++) it.say({ flags: SYN, sequence: 1 }, { ...PEER, mac })
  assert.ok(it.endpoint.status().halfOpen <= 128)
  it.look()
  it.clock.pass(60_000)
  assert.equal(it.endpoint.status().halfOpen, 0)
  const answers = it.look().length
  assert.ok(answers <= 3 * 128, `${answers} answers`)
})

test('connections of one station are bounded, and an old one that is over makes room', () => {
  const it = endpointTest()
  const service = testService()
  it.endpoint.listen(80, service.accept)
  for (let port = 1; port <= 32; port++) connect(it, {}, { ...PEER, port })
  it.say({ flags: SYN }, { ...PEER, port: 33 })
  assert.deepEqual(it.look(), [])
  assert.deepEqual(it.endpoint.status(), { connections: 32, halfOpen: 0, turnedAway: 1 })
})

test('the same port again during TIME-WAIT is a new connection', () => {
  const it = open({ ended: undefined })
  it.say({ ...it.at, flags: ACK | FIN })
  const [fin] = it.look()
  assert.equal(fin!.flags, ACK | FIN)
  it.say({ sequence: advance(it.at.sequence, 1), acknowledgment: advance(fin!.sequence, 1) })
  assert.deepEqual(it.service.heard, ['(closed)'])
  it.say({ flags: SYN, sequence: advance(it.at.sequence, 1000) })
  assert.equal(it.look()[0]!.flags, SYN | ACK)
})

test('a peer that never ends its half is dropped', () => {
  const it = open()
  it.connection.end()
  const [fin] = it.look()
  it.say({ ...it.at, acknowledgment: advance(fin!.sequence, 1) })
  it.clock.pass(61_000)
  assert.deepEqual([it.service.heard, it.endpoint.status().connections], [['(closed)'], 0])
})

test('closing the endpoint ends every connection and leaves no timer', () => {
  const it = open()
  it.connection.write(bytesOf('never acknowledged'))
  it.look()
  it.endpoint.close()
  it.clock.pass(1_000_000)
  assert.deepEqual([it.service.heard, it.look()], [['(closed)'], []])
})
