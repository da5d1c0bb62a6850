import dgram from 'node:dgram'
import { Resolver } from 'node:dns'
import net from 'node:net'
import { parseResolver, type ResolverAddress } from '../../network/index.ts'

/**
 * Questions to DNS servers of the host's world: over UDP, each from a socket of its own, so that the system picks a
 * port that nobody can guess (RFC 5452, 9.2); over TCP where the answer was cut (RFC 7766, 5).
 */

/** A datagram may be lost: so often it is sent. */
const ATTEMPTS = 2
const ATTEMPT_MS = 1500
const TCP_MS = 2500

/** As the host has them now: they change when a laptop moves. */
export function hostResolvers(): ResolverAddress[] {
  return new Resolver()
    .getServers()
    .map((text) => parseResolver(text))
    .filter((found) => found !== undefined)
}

/** Undefined when it did not answer in time. */
export async function askResolver(
  query: Uint8Array,
  server: ResolverAddress,
): Promise<Uint8Array | undefined> {
  const answer = await askByUdp(query, server)
  return answer !== undefined && isCut(answer) ? ((await askByTcp(query, server)) ?? answer) : answer
}

function askByUdp(query: Uint8Array, { address, port }: ResolverAddress): Promise<Uint8Array | undefined> {
  const socket = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4')
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
  let attempts = 0
  const send = () => {
    if (attempts++ < ATTEMPTS) socket.send(query, () => undefined)
    else resolve(undefined)
  }
  const timer = setInterval(send, ATTEMPT_MS)
  // Nobody listens there (ICMP), or the network is unreachable.
  socket.on('error', () => resolve(undefined))
  // What is not an answer to this question is somebody's guess: the answer may still come.
  socket.on('message', (answer) => {
    if (isAnswerTo(query, answer)) resolve(answer)
  })
  // A connected socket hears its peer alone.
  socket.connect(port, address, send)
  return promise.finally(() => {
    clearInterval(timer)
    socket.close()
  })
}

function askByTcp(query: Uint8Array, { address, port }: ResolverAddress): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>()
  const socket = net.connect({ host: address, port })
  const timer = setTimeout(() => resolve(undefined), TCP_MS)
  let received = Buffer.alloc(0)
  socket.on('error', () => resolve(undefined))
  socket.on('close', () => resolve(undefined))
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
    const answer = received.subarray(2, 2 + received.readUInt16BE(0))
    resolve(isAnswerTo(query, answer) ? answer : undefined)
  })
  const length = Buffer.alloc(2)
  length.writeUInt16BE(query.length)
  socket.write(Buffer.concat([length, query]))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

/** The same id, and marked as an answer (RFC 1035, 4.1.1). That the question is the same the asker verifies. */
function isAnswerTo(query: Uint8Array, answer: Uint8Array): boolean {
  return answer.length >= 12 && answer[0] === query[0] && answer[1] === query[1] && (answer[2]! & 0x80) !== 0
}

function isCut(answer: Uint8Array): boolean {
  return (answer[2]! & 0x02) !== 0
}
