import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { askResolver, hostResolvers } from './resolver.ts'

const QUERY = Buffer.from('1234010000010000000000000161000001', 'hex')
const answer = (flags: number, text = '') =>
  Buffer.concat([QUERY.subarray(0, 2), Buffer.of(flags, 0), QUERY.subarray(4), Buffer.from(text)])

/** A DNS server on the loopback: what it says over UDP to each attempt, and over TCP. */
async function server(t: TestContext, attempts: readonly (readonly Buffer[])[], tcp?: readonly Buffer[]) {
  const udp = dgram.createSocket('udp4')
  let heard = 0
  udp.on('message', (_, { port }) => {
    for (const reply of attempts[heard] ?? []) udp.send(reply, port, '127.0.0.1')
    heard++
  })
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  t.after(() => udp.close())
  const { port } = udp.address()
  if (tcp !== undefined) {
    const listener = net.createServer((socket) => {
      socket.on('error', () => undefined)
      for (const piece of tcp) socket.write(piece)
      socket.end()
    })
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    t.after(() => listener.close())
    assert.equal((listener.address() as AddressInfo).port, port)
  }
  return { address: '127.0.0.1', port, heard: () => heard }
}

test('the answer is the one with the right id, whatever was said before it', async (t) => {
  const guess = Buffer.concat([Buffer.of(0, 0), answer(0x80, 'guess').subarray(2)])
  const at = await server(t, [[guess, answer(0x00, 'no answer'), Buffer.of(1), answer(0x80, 'right')]])
  assert.deepEqual(await askResolver(QUERY, at), answer(0x80, 'right'))
})

test('what is lost is sent once more; then nobody is there', async (t) => {
  const deafOnce = await server(t, [[], [answer(0x80)]])
  assert.deepEqual(await askResolver(QUERY, deafOnce), answer(0x80))
  const deaf = await server(t, [])
  assert.equal(await askResolver(QUERY, deaf), undefined)
  assert.equal(deaf.heard(), 2)
})

test('an answer that was cut is asked for by TCP, and is better than none where that fails', async (t) => {
  const long = answer(0x80, 'x'.repeat(3000))
  const length = Buffer.of(long.length >> 8, long.length & 0xff)
  const inPieces = [length.subarray(0, 1), Buffer.concat([length.subarray(1), long])]
  assert.deepEqual(await askResolver(QUERY, await server(t, [[answer(0x82)]], inPieces)), long)
  for (const tcp of [undefined, [], [length], [Buffer.of(0, 3, 1, 2, 3)]])
    assert.deepEqual(await askResolver(QUERY, await server(t, [[answer(0x82)]], tcp)), answer(0x82))
})

test('the host’s own servers are addresses and ports', () => {
  for (const { address, port } of hostResolvers()) assert.ok(net.isIP(address) > 0 && port > 0)
})
