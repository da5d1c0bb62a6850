import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { framesOf } from './protocol.ts'

function frame(kind: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header.writeUInt32LE(payload.length, 0)
  header[4] = kind
  return Buffer.concat([header, payload])
}

test('frames come out whole, wherever the pipe cuts them', async () => {
  const some = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(some, fc.integer({ min: 1, max: 50 }), async (frames, piece) => {
      const bytes = Buffer.concat(frames.map(([kind, payload]) => frame(kind, payload)))
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece)
      }
      const read: [number, number[]][] = []
      for await (const { kind, payload } of framesOf(pieces())) read.push([kind, [...payload]])
      assert.deepEqual(
        read,
        frames.map(([kind, payload]) => [kind, [...payload]]),
      )
    }),
  )
})

test('a length that no answer has is refused before memory is taken for it', async () => {
  async function* pieces() {
    yield Buffer.from([0xff, 0xff, 0xff, 0xff, 1])
  }
  await assert.rejects(framesOf(pieces()).next(), { code: 'inside-reader-fault' })
})
