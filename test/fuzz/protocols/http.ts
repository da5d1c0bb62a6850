import { FLAG, type TcpSegment } from '../../../src/network/index.ts'
import { httpSession } from '../../../src/network/pxe/http/session.ts'
import { BootRequestLog } from '../../../src/network/pxe/requests.ts'
import { advance, distance } from '../../../src/network/tcp/sequence.ts'
import { connect, endpointTest } from '../../../src/network/tcp/testing.ts'
import type { Random } from '../mutate.ts'
import { BOOT_WORLD } from './boot.ts'
import { bytesOf, type CaseResult } from './target.ts'

/**
 * Damaged requests and damaged segments on a connection that stands: here the peer does know the sequence numbers, and
 * cheats with all the rest.
 */
const REQUESTS = [
  'GET /linux HTTP/1.1\r\nHost: 10.244.0.1\r\n\r\n',
  'HEAD /a%20b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
  'GET http://h/linux?x HTTP/1.0\r\nRange: bytes=10-20\r\n\r\n',
  'GET /linux HTTP/1.1\r\nHost: h\r\nRange: bytes=-5\r\nIf-Range: x\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello',
  'GET /nothing-of-that-name HTTP/1.1\r\nHost: h\r\n\r\n',
]
const PIECES = [
  '\r\n',
  '\n',
  ' ',
  ':',
  '%',
  '%00',
  '\0',
  '/../',
  'HTTP/1.1',
  'Range: bytes=',
  '99999999999999999',
  'GET ',
]
/** A few files of 3000 bytes, and what is sent again until the peer is taken for dead. */
const MOST_ANSWER_BYTES = 1 << 20

export async function runHttpCase(pick: Random): Promise<CaseResult> {
  const it = endpointTest()
  const log = new BootRequestLog()
  const open = (path: string) => BOOT_WORLD.openBootFile!('/boot', path)
  it.endpoint.listen(80, (connection) => httpSession(connection, { clock: it.clock, open, log }))
  const at = connect(it)
  const bytes = bytesOf(damagedText(pick))
  let heard = 0
  let acknowledgment = at.acknowledgment
  const hear = (segment: TcpSegment) => {
    heard += segment.payload.length
    const end = advance(segment.sequence, segment.payload.length)
    if (distance(acknowledgment, end) > 0 && pick(4) > 0) acknowledgment = end
  }
  for (let from = 0; from < bytes.length; ) {
    const length = 1 + pick(bytes.length - from)
    const cheat = pick(20)
    it.say({
      sequence: advance(at.sequence, cheat === 0 ? pick(70_000) : from),
      acknowledgment: cheat === 1 ? pick(2 ** 32) : acknowledgment,
      flags: cheat === 2 ? pick(256) : FLAG.ack,
      window: cheat < 6 ? pick(10) : 65_535,
      payload: bytes.subarray(from, from + length),
    })
    from += length
    await new Promise((resolve) => setImmediate(resolve))
    for (const segment of it.look()) hear(segment)
    if (pick(8) === 0) it.clock.pass(pick(5000))
  }
  for (let time = 0; time < 4; time++) {
    it.clock.pass(100_000)
    await new Promise((resolve) => setImmediate(resolve))
    for (const segment of it.look()) hear(segment)
  }
  it.endpoint.close()
  if (heard > MOST_ANSWER_BYTES) throw new Error(`${heard} bytes were answered to ${bytes.length}`)
  return { refused: log.records().length === 0 }
}

function damagedText(pick: Random): string {
  let text = Array.from({ length: 1 + pick(3) }, () => REQUESTS[pick(REQUESTS.length)]!).join('')
  for (let count = pick(5); count > 0; count--) {
    const at = pick(text.length + 1)
    const piece = pick(3) === 0 ? String.fromCharCode(pick(256)) : PIECES[pick(PIECES.length)]!
    text = text.slice(0, at) + piece.repeat(pick(30) === 0 ? 1000 : 1) + text.slice(at + pick(4))
  }
  return text
}
