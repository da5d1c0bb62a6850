import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BROADCAST_MAC } from './addresses.ts'
import { conditionsSchema } from './ports/settings.ts'
import { EthernetSwitch } from './switch.ts'
import { scriptedClock, testStation, textFrame, textOf } from './testing.ts'

const [A, B, C] = [0x0003_ff00_000a, 0x0003_ff00_000b, 0x0003_ff00_000c]

function threeStations() {
  const clock = scriptedClock()
  const network = new EthernetSwitch(clock)
  const stations = ['a', 'b', 'c'].map((name) => testStation(network, name))
  return { clock, network, a: stations[0]!, b: stations[1]!, c: stations[2]! }
}

const texts = (frames: readonly Uint8Array[]) => frames.map(textOf)

test('a frame to a station not heard yet goes to all others, then only there', () => {
  const { a, b, c } = threeStations()
  a.say(textFrame(B, A, 'who?'))
  assert.deepEqual([texts(a.look()), texts(b.look()), texts(c.look())], [[], ['who?'], ['who?']])
  b.say(textFrame(A, B, 'me'))
  a.say(textFrame(B, A, 'hello'))
  assert.deepEqual([texts(a.look()), texts(b.look()), texts(c.look())], [['me'], ['hello'], []])
})

test('broadcast and multicast go to all others; what is meant for bridges goes nowhere', () => {
  const { a, b, c } = threeStations()
  a.say(
    textFrame(BROADCAST_MAC, A, 'all'),
    textFrame(0x0100_5e00_0001, A, 'group'),
    textFrame(0x0180_c200_0001, A, 'pause'),
  )
  assert.deepEqual(
    [texts(a.look()), texts(b.look()), texts(c.look())],
    [[], ['all', 'group'], ['all', 'group']],
  )
})

test('frames between stations of one port stay there', () => {
  const { a, b } = threeStations()
  a.say(textFrame(BROADCAST_MAC, C, 'hi'))
  b.look()
  a.say(textFrame(C, A, 'neighbour'))
  assert.deepEqual(texts(b.look()), [])
})

test('a station that moves is found at its new port; one that is silent for five minutes is searched again', () => {
  const { clock, a, b, c } = threeStations()
  b.say(textFrame(BROADCAST_MAC, B, 'here'))
  c.say(textFrame(BROADCAST_MAC, B, 'moved'))
  b.look()
  c.look()
  a.say(textFrame(B, A, '1'))
  assert.deepEqual([texts(b.look()), texts(c.look())], [[], ['1']])
  clock.pass(300_001)
  a.say(textFrame(B, A, '2'))
  assert.deepEqual([texts(b.look()), texts(c.look())], [['2'], ['2']])
})

test('frames that go the same way stay one run, in order', () => {
  const { a, b, c } = threeStations()
  b.say(textFrame(A, B, ''))
  c.say(textFrame(A, C, ''))
  const [before, beforeC] = [b.runs, c.runs]
  a.say(textFrame(B, A, '1'), textFrame(B, A, '2'), textFrame(C, A, '3'), textFrame(B, A, '4'))
  assert.deepEqual([b.runs - before, c.runs - beforeC], [2, 1])
  assert.deepEqual(texts(b.look()).slice(-3), ['1', '2', '4'])
})

test('runts and frames from a group address are counted and dropped, the rest of the run goes on', () => {
  const { network, a, b } = threeStations()
  a.say(
    textFrame(B, A, 'ok'),
    new Uint8Array(13),
    textFrame(B, BROADCAST_MAC, 'no'),
    new Uint8Array(0),
    textFrame(B, A, 'fine'),
  )
  assert.deepEqual(texts(b.look()), ['ok', 'fine'])
  assert.equal(network.ports()[0]!.counters.framesMalformed, 3)
})

test('a full or failing port costs only its own frames', () => {
  const { network, a, b, c } = threeStations()
  network.connect('broken', {
    send() {
      throw new Error('broken')
    },
  })
  b.deaf = true
  a.say(textFrame(BROADCAST_MAC, A, 'all'))
  assert.deepEqual(texts(c.look()), ['all'])
  const counters = network.ports().map((port) => port.counters)
  assert.equal(counters.length, 3)
  assert.equal(counters[1]!.framesDropped, 1)
  assert.equal(counters[1]!.bytesDropped, 17)
  assert.equal(counters[2]!.framesSent, 1)
})

test('an unplugged port is silent both ways, and its station is searched again', () => {
  const { network, a, b, c } = threeStations()
  b.say(textFrame(A, B, ''))
  b.port.disconnect()
  b.say(textFrame(A, B, 'ghost'))
  c.look()
  a.look()
  a.say(textFrame(B, A, 'lost'))
  assert.deepEqual([texts(a.look()), texts(b.look()), texts(c.look())], [[], [], ['lost']])
  assert.deepEqual(
    network.stations().map(({ mac, port }) => [mac, port]),
    [['00:03:ff:00:00:0a', 1]],
  )
})

