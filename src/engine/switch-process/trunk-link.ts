import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { type Connectable, framesOf, LENGTH_BYTES, readUint32, runOf } from '../../network/index.ts'
import { plugSocket } from './port-socket.ts'

/**
 * One cable between the switches of two hosts: who they are as one line of JSON each way, then frames as on any socket.
 * A frame of no bytes says "still here"; a peer that says nothing for long is gone, whatever TCP believes.
 */

export const helloSchema = z.object({
  vivarium: z.literal('trunk'),
  version: z.literal(1),
  /** Of the network in its switch process: so that a loop and a second cable to the same peer are noticed. */
  instance: z.uuid(),
  network: z.string().max(256),
})

export type Hello = z.infer<typeof helloSchema>

const MAXIMUM_HELLO_BYTES = 4096
const HELLO_MS = 10_000
const STILL_HERE_MS = 10_000
const GONE_MS = 35_000

/** Says who we are and hears who they are; undefined when they are no trunk. Closes nothing. */
export function exchangeHellos(socket: Duplex, own: Hello): Promise<Hello | undefined> {
  socket.write(`${JSON.stringify(own)}\n`)
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0)
    const finish = (hello: Hello | undefined) => {
      clearTimeout(timer)
      socket.off('data', read)
      socket.off('close', gone)
      resolve(hello)
    }
    const gone = () => finish(undefined)
    const timer = setTimeout(gone, HELLO_MS)
    const read = (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk])
      const end = heard.indexOf('\n')
      if (end < 0 && heard.length <= MAXIMUM_HELLO_BYTES) return
      socket.pause()
      const rest = heard.subarray(end + 1)
      if (end >= 0 && rest.length > 0) socket.unshift(rest)
      finish(parseHello(heard.subarray(0, end).toString()))
    }
    socket.on('data', read)
    socket.on('close', gone)
  })
}

function parseHello(line: string): Hello | undefined {
  try {
    return helloSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** Plugs the socket in as a port. @param closed called once, when the cable is gone */
export function plugTrunk(
  socket: Duplex,
  network: Connectable,
  name: string,
  isHub: boolean,
  closed: () => void,
): void {
  let heardAt = performance.now()
  const wire: Connectable = {
    connect(portName, link) {
      // What a trunk brings, the others have brought themselves: everybody has a trunk to everybody.
      const port = network.connect(portName, link, isHub ? {} : { horizon: 'trunks' })
      return {
        ...port,
        receive(run) {
          heardAt = performance.now()
          const frames = withoutEmpty(run)
          if (frames.length > 0) port.receive(frames)
        },
      }
    },
  }
  const timer = setInterval(() => {
    if (performance.now() - heardAt > GONE_MS) socket.destroy()
    else if (socket.writableLength === 0) socket.write(new Uint8Array(LENGTH_BYTES))
  }, STILL_HERE_MS)
  timer.unref()
  plugSocket(socket, wire, name, () => {
    clearInterval(timer)
    closed()
  })
  socket.resume()
}

function withoutEmpty(run: Uint8Array): Uint8Array {
  for (let at = 0; at < run.length; ) {
    const length = readUint32(run, at)
    if (length === 0) return runOf(...[...framesOf(run)].filter((frame) => frame.length > 0))
    at += LENGTH_BYTES + length
  }
  return run
}
