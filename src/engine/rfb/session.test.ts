import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { asciiBytes, viewOf } from '../../base/index.ts'
import { RfbSession } from './session.ts'

function connected(width = 20, height = 10) {
  const rgba = new Uint8Array(width * height * 4)
  for (let i = 0; i < rgba.length; i++) rgba[i] = i % 4 === 3 ? 255 : (i * 7) & 0xff
  const screen = { width, height, rgba, generation: 1, refresh() {} }
  const out: Uint8Array[] = []
  const events: unknown[] = []
  const session = new RfbSession({
    screen,
    name: 'box',
    send: (bytes) => out.push(bytes),
    congested: () => false,
    keysym: (...event) => events.push(['keysym', ...event]),
    scancode: (...event) => events.push(['scancode', ...event]),
    pointer: (...event) => events.push(['pointer', ...event]),
    fail: (reason) => events.push(['fail', reason]),
  })
  const take = () => Buffer.concat(out.splice(0))
  return { session, screen, events, take }
}

function running(width?: number, height?: number) {
  const all = connected(width, height)
  all.session.receive(Uint8Array.from([...asciiBytes('RFB 003.008\n'), 1, 1]))
  all.take()
  return all
}

const request = (incremental: number, width = 20, height = 10) =>
  Uint8Array.of(3, incremental, 0, 0, 0, 0, width >> 8, width, height >> 8, height)
const encodings = (...list: readonly number[]) => {
  const bytes = new Uint8Array(4 + 4 * list.length)
  bytes[0] = 2
  bytes[3] = list.length
  for (const [i, value] of list.entries()) viewOf(bytes).setInt32(4 + 4 * i, value)
  return bytes
}

test('the handshakes of 3.8, 3.7 and 3.3', () => {
  for (const [version, answers] of [
    ['RFB 003.008\n', [1, 1, 0, 0, 0, 0]],
    ['RFB 003.007\n', [1, 1]],
    ['RFB 003.003\n', [0, 0, 0, 1]],
  ] as const) {
    const { session, take } = connected()
    assert.equal(take().toString('latin1'), 'RFB 003.008\n')
    session.receive(asciiBytes(version))
    if (version !== 'RFB 003.003\n') session.receive(Uint8Array.of(1))
    assert.deepEqual([...take()], answers)
    session.receive(Uint8Array.of(1))
    const init = take()
    assert.deepEqual(
      [init.readUInt16BE(0), init.readUInt16BE(2), init.toString('latin1', 24)],
      [20, 10, 'box'],
    )
  }
})

test('a request is answered with the picture, the next one only when something has changed', () => {
  const { session, screen, take } = running()
  session.receive(request(0))
  const update = take()
  assert.deepEqual([...update.subarray(0, 16)], [0, 0, 0, 1, 0, 0, 0, 0, 0, 20, 0, 10, 0, 0, 0, 0])
  assert.deepEqual(update.subarray(16), Buffer.from(screen.rgba))
  session.receive(request(1))
  session.update()
  assert.equal(take().length, 0)
  screen.rgba[0] = 99
  screen.generation++
  session.update()
  assert.equal(take().readInt32BE(12), 0)
})

test('bytes may come in any pieces', () => {
  const bytes = [
    ...asciiBytes('RFB 003.008\n'),
    1,
    1,
    ...encodings(0),
    ...request(0),
    4,
    1,
    0,
    0,
    0,
    0,
    0,
    0x61,
  ]
  const { session, events, take } = connected()
  for (const byte of bytes) session.receive(Uint8Array.of(byte))
  assert.deepEqual(events, [['keysym', 0x61, true]])
  assert.equal(take().subarray(-20 * 10 * 4).length, 800)
})

test('the pixel format of the client is honoured', () => {
  const { session, screen, take } = running(1, 1)
  screen.rgba.set([255, 128, 0, 255])
  const format = [16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0]
  session.receive(Uint8Array.from([0, 0, 0, 0, ...format]))
  session.receive(request(0, 1, 1))
  const pixel = take().readUInt16BE(16)
  assert.deepEqual([pixel >> 11, (pixel >> 5) & 63, pixel & 31], [31, 32, 0])
})

test('another size is told by ExtendedDesktopSize or DesktopSize, and all is new then', () => {
  for (const encoding of [-308, -223]) {
    const { session, screen, take } = running()
    session.receive(encodings(0, encoding))
    session.receive(request(0))
    take()
    Object.assign(screen, { width: 8, height: 4, rgba: new Uint8Array(8 * 4 * 4).fill(255), generation: 2 })
    session.receive(request(1))
    const told = take()
    assert.equal(told.readInt32BE(12), encoding)
    assert.deepEqual([told.readUInt16BE(8), told.readUInt16BE(10)], [8, 4])
    session.receive(request(1, 8, 4))
    assert.equal(take().length, 16 + 8 * 4 * 4)
  }
})

test('keys, pointer and QEMU keys reach the machine; cut text does not', () => {
  const { session, events } = running()
  session.receive(Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 3, 0x61, 0x62))
  session.receive(Uint8Array.of(0x63, 5, 1, 0, 7, 0, 9))
  session.receive(Uint8Array.of(255, 0, 0, 1, 0, 0, 0xff, 0x51, 0, 0, 0, 0xcb))
  session.receive(Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0x61, 0, 0, 0, 0x1e))
  assert.deepEqual(events, [
    ['pointer', 7, 9, 1],
    ['scancode', 0xe04b, true],
    ['scancode', 0x1e, false],
  ])
})

test('any bytes end in silence or in a refusal, never in an exception', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (pieces) => {
      const { session } = running()
      for (const piece of pieces) session.receive(piece)
      session.update()
    }),
  )
})
