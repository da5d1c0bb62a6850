import type { Duplex } from 'node:stream'
import { describeError } from '../../base/index.ts'
import { type Connectable, FairQueue, RunReader } from '../../network/index.ts'

/**
 * A stream socket as the cable of a switch port: what QEMU's `-netdev stream` and our v86 adapters speak. What
 * arrives in one turn of the event loop leaves in one system call per port (cork), and one that sends without end is
 * not read further in the turn, so that the others are heard too.
 */

/** What may wait for a slow station before frames are dropped; one source alone fills half of it. */
const QUEUE_BYTES = 8 * 1024 * 1024
/** What is given to the kernel at a time; the rest waits where sources take turns. */
const WRITE_BYTES = 256 * 1024
/** Of one source, before the next has its turn. */
const QUANTUM_BYTES = 64 * 1024
/** What is read of one station in a turn. */
const TURN_BYTES = 256 * 1024
/**
 * A queued run keeps the whole read buffer alive that it is a view of (64 KiB). Shorter runs of a bigger buffer are
 * copied, so that a full queue holds at most four times its bytes.
 */
const COPY_BELOW_BYTES = 16 * 1024

/** @param closed called once, when the station is gone for whatever reason */
export function plugSocket(socket: Duplex, network: Connectable, name: string, closed: () => void): void {
  const reader = new RunReader()
  const queue = new FairQueue(QUEUE_BYTES)
  let isFlushing = false
  let turn = -1
  let turnBytes = 0

  const port = network.connect(name, {
    send(run, from) {
      if (!socket.writable || !queue.offer(ownBytes(run), from)) return false
      if (!isFlushing) {
        isFlushing = true
        process.nextTick(flush)
      }
      return true
    },
    closed: () => socket.destroy(),
  })

  function flush(): void {
    isFlushing = false
    if (!socket.writable) return
    socket.cork()
    while (queue.bytes > 0 && socket.writableLength < WRITE_BYTES)
      for (const run of queue.take(QUANTUM_BYTES)) socket.write(run)
    socket.uncork()
  }

  // What did not fit goes on when the kernel has taken what it was given.
  socket.on('drain', flush)
  socket.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk, port.receive)
    } catch (error) {
      // The stream has lost its place: unplugging this one station is all that is left to do.
      console.error(`${name}: ${describeError(error)}`)
      socket.destroy()
      return
    }
    if (turn !== currentTurn()) {
      turn = currentTurn()
      turnBytes = 0
    }
    turnBytes += chunk.length
    if (turnBytes < TURN_BYTES) return
    socket.pause()
    setImmediate(() => socket.resume())
  })
  // A reset or a broken pipe is how a killed machine looks; `close` follows.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    queue.clear()
    port.disconnect()
    closed()
  })
}

function ownBytes(run: Uint8Array): Uint8Array {
  const isWasteful = run.length < COPY_BELOW_BYTES && run.buffer.byteLength > 4 * run.length
  return isWasteful ? Buffer.from(run) : run
}

let turns = 0
let isTurnEnding = false

/** Counts the turns of the event loop in which something was read. */
function currentTurn(): number {
  if (!isTurnEnding) {
    isTurnEnding = true
    setImmediate(() => {
      isTurnEnding = false
      turns++
    })
  }
  return turns
}
