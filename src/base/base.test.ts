import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeUtf16, encodeUtf16, formatGuid, fromHex, isZero, toHex } from './bytes.ts'
import { describeError, problemFrom, VivariumError } from './errors.ts'
import { Events } from './events.ts'
import { formatSize, parseSize, plural } from './units.ts'

test('an error is one sentence for people and a record for programs', () => {
  const error = new VivariumError('corrupt', 'bat-out-of-range', 'Block 3 lies behind the end.', {
    where: { path: '/d.vhd', offset: 0x600, field: 'BAT' },
    next: 'Run "vivarium check".',
  })
  assert.equal(
    describeError(error),
    '/d.vhd at byte 0x600 (BAT): Block 3 lies behind the end. Run "vivarium check".',
  )
  assert.deepEqual(JSON.parse(JSON.stringify(error)), error.toJSON())
  assert.equal(problemFrom(error).severity, 'error')
  const option = new VivariumError('invalid', 'size', '"x" is no size.', { where: { field: '--size' } })
  assert.equal(describeError(option), '--size: "x" is no size.')
  assert.throws(() => problemFrom(new TypeError('a bug')), TypeError)
})

test('an error about several fields is a line each', () => {
  const faults = [
    { field: 'dhcp.start', message: 'It is outside.' },
    { field: 'mtu', message: 'It is too small.' },
  ]
  const where = { field: 'dhcp.start' }
  const error = new VivariumError('invalid', 'settings', 'It is outside. It is too small.', {
    ...{ where, faults, next: 'Mend them.' },
  })
  assert.equal(describeError(error), 'dhcp.start: It is outside.\nmtu: It is too small.\nMend them.')
  assert.deepEqual(JSON.parse(JSON.stringify(error)), error.toJSON())
})

test('hexadecimal and UTF-16 go there and back', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(fromHex(toHex(bytes)), bytes)))
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('le' as const, 'be' as const),
      (text, order) => assert.equal(decodeUtf16(encodeUtf16(text, order), order), text),
    ),
  )
  assert.equal(fromHex('0g'), undefined)
  assert.equal(fromHex('123'), undefined)
  assert.equal(
    formatGuid(fromHex('9DA6388CD5D611DC82869F7981B495DE')!),
    '9da6388c-d5d6-11dc-8286-9f7981b495de',
  )
})

test('isZero agrees with a plain look at any alignment', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 1, maxLength: 40 }), fc.nat(9), (bytes, from) => {
      const part = bytes.subarray(Math.min(from, bytes.length))
      assert.equal(isZero(part), !part.includes(1))
    }),
  )
})

test('sizes are read as people write them', () => {
  assert.equal(parseSize('64M'), 64 * 2 ** 20)
  assert.equal(parseSize('1.5 GiB'), 1.5 * 2 ** 30)
  assert.equal(parseSize('512'), 512)
  assert.equal(parseSize('many'), undefined)
  assert.equal(formatSize(136_365_211_648), '127 GiB')
  assert.equal(formatSize(1536), '1.5 KiB')
  assert.equal(formatSize(10), '10 bytes')
  assert.equal(formatSize(1), '1 byte')
})

test('counts agree with their nouns', () => {
  assert.equal(plural(1, 'machine'), '1 machine')
  assert.equal(plural(0, 'machine'), '0 machines')
  assert.equal(plural(2, 'directory', 'directories'), '2 directories')
})

test('events reach those who listen, until they do not', () => {
  const events = new Events<{ tick: number }>()
  const heard: number[] = []
  const off = events.on('tick', (value) => heard.push(value))
  events.emit('tick', 1)
  off()
  events.emit('tick', 2)
  assert.deepEqual(heard, [1])
})
