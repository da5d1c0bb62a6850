import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { absoluteName, labelsOf, nameBytes, parentOf, readName } from './name.ts'

const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { maxLength: 10 })

test('any bytes in labels survive as text', () => {
  fc.assert(
    fc.property(labels, (some) => {
      const wire = Uint8Array.from([...some.flatMap((label) => [label.length, ...label]), 0])
      const read = readName(wire, 0)!
      assert.equal(read.end, wire.length)
      assert.equal(labelsOf(read.name).length, some.length)
      assert.deepEqual(nameBytes(read.name), wire)
    }),
  )
})

test('dots inside of labels do not part them', () => {
  const { name } = readName(Uint8Array.of(3, 0x61, 0x2e, 0x62, 1, 0x20, 0), 0)!
  assert.equal(name, 'a\\.b.\\032')
  assert.equal(parentOf(name), '\\032')
  assert.equal(parentOf('com'), '')
})

test('text that is no name has no wire form', () => {
  for (const text of ['a..b', '.a', 'a.', 'a'.repeat(64), `${'a.'.repeat(127)}ab`, 'a\\', '\\999', 'ü\u0100'])
    assert.equal(nameBytes(text), undefined, text)
  assert.equal(nameBytes(`${'a.'.repeat(126)}a`)?.length, 255)
})

test('names are taken relative to their origin, unless they end with a dot', () => {
  assert.equal(absoluteName('www', 'lab.example'), 'www.lab.example')
  assert.equal(absoluteName('@', 'lab.example'), 'lab.example')
  assert.equal(absoluteName('www.example.com.', 'lab.example'), 'www.example.com')
})

test('pointers go backwards only, and not on and on', () => {
  const read = (...bytes: number[]) => readName(Uint8Array.from(bytes), bytes.length - 2)
  assert.deepEqual(read(1, 0x61, 0, 0xc0, 0), { name: 'a', end: 5 })
  // To itself, forwards, to its own beginning, out of the message, cut in the middle of the pointer.
  assert.equal(read(0xc0, 0), undefined)
  assert.equal(read(0, 0xc0, 2), undefined)
  assert.equal(readName(Uint8Array.of(1, 0x61, 0xc0, 0), 0), undefined)
  assert.equal(readName(Uint8Array.of(0xff, 0xff), 0), undefined)
  assert.equal(readName(Uint8Array.of(0, 0xc0), 1), undefined)
  assert.equal(readName(Uint8Array.of(0x41, 0), 0), undefined)
  const chain = Uint8Array.from([
    0,
    ...Array.from({ length: 300 }, (_, i) => [
      0xc0 | (Math.max(0, 2 * i - 1) >> 8),
      Math.max(0, 2 * i - 1) & 0xff,
    ]).flat(),
  ])
  assert.equal(readName(chain, chain.length - 2), undefined)
  assert.deepEqual(readName(chain, 2 * 100 + 1), { name: '', end: 203 })
})
