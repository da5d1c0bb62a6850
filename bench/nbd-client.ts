import { connect, type Socket } from 'node:net'

/**
 * The load for bench/nbd.bench.ts, in a process of its own: a plain NBD client (simple replies, one connection) that
 * keeps `depth` requests in flight and counts what comes back. Both servers get exactly the same requests.
 */
export interface Load {
  readonly socketPath: string
  readonly exportName: string
  readonly kind: 'read' | 'write'
  readonly order: 'random' | 'sequential'
  readonly requestBytes: number
  readonly depth: number
  readonly milliseconds: number
}

export interface LoadResult {
  readonly operations: number
  readonly seconds: number
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send!(result),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run(load: Load): Promise<LoadResult> {
  const socket = connect(load.socketPath)
  const sizeBytes = await negotiate(socket, load.exportName)
  const result = await pump(socket, load, sizeBytes)
  const goodbye = Buffer.alloc(28)
  goodbye.writeUInt32BE(0x25609513, 0)
  goodbye.writeUInt16BE(2, 6)
  socket.end(goodbye)
  return result
}

/** Flags and EXPORT_NAME; the answer is 18 bytes of greeting, 64 bits of size, 16 of flags. */
async function negotiate(socket: Socket, exportName: string): Promise<number> {
  const hello = Buffer.alloc(4 + 16 + exportName.length)
  hello.writeUInt32BE(3, 0)
  hello.write('IHAVEOPT', 4)
  hello.writeUInt32BE(1, 12)
  hello.writeUInt32BE(exportName.length, 16)
  hello.write(exportName, 20)
  socket.write(hello)
  let answer = Buffer.alloc(0)
  while (answer.length < 28) answer = Buffer.concat([answer, await nextChunk(socket)])
  return Number(answer.readBigUInt64BE(18))
}

function nextChunk(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (chunk: Buffer) => {
      socket.off('error', reject)
      resolve(chunk)
    })
  })
}

function pump(socket: Socket, load: Load, sizeBytes: number): Promise<LoadResult> {
  const { kind, order, requestBytes, depth, milliseconds } = load
  const reading = kind === 'read'
  const slots = Math.floor(sizeBytes / requestBytes)
  // The same numbers for both servers; Lehmer's generator is random enough for offsets.
  let seed = 4711
  let next = 0
  const slot = () => {
    if (order === 'sequential') return next++ % slots
    seed = (seed * 48271) % 2147483647
    return seed % slots
  }
  const messageBytes = 28 + (reading ? 0 : requestBytes)
  const messages = Buffer.alloc(messageBytes * depth, 0x5a)
  let sent = 0
  const send = (count: number) => {
    if (count === 0) return
    sent += count
    // A fresh copy: the socket may still be sending the last one.
    const out = reading || depth > 1 ? Buffer.from(messages.subarray(0, count * messageBytes)) : messages
    for (let i = 0; i < count; i++) {
      const at = i * messageBytes
      const offset = slot() * requestBytes
      out.writeUInt32BE(0x25609513, at)
      out.writeUInt32BE(reading ? 0 : 1, at + 4)
      out.writeUInt32BE(Math.floor(offset / 2 ** 32), at + 16)
      out.writeUInt32BE(offset % 2 ** 32, at + 20)
      out.writeUInt32BE(requestBytes, at + 24)
    }
    socket.write(out)
  }

  return new Promise((resolve, reject) => {
    const replyBytes = 16 + (reading ? requestBytes : 0)
    let received = 0
    let counted = 0
    const start = performance.now()
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server hung up')))
    // Nothing is left in flight that the next measurement would pay for.
    socket.on('data', (chunk: Buffer) => {
      // Every reply that starts in this chunk must say success; all replies have one length.
      for (
        let at = (replyBytes - (received % replyBytes)) % replyBytes;
        at + 8 <= chunk.length;
        at += replyBytes
      )
        if (chunk.readUInt32BE(at + 4) !== 0) reject(new Error(`error ${chunk.readUInt32BE(at + 4)}`))
      received += chunk.length
      const operations = Math.floor(received / replyBytes)
      const seconds = (performance.now() - start) / 1000
      if (seconds * 1000 < milliseconds) send(operations - counted)
      else if (operations === sent) resolve({ operations, seconds })
      counted = operations
    })
    send(depth)
  })
}
