import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rangeOf } from './range.ts'
import { HttpRequestReader } from './request.ts'

function read(text: string) {
  const reader = new HttpRequestReader()
  reader.add(Buffer.from(text, 'latin1'))
  return reader.next()
}

test('requests, whole, in pieces, and several at once', () => {
  const text = 'GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nRange:  bytes=1-2 \r\n\r\nHEAD http://h/c HTTP/1.0\n\n'
  const reader = new HttpRequestReader()
  const requests = []
  for (const byte of Buffer.from(text)) {
    reader.add(Uint8Array.of(byte))
    const request = reader.next()
    if (request !== undefined) requests.push(request)
  }
  assert.deepEqual(requests, [
    {
      method: 'GET',
      path: '/a b',
      headers: new Map([
        ['host', 'h'],
        ['range', 'bytes=1-2'],
      ]),
      keepsAlive: true,
      hasBody: false,
    },
    { method: 'HEAD', path: '/c', headers: new Map(), keepsAlive: false, hasBody: false },
  ])
})

test('what is no request is refused with its status', () => {
  for (const [text, status] of [
    ['hello\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET x HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['GET /%zz HTTP/1.0\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost : h\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\n\r\n', 505],
    [`GET /${'x'.repeat(3000)} HTTP/1.0\r\n\r\n`, 414],
    [`GET / HTTP/1.0\r\nA: ${'x'.repeat(9000)}`, 431],
    [`GET / HTTP/1.0\r\nA: ${'x'.repeat(9000)}\r\n\r\n`, 431],
  ] as const)
    assert.equal(read(text), status, text.slice(0, 40))
  assert.equal(read('GET / HTTP/1.1\r\nHost: h\r\n'), undefined)
})

test('any bytes are a request, a refusal, or not enough', () => {
  const pieces = fc.constantFrom(
    'GET ',
    '/',
    ' HTTP/1.1',
    '\r\n',
    '\n',
    'Host: h',
    ':',
    '%41',
    '%',
    '\0',
    'é',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const reader = new HttpRequestReader()
      reader.add(Buffer.from(parts.join(''), 'latin1'))
      for (let request = reader.next(); typeof request === 'object'; request = reader.next())
        assert.ok(request.path.startsWith('/'))
    }),
  )
})

test('ranges', () => {
  for (const [header, range] of [
    [undefined, 'whole'],
    ['bytes=0-99', { start: 0, end: 100 }],
    ['bytes=10-', { start: 10, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=-1000', { start: 0, end: 100 }],
    ['bytes=90-1000', { start: 90, end: 100 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=-', 'whole'],
  ] as const)
    assert.deepEqual(rangeOf(header, 100), range, header)
  assert.equal(rangeOf('bytes=0-', 0), 'unsatisfiable')
})
