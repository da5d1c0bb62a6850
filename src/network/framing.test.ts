import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../base/index.ts'
import { framesOf, MAXIMUM_FRAME_BYTES, RunReader, runOf } from './framing.ts'

const frames = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 })

test('a run is 32-bit big-endian lengths and frames', () => {
  assert.deepEqual(runOf(Uint8Array.of(7, 8), Uint8Array.of()), Uint8Array.of(0, 0, 0, 2, 7, 8, 0, 0, 0, 0))
})

test('a run gives its frames back', () => {
  fc.assert(fc.property(frames, (some) => assert.deepEqual([...framesOf(runOf(...some))], some)))
})

test('a stream cut anywhere gives the same frames, in whole-frame runs', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (some, cuts) => {
      const stream = runOf(...some)
      const reader = new RunReader()
      const seen: Uint8Array[] = []
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = at + cuts[turn % cuts.length]!
        reader.push(stream.subarray(at, end), (run) => seen.push(...framesOf(run)))
        at = end
      }
      assert.deepEqual(seen, some)
    }),
  )
})

test('whole frames are handed on as a view of what was read, all at once', () => {
  const chunk = runOf(new Uint8Array(60), new Uint8Array(1514), new Uint8Array(60))
  const runs: Uint8Array[] = []
  new RunReader().push(chunk, (run) => runs.push(run))
  assert.equal(runs.length, 1)
  assert.equal(runs[0]!.buffer, chunk.buffer)
  assert.equal(runs[0]!.length, chunk.length)
})

test('a length above the limit is refused, wherever the chunk ends', () => {
  const length = MAXIMUM_FRAME_BYTES + 1
  const bad = Uint8Array.of(0, length >>> 16, (length >>> 8) & 0xff, length & 0xff, 1, 2, 3)
  for (let cut = 0; cut < bad.length; cut++) {
    const reader = new RunReader()
    const push = () => {
      reader.push(bad.subarray(0, cut), () => assert.fail('no frame is whole'))
      reader.push(bad.subarray(cut), () => assert.fail('no frame is whole'))
    }
    assert.throws(push, (error) => error instanceof VivariumError && error.code === 'frame-too-long')
  }
})

test('any bytes give frames or a refusal', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (chunks) => {
      const reader = new RunReader()
      let frameBytes = 0
      try {
        for (const chunk of chunks)
          reader.push(chunk, (run) => {
            for (const frame of framesOf(run)) frameBytes += frame.length
          })
      } catch (error) {
        assert.ok(error instanceof VivariumError)
      }
      assert.ok(frameBytes <= chunks.reduce((sum, chunk) => sum + chunk.length, 0))
    }),
  )
})
