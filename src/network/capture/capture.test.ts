import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EthernetSwitch } from '../switch.ts'
import { scriptedClock, testStation, textFrame, textOf } from '../testing.ts'
import { Capture } from './capture.ts'
import type { CaptureFilter } from './settings.ts'

const [A, B, C] = [0x0003_ff00_000a, 0x0003_ff00_000b, 0x0003_ff00_000c]
const TIME = 1_117_584_000_123.456

interface Block {
  readonly type: number
  readonly body: Buffer
}

/** Reads by the draft's rule alone: type, length, body, length. */
function blocksOf(bytes: Uint8Array): Block[] {
  const file = Buffer.from(bytes)
  const blocks: Block[] = []
  for (let at = 0; at < file.length; ) {
    const length = file.readUInt32LE(at + 4)
    assert.equal(length % 4, 0)
    assert.equal(file.readUInt32LE(at + length - 4), length)
    blocks.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) })
    at += length
  }
  return blocks
}

function packets(blocks: readonly Block[]) {
  return blocks
    .filter(({ type }) => type === 6)
    .map(({ body }) => {
      const kept = body.readUInt32LE(12)
      const options = body.subarray(20 + ((kept + 3) & ~3))
      return {
        port: body.readUInt32LE(0),
        microseconds: body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8),
        text: textOf(body.subarray(20, 20 + kept)),
        length: body.readUInt32LE(16),
        direction: options.readUInt32LE(4) & 3,
        dropped: options.readUInt16LE(8) === 4 ? Number(options.readBigUInt64LE(12)) : 0,
      }
    })
}

function captured(filter: CaptureFilter = {}) {
  const network = new EthernetSwitch(scriptedClock())
  const [a, b] = [testStation(network, 'a'), testStation(network, 'b')]
  const written: Uint8Array[] = []
  const sink = { isFull: false }
  const capture = new Capture(
    network,
    filter,
    () => TIME,
    (bytes) => {
      if (!sink.isFull) written.push(bytes)
      return sink.isFull ? 'no-room' : 'taken'
    },
  )
  return { network, a, b, capture, sink, blocks: () => blocksOf(Buffer.concat(written)) }
}

test('every frame is there once, at the port where it entered, by the microsecond', () => {
  const { a, b, capture, blocks } = captured()
  a.say(textFrame(B, A, 'one'), textFrame(B, A, 'two'))
  b.say(textFrame(A, B, 'three'))
  capture.close()
  a.say(textFrame(B, A, 'too late'))
  const microseconds = Math.round(TIME * 1000)
  const packet = { microseconds, direction: 1, dropped: 0 }
  assert.deepEqual(packets(blocks()), [
    { ...packet, port: 0, text: 'one', length: 17 },
    { ...packet, port: 0, text: 'two', length: 17 },
    { ...packet, port: 1, text: 'three', length: 19 },
  ])
  assert.deepEqual(
    blocks().map(({ type }) => type),
    [0x0a0d_0d0a, 1, 6, 6, 1, 6, 5, 5],
  )
  assert.equal(capture.counts.framesCaptured, 3)
})

test('a filter by port has both ways of it, one by MAC what is from or to it', () => {
  const byPort = captured({ port: 'b', snapLength: 15 })
  byPort.a.say(textFrame(B, A, 'to b'))
  byPort.b.say(textFrame(A, B, 'from b'))
  assert.deepEqual(
    packets(byPort.blocks()).map(({ text, direction, length }) => [text, direction, length]),
    [
      ['t', 2, 18],
      ['f', 1, 20],
    ],
  )
  const byMac = captured({ mac: '00-03-FF-00-00-0C' })
  byMac.a.say(textFrame(B, A, '1'), textFrame(C, A, '2'), textFrame(A, C, '3'), new Uint8Array(3))
  assert.deepEqual(
    packets(byMac.blocks()).map(({ text }) => text),
    ['2', '3'],
  )
})

test('what a full sink loses is counted, and the next packet says so', () => {
  const { a, capture, sink, blocks } = captured()
  sink.isFull = true
  a.say(textFrame(B, A, 'lost'), textFrame(B, A, 'lost'))
  sink.isFull = false
  a.say(textFrame(B, A, 'through'), textFrame(B, A, 'again'))
  assert.deepEqual(
    packets(blocks()).map(({ text, dropped }) => [text, dropped]),
    [
      ['through', 2],
      ['again', 0],
    ],
  )
  assert.deepEqual([capture.counts.framesCaptured, capture.counts.framesDropped], [2, 2])
})
