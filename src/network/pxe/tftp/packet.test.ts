import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeTftp, encodeTftp, type TftpPacket } from './packet.ts'

const text = fc
  .string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 })
  .map((value) => value.replace(/\0/g, '_'))
const block = fc.integer({ min: 0, max: 0xffff })
const options = fc
  .array(fc.tuple(text, text), { maxLength: 4 })
  .map((pairs) => new Map(pairs.map(([name, value]) => [name.toLowerCase(), value])))
const mode = fc.constantFrom('octet', 'netascii')
const request = fc.record({ file: text, mode, options })
const packets: fc.Arbitrary<TftpPacket> = fc.oneof(
  fc.record({ kind: fc.constantFrom('read' as const, 'write' as const), request }),
  fc.record({ kind: fc.constant('data' as const), block, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant('acknowledgment' as const), block }),
  fc.record({ kind: fc.constant('error' as const), code: block, message: text }),
  fc.record({ kind: fc.constant('options' as const), options: options.filter(({ size }) => size > 0) }),
)

test('what is written is read', () => {
  fc.assert(
    fc.property(packets, (packet) => {
      assert.deepEqual(decodeTftp(encodeTftp(packet)), structuredClone(packet))
    }),
  )
})

test('any bytes are read or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => decodeTftp(bytes) !== undefined))
})

test('requests without an end, a name or a mode, and those too long, are malformed', () => {
  const bytes = (request: string) => Uint8Array.from([0, 1, ...Buffer.from(request, 'latin1')])
  for (const request of ['file', 'file\0octet', '\0octet\0', `${'x'.repeat(512)}\0octet\0`])
    assert.equal(decodeTftp(bytes(request)), 'malformed', request)
  // Padding after the last text is common.
  assert.deepEqual(decodeTftp(bytes('file\0OCTET\0\0\0')), {
    kind: 'read',
    request: { file: 'file', mode: 'octet', options: new Map([['', '']]) },
  })
})
