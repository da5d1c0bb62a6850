import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Patch } from './patch.ts'
import { EthernetSwitch } from './switch.ts'
import { scriptedClock, testStation, textFrame, textOf } from './testing.ts'

const [ONE, TWO, ALL] = [0x0003_ff00_0001, 0x0003_ff00_0002, 0xffff_ffff_ffff]

function lab() {
  const clock = scriptedClock()
  const [red, blue] = [new EthernetSwitch(clock), new EthernetSwitch(clock)]
  const patch = new Patch()
  return { red, blue, patch, moved: testStation(patch, 'moved'), ...stations(red, blue) }
}

function stations(red: EthernetSwitch, blue: EthernetSwitch) {
  return { inRed: testStation(red, 'red'), inBlue: testStation(blue, 'blue') }
}

test('a station is on the network that its patch goes to, and on no other', () => {
  const { red, blue, patch, moved, inRed, inBlue } = lab()
  moved.say(textFrame(ALL, ONE, 'nowhere'))
  patch.to(red)
  moved.say(textFrame(ALL, ONE, 'red'))
  patch.to(blue)
  moved.say(textFrame(ALL, ONE, 'blue'))
  inRed.say(textFrame(ALL, TWO, 'from red'))
  inBlue.say(textFrame(ALL, TWO, 'from blue'))
  patch.to(undefined)
  moved.say(textFrame(ALL, ONE, 'nowhere'))
  assert.deepEqual(inRed.look().map(textOf), ['red'])
  assert.deepEqual(inBlue.look().map(textOf), ['blue'])
  assert.deepEqual(moved.look().map(textOf), ['from blue'])
  assert.equal(red.ports().length, 1, 'its old port is gone')
})

test('a network that is closed is a cable pulled, not the end of the station', () => {
  const { red, blue, patch, moved, inBlue } = lab()
  patch.to(red)
  red.close()
  moved.say(textFrame(ALL, ONE, 'nowhere'))
  patch.to(blue)
  moved.say(textFrame(ALL, ONE, 'blue'))
  assert.deepEqual(inBlue.look().map(textOf), ['blue'])
})

test('closed, it tells its stations; one that throws is unplugged alone', () => {
  const { red, patch, inRed } = lab()
  let ended = 0
  patch.connect('broken', {
    send: () => {
      throw new Error('broken pipe')
    },
    closed: () => ended++,
  })
  patch.to(red)
  inRed.say(textFrame(ALL, TWO, 'hello'))
  assert.equal(ended, 1)
  assert.equal(red.ports().length, 2)
  patch.connect('late', { send: () => true, closed: () => ended++ })
  patch.close()
  assert.ok(ended >= 2)
  assert.equal(red.ports().length, 1)
})

test('a station that is plugged in anew goes on counting, and the network counts it once', () => {
  const { red, blue, patch, moved, inRed } = lab()
  const received = (network: EthernetSwitch) => network.ports().find(({ name }) => name === 'moved')?.counters
  patch.to(red)
  moved.say(textFrame(ALL, ONE, 'one'), textFrame(ALL, ONE, 'two'))
  inRed.say(textFrame(ALL, TWO, 'to all'))
  red.sample()
  moved.port.disconnect()
  assert.equal(red.totals().framesReceived, 3)
  const again = testStation(patch, 'moved')
  again.say(textFrame(ALL, ONE, 'three'))
  // As when its new cable is there before the end of the old one is noticed.
  const twice = testStation(patch, 'moved')
  again.port.disconnect()
  twice.say(textFrame(ALL, ONE, 'four'))
  red.sample()
  assert.deepEqual([received(red)?.framesReceived, received(red)?.framesSent], [4, 1])
  assert.equal(red.totals().framesReceived, 5)
  const { seconds } = red.history().ports.find(({ name }) => name === 'moved')!
  assert.deepEqual(
    seconds.slice(-2).map(({ framesReceived }) => framesReceived),
    [2, 2],
  )
  patch.to(blue)
  assert.equal(received(blue)?.framesReceived, 0)
  assert.equal(red.totals().framesReceived, 5)
})
