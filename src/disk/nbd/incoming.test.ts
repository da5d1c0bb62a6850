import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Incoming } from './incoming.ts'

test('a message inside one chunk is not copied', () => {
  const incoming = new Incoming()
  const chunk = Uint8Array.of(1, 2, 3, 4, 5)
  incoming.feed(chunk)
  assert.ok(incoming.claim(2))
  assert.ok(incoming.claim(3))
  assert.equal(incoming.bytes, chunk)
  assert.equal(incoming.start, 2)
  assert.ok(incoming.exhausted)
})

test('messages come out whole however the stream was cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 50 }),
      (messages, cuts) => {
        const total = messages.reduce((sum, length) => sum + length, 0)
        const stream = Uint8Array.from({ length: total }, (_, index) => index)
        const incoming = new Incoming()
        let fed = 0
        let turn = 0
        let expected = 0
        for (const [index, length] of messages.entries()) {
          const skipped = index % 3 === 2
          while (!(skipped ? incoming.skip(length) : incoming.claim(length))) {
            assert.ok(incoming.exhausted)
            const end = Math.min(total, fed + cuts[turn++ % cuts.length]!)
            incoming.feed(stream.slice(fed, end))
            fed = end
          }
          if (!skipped) {
            const seen = incoming.bytes.subarray(incoming.start, incoming.start + length)
            assert.deepEqual([...seen], [...stream.subarray(expected, expected + length)])
          }
          expected += length
        }
      },
    ),
  )
})
