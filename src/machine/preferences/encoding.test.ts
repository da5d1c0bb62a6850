import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { byteOffsetOf, decodeText, encodeText } from './encoding.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)

test('the byte order mark decides, then the pattern of zero bytes, never the prolog', () => {
  const cases: [Uint8Array, string, boolean][] = [
    [bytes(0xff, 0xfe, 0x3c, 0), 'utf-16le', true],
    [bytes(0xfe, 0xff, 0, 0x3c), 'utf-16be', true],
    [bytes(0xef, 0xbb, 0xbf, 0x3c), 'utf-8', true],
    [bytes(0x3c, 0), 'utf-16le', false],
    [bytes(0, 0x3c), 'utf-16be', false],
    [bytes(0x3c), 'utf-8', false],
  ]
  for (const [input, encoding, bom] of cases) {
    assert.deepEqual(decodeText(input, 'x'), { text: '<', encoding, bom })
    assert.deepEqual(encodeText(decodeText(input, 'x')), input)
  }
})

test('a lone surrogate comes back as it was', () => {
  const input = bytes(0xff, 0xfe, 0x3c, 0, 0x00, 0xd8, 0x3e, 0)
  assert.deepEqual(encodeText(decodeText(input, 'x')), input)
})

test('half a character and broken UTF-8 are named with their offset', () => {
  const fails = (input: Uint8Array, code: string, offset: number) =>
    assert.throws(
      () => decodeText(input, 'a.vmc'),
      (error) =>
        error instanceof VivariumError &&
        error.code === code &&
        error.where.path === 'a.vmc' &&
        error.where.offset === offset,
    )
  fails(bytes(0xff, 0xfe, 0x3c, 0, 0x3e), 'preferences-half-character', 4)
  fails(bytes(0x3c, 0x61, 0xff, 0x3e), 'preferences-not-text', 2)
  fails(bytes(0xef, 0xbb, 0xbf, 0xef, 0xbf, 0xbd, 0x61, 0xc3), 'preferences-not-text', 7)
})

test('decoding then encoding gives the same bytes, or an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (input) => {
      try {
        assert.deepEqual(encodeText(decodeText(input, 'x')), input)
      } catch (error) {
        if (!(error instanceof VivariumError)) throw error
      }
    }),
  )
})

test('a character is found at its byte', () => {
  assert.equal(byteOffsetOf({ text: '<ä>', encoding: 'utf-16le', bom: true }, 2), 6)
  assert.equal(byteOffsetOf({ text: '<ä>', encoding: 'utf-8', bom: false }, 2), 3)
})
