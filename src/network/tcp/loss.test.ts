import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cases } from '../../base/testing.ts'
import { FLAG, type TcpSegment } from './segment.ts'
import { advance, distance } from './sequence.ts'
import { connect, endpointTest, testService } from './testing.ts'

/**
 * A peer on a bad wire: whole conversations both ways over loss, repetition and reordering, by a scripted clock. The
 * peer is the simplest there is: it takes what comes in order, and sends all it has again when its timer runs out.
 */

interface Wire {
  /** Of a thousand. */
  readonly lost: number
  readonly repeated: number
  readonly late: number
  readonly seed: number
}

const bytesFrom = (seed: number, length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >>> 8) * 7 + seed) & 0xff)

function badWire(
  { lost, repeated, late, seed }: Wire,
  clock: { after: (ms: number, run: () => void) => unknown },
) {
  let state = (seed * 2 + 1) >>> 0
  const dice = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * 1000)
  }
  return (deliver: () => void) => {
    if (dice() < lost) return
    clock.after(dice() < late ? 40 : 5, deliver)
    if (dice() < repeated) clock.after(9, deliver)
  }
}

function converse(wire: Wire, download: Uint8Array, upload: Uint8Array) {
  const received: number[] = []
  const uploaded: number[] = []
  let closed = false
  const service = testService({
    data: (bytes) => {
      for (const byte of bytes) uploaded.push(byte)
      if (uploaded.length === upload.length) {
        service.connection!.write(download)
        service.connection!.end()
      }
    },
    closed: () => {
      closed = true
    },
  })
  const it = endpointTest()
  it.endpoint.listen(80, service.accept)
  const at = connect(it)
  const carry = badWire(wire, it.clock)
  let acknowledged = 0
  let hasFin = false
  const expected = () => advance(at.acknowledgment, received.length + (hasFin ? 1 : 0))
  const send = (segment: Partial<TcpSegment>) =>
    carry(() => it.say({ acknowledgment: expected(), ...segment }))
  const hear = (segment: TcpSegment) => {
    acknowledged = Math.max(acknowledged, distance(at.sequence, segment.acknowledgment))
    const from = distance(segment.sequence, expected())
    if (from >= 0 && !hasFin) {
      for (const byte of segment.payload.subarray(from)) received.push(byte)
      if (segment.flags & FLAG.fin && expected() === advance(segment.sequence, segment.payload.length))
        hasFin = true
    }
    if (segment.payload.length > 0 || segment.flags & FLAG.fin)
      send({ sequence: advance(at.sequence, acknowledged) })
  }
  const sendAll = () => {
    for (let from = acknowledged; from < upload.length; from += 1000)
      send({ sequence: advance(at.sequence, from), payload: upload.subarray(from, from + 1000) })
    if (hasFin) send({ sequence: advance(at.sequence, upload.length), flags: FLAG.fin | FLAG.ack })
  }
  for (let round = 0; round < 400_000 && !closed; round++) {
    if (round % 300 === 0) sendAll()
    it.clock.pass(1)
    for (const segment of it.look()) carry(() => hear(segment))
  }
  return { closed, received: Uint8Array.from(received), uploaded: Uint8Array.from(uploaded) }
}

const wires = fc.record({
  lost: fc.integer({ min: 0, max: 250 }),
  repeated: fc.integer({ min: 0, max: 200 }),
  late: fc.integer({ min: 0, max: 400 }),
  seed: fc.nat(),
})

test('everything arrives, in order and once, over loss, repetition and reordering', () => {
  const sizes = fc.integer({ min: 1, max: 60_000 })
  fc.assert(
    fc.property(wires, sizes, fc.integer({ min: 1, max: 8000 }), (wire, downloadBytes, uploadBytes) => {
      const [download, upload] = [bytesFrom(1, downloadBytes), bytesFrom(2, uploadBytes)]
      const result = converse(wire, download, upload)
      assert.ok(Buffer.from(result.uploaded).equals(upload), 'the upload')
      assert.ok(Buffer.from(result.received).equals(download), 'the download')
      assert.ok(result.closed, 'it ends')
    }),
    { numRuns: cases(40, 40) },
  )
})
