import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FLAG } from '../../tcp/segment.ts'
import { advance, distance } from '../../tcp/sequence.ts'
import { connect, endpointTest } from '../../tcp/testing.ts'
import { BootRequestLog } from '../requests.ts'
import { memoryFiles, patternBytes, settled } from '../testing.ts'
import { httpSession } from './session.ts'

const LONG = patternBytes(400_000)
const FILES = { '/boot.ipxe': Buffer.from('#!ipxe\n'), '/linux': LONG }

function httpLab() {
  const it = endpointTest()
  const files = memoryFiles(FILES)
  const log = new BootRequestLog()
  it.endpoint.listen(80, (connection) => httpSession(connection, { clock: it.clock, open: files.open, log }))
  const at = connect(it)
  let hasFin = false
  /** Says a text and takes all that comes. */
  async function talk(text: string): Promise<string> {
    it.say({ ...at, payload: Buffer.from(text, 'latin1') })
    at.sequence = advance(at.sequence, text.length)
    let heard = ''
    for (;;) {
      await settled()
      const segments = it.look()
      if (segments.length === 0) return heard
      for (const { sequence, payload, flags } of segments) {
        assert.ok(distance(at.acknowledgment, sequence) === 0, 'in order')
        heard += Buffer.from(payload).toString('latin1')
        hasFin ||= (flags & FLAG.fin) !== 0
        at.acknowledgment = advance(sequence, payload.length + (flags & FLAG.fin ? 1 : 0))
      }
      it.say(at)
    }
  }
  return { ...it, at, talk, files, log, hasEnded: () => hasFin }
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`
const body = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)

test('a file, its head, a part of it and none, on one connection', async () => {
  const lab = httpLab()
  const whole = await lab.talk(get('/boot.ipxe'))
  assert.match(whole, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(whole, /Date: Wed, 01 Jun 2005 00:00:00 GMT\r\n/)
  assert.match(whole, /Content-Type: text\/plain\r\nContent-Length: 7\r\nAccept-Ranges: bytes\r\n/)
  assert.equal(body(whole), '#!ipxe\n')
  const head = await lab.talk('HEAD /linux HTTP/1.1\r\nHost: h\r\n\r\n')
  assert.match(head, /Content-Length: 400000\r\n/)
  assert.equal(body(head), '')
  const part = await lab.talk(get('/boot.ipxe', 'Range: bytes=2-5\r\n'))
  assert.match(part, /^HTTP\/1\.1 206 Partial Content\r\n[\s\S]*Content-Range: bytes 2-5\/7\r\n/)
  assert.equal(body(part), 'ipxe')
  assert.match(await lab.talk(get('/boot.ipxe', 'Range: bytes=7-\r\n')), /^HTTP\/1\.1 416 [\s\S]*bytes \*\/7/)
  assert.match(await lab.talk(get('/nothing')), /^HTTP\/1\.1 404 Not Found\r\n/)
  assert.match(
    await lab.talk('DELETE /linux HTTP/1.1\r\nHost: h\r\n\r\n'),
    /^HTTP\/1\.1 405 [\s\S]*Allow: GET, HEAD/,
  )
  assert.equal(lab.hasEnded(), false)
  assert.equal(lab.files.openFiles, 0)
})

test('a long file at the pace of the client', async () => {
  const lab = httpLab()
  const answer = await lab.talk(get('/linux'))
  assert.ok(Buffer.from(body(answer), 'latin1').equals(Buffer.from(LONG)))
  assert.deepEqual([lab.files.openFiles, lab.log.records()[0]!.outcome], [0, 'done'])
})

test('requests at once are answered in turn', async () => {
  const lab = httpLab()
  const answer = await lab.talk(
    get('/boot.ipxe') + get('/nothing') + get('/boot.ipxe', 'Connection: close\r\n'),
  )
  assert.deepEqual(answer.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200'])
  assert.ok(lab.hasEnded())
})

test('nonsense, and a request that does not come, end the connection', async () => {
  const nonsense = httpLab()
  assert.match(await nonsense.talk('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/)
  assert.ok(nonsense.hasEnded())
  const slow = httpLab()
  await slow.talk('GET / HTTP/1.1\r\n')
  slow.clock.pass(15_000)
  await slow.talk('')
  assert.ok(slow.hasEnded())
})

test('a client that goes away in the middle leaves nothing open', async () => {
  const lab = httpLab()
  lab.say({ ...lab.at, payload: Buffer.from(get('/linux')) })
  await settled()
  lab.say({ ...lab.at, sequence: advance(lab.at.sequence, get('/linux').length), flags: FLAG.rst })
  await settled()
  assert.deepEqual([lab.files.openFiles, lab.endpoint.status().connections], [0, 0])
  assert.equal(lab.log.records()[0]!.outcome, 'aborted')
})
