import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'

/**
 * The least that an NBD server in Node can do, in a process of its own: a call of the file for each request, at its
 * offset, and the answers of a chunk in one write. No tables, no chain, no checks, nothing of the protocol that the
 * load does not use. What this does not reach no server in Node does.
 */
export interface FloorOrder {
  readonly socketPath: string
  readonly filePath: string
  readonly sizeBytes: number
}

const HEADER_BYTES = 28
const REPLY_BYTES = 16
const REQUEST_MAGIC = 0x25609513
const REPLY_MAGIC = 0x67446698
const WRITE = 1

process.on('message', ({ socketPath, filePath, sizeBytes }: FloorOrder) => {
  const file = openSync(filePath, 'w+')
  ftruncateSync(file, sizeBytes)
  const server = createServer((socket) => serve(socket, file, sizeBytes))
  server.listen(socketPath, () => process.send!('listening'))
  process.once('disconnect', () => {
    closeSync(file)
    process.exit()
  })
})

/** Greeting, flags and EXPORT_NAME, then requests until the client goes. */
function serve(socket: Socket, file: number, sizeBytes: number): void {
  const greeting = Buffer.alloc(18)
  greeting.write('NBDMAGICIHAVEOPT')
  greeting.writeUInt16BE(3, 16)
  socket.write(greeting)
  socket.on('error', () => socket.destroy())
  socket.once('data', () => {
    const answer = Buffer.alloc(10)
    answer.writeBigUInt64BE(BigInt(sizeBytes))
    answer.writeUInt16BE(1, 8)
    socket.write(answer)
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = answerAll(socket, file, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]))
    })
  })
}

/** @returns What is left of a request that is not whole yet. */
function answerAll(socket: Socket, file: number, bytes: Buffer): Buffer {
  const answers: Buffer[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES && bytes.readUInt32BE(at) === REQUEST_MAGIC) {
    const isWrite = bytes.readUInt16BE(at + 6) === WRITE
    const offset = bytes.readUInt32BE(at + 16) * 2 ** 32 + bytes.readUInt32BE(at + 20)
    const length = bytes.readUInt32BE(at + 24)
    const end = at + HEADER_BYTES + (isWrite ? length : 0)
    if (end > bytes.length) break
    const answer = Buffer.alloc(REPLY_BYTES + (isWrite ? 0 : length))
    answer.writeUInt32BE(REPLY_MAGIC)
    bytes.copy(answer, 8, at + 8, at + 16)
    if (isWrite) writeSync(file, bytes, at + HEADER_BYTES, length, offset)
    else readSync(file, answer, REPLY_BYTES, length, offset)
    answers.push(answer)
    at = end
  }
  if (answers.length > 0) socket.write(answers.length === 1 ? answers[0]! : Buffer.concat(answers))
  return bytes.subarray(at)
}