test('whatever is said, nobody hears himself and the counters agree', () => {
  const address = fc.constantFrom(A, B, C, BROADCAST_MAC, 0x0100_5e00_0001)
  const saying = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    frames: fc.array(fc.tuple(address, address, fc.constantFrom('', 'x', 'yy')), { maxLength: 6 }),
  })
  fc.assert(
    fc.property(fc.array(saying, { maxLength: 12 }), (sayings) => {
      const { network, a, b, c } = threeStations()
      const stations = [a, b, c]
      for (const { who, frames } of sayings) {
        const before = stations[who]!.heard.length
        stations[who]!.say(...frames.map(([to, from, text]) => textFrame(to, from, text)))
        assert.equal(stations[who]!.heard.length, before)
      }
      for (const [index, { counters }] of network.ports().entries()) {
        assert.equal(counters.framesSent, stations[index]!.heard.length)
        assert.equal(
          counters.bytesSent,
          stations[index]!.heard.reduce((sum, frame) => sum + frame.length, 0),
        )
      }
    }),
  )
})

/** The frame with a tag of 802.1Q behind its addresses. */
function tagged(vlan: number, frame: Uint8Array): Uint8Array {
  return Uint8Array.of(...frame.subarray(0, 12), 0x81, 0, vlan >> 8, vlan & 0xff, ...frame.subarray(12))
}

test('one address in two VLANs does not flap; a priority tag is no VLAN', () => {
  const { network, a, b, c } = threeStations()
  // A router: the same MAC at two ports, each in its VLAN.
  b.say(tagged(5, textFrame(BROADCAST_MAC, B, '')))
  c.say(tagged(6, textFrame(BROADCAST_MAC, B, '')))
  for (const station of [a, b, c]) station.look()
  a.say(tagged(5, textFrame(B, A, '5')), tagged(6, textFrame(B, A, '6')), tagged(5, textFrame(B, A, '5')))
  assert.deepEqual([b.look().length, c.look().length], [2, 1])
  assert.deepEqual(
    network.stations().map(({ port, vlan }) => [port, vlan]),
    [
      [2, 5],
      [1, 5],
      [3, 6],
      [1, 6],
    ],
  )
  c.say(textFrame(BROADCAST_MAC, C, ''))
  b.look()
  a.say(tagged(0xe000, textFrame(C, A, 'urgent')))
  assert.deepEqual([b.look().length, c.look().length], [0, 1])
})

test('a promiscuous port hears everything of its network once, as long as it may', () => {
  const { network, a, b, c } = threeStations()
  const mirror = testStation(network, 'mirror')
  b.say(textFrame(A, B, 'learn'))
  c.look()
  mirror.look()
  mirror.port.configure({ promiscuous: true })
  a.say(
    textFrame(B, A, 'private'),
    textFrame(BROADCAST_MAC, A, 'all'),
    textFrame(0x0180_c200_0001, A, 'pause'),
  )
  assert.deepEqual(texts(mirror.look()), ['private', 'all', 'pause'])
  assert.deepEqual(texts(c.look()), ['all'])
  mirror.port.configure({})
  a.say(textFrame(B, A, 'private'))
  assert.deepEqual(texts(mirror.look()), [])
})

test('frames above the MTU are dropped and counted; a tag does not count', () => {
  const { network, a, b } = threeStations()
  network.mtu = 1500
  a.say(
    textFrame(B, A, 'x'.repeat(1500)),
    tagged(5, textFrame(B, A, 'x'.repeat(1500))),
    textFrame(B, A, 'x'.repeat(1501)),
  )
  assert.deepEqual(
    b.look().map(({ length }) => length),
    [1514, 1518],
  )
  assert.equal(network.ports()[0]!.counters.framesOversized, 1)
  network.mtu = undefined
  a.say(textFrame(B, A, 'x'.repeat(9000)))
  assert.equal(b.look().length, 1)
})

test('with its link down a station neither hears nor is heard, and stays plugged in', () => {
  const { network, a, b } = threeStations()
  a.port.configure({ linkUp: false })
  a.say(textFrame(B, A, 'unheard'))
  b.say(textFrame(A, B, 'to nobody'))
  assert.deepEqual([texts(a.look()), texts(b.look())], [[], []])
  assert.equal(network.ports()[0]!.counters.framesDropped, 1)
  a.port.configure({})
  b.say(textFrame(A, B, 'back'))
  assert.deepEqual(texts(a.look()), ['back'])
})

test('conditions hold in both directions, each counted as lost', () => {
  const { clock, network, a, b } = threeStations()
  const conditions = conditionsSchema.parse({ delayMs: 10, lossPercent: 50, seed: 3 })
  a.port.configure({ conditions })
  for (let frame = 0; frame < 100; frame++) {
    a.say(textFrame(B, A, 'out'))
    b.say(textFrame(A, B, 'in'))
  }
  assert.deepEqual([a.look().length, b.look().length], [0, 0])
  clock.pass(10)
  const { framesLost, framesSent, framesReceived } = network.ports()[0]!.counters
  assert.deepEqual([framesSent, framesReceived], [a.look().length, b.look().length])
  assert.equal(framesSent + framesReceived + framesLost, 200)
  assert.ok(framesLost > 50 && framesLost < 150)
})

test('ports of one horizon do not hear each other', () => {
  const { network, a, b, c } = threeStations()
  a.port.configure({ horizon: 'trunks' })
  b.port.configure({ horizon: 'trunks' })
  a.say(textFrame(BROADCAST_MAC, A, 'one'))
  assert.deepEqual([texts(b.look()), texts(c.look())], [[], ['one']])
  b.say(textFrame(A, B, 'two'))
  c.say(textFrame(A, C, 'three'))
  assert.deepEqual(texts(a.look()), ['three'])
  assert.equal(network.totals().framesReceived, 3)
  a.port.disconnect()
  assert.equal(network.totals().framesReceived, 3, 'totals outlive ports')
})
