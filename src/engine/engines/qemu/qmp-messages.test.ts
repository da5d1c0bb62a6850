import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../../base/index.ts'
import { encodeCommand, QMP_LINE_LIMIT, type QmpMessage, QmpReader } from './qmp-messages.ts'

const LINES = [
  '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}',
  '{"return": {}, "id": 1}',
  '{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}',
  '{"id": 2, "error": {"class": "GenericError", "desc": "Device \'a\' not found"}}',
  '{"event": "RESET", "data": {"guest": true, "reason": "guest-reset"}}',
]
const STREAM = Buffer.from(LINES.map((line) => `${line}\r\n`).join(''))

const MESSAGES: QmpMessage[] = [
  { kind: 'greeting', version: '7.2.22' },
  { kind: 'return', id: 1, value: {} },
  { kind: 'event', event: { name: 'STOP', data: {} } },
  { kind: 'error', id: 2, class: 'GenericError', description: "Device 'a' not found" },
  { kind: 'event', event: { name: 'RESET', data: { guest: true, reason: 'guest-reset' } } },
]

test('a stream of lines is read as its messages, however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 40 }), (cuts) => {
      const reader = new QmpReader()
      const edges = [0, ...cuts.sort((a, b) => a - b), STREAM.length]
      const messages = edges.slice(1).flatMap((end, at) => reader.push(STREAM.subarray(edges[at], end)))
      assert.deepEqual(messages, MESSAGES)
    }),
  )
})

test('any bytes are messages or a VivariumError', () => {
  const damaged = fc
    .array(fc.tuple(fc.nat(STREAM.length - 1), fc.nat(255)), { maxLength: 8 })
    .map((changes) => {
      const copy = Uint8Array.from(STREAM)
      for (const [at, value] of changes) copy[at] = value
      return copy
    })
  const json = fc.json().map((text) => Buffer.from(`${text}\n`))
  fc.assert(
    fc.property(fc.oneof(damaged, json, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      try {
        new QmpReader().push(bytes)
      } catch (error) {
        assert.ok(error instanceof VivariumError && error.code === 'qmp-malformed', String(error))
      }
    }),
  )
})

test('a line without end is refused at the limit, in bounded memory', () => {
  const reader = new QmpReader()
  const piece = new Uint8Array(64 * 1024).fill(0x20)
  for (let sent = 0; sent < QMP_LINE_LIMIT; sent += piece.length) reader.push(piece)
  assert.throws(
    () => reader.push(piece),
    (error) => error instanceof VivariumError && /1048576 bytes/.test(error.message),
  )
})

test('a command is one line', () => {
  assert.equal(
    encodeCommand(7, 'set_link', { name: 'a\nb' }),
    '{"execute":"set_link","arguments":{"name":"a\\nb"},"id":7}\n',
  )
})
