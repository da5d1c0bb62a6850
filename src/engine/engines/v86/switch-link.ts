import { connect, type Socket } from 'node:net'
import { framesOf, RunReader, runOf } from '../../../network/index.ts'

/** Bytes to a switch that does not read; what comes beyond is dropped, as on a wire. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024
const RECONNECT_MILLISECONDS = 1000

/** A cable to a port of a switch: frames in both directions, connected again whenever the switch comes back. */
export class SwitchLink {
  readonly #path: string
  readonly #onFrame: (frame: Uint8Array) => void
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #outgoing: Uint8Array[] = []
  #closed = false

  constructor(path: string, onFrame: (frame: Uint8Array) => void) {
    this.#path = path
    this.#onFrame = onFrame
    this.#connect()
  }

  /** Sends a copy of a frame; frames of one moment leave in one write. */
  send(frame: Uint8Array): void {
    const socket = this.#socket
    if (socket === undefined || socket.writableLength > MOST_WAITING_BYTES) return
    this.#outgoing.push(frame.slice())
    if (this.#outgoing.length === 1) setImmediate(() => this.#sendRun())
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  #sendRun(): void {
    const frames = this.#outgoing
    this.#outgoing = []
    if (this.#socket?.writable) this.#socket.write(runOf(...frames))
  }

  #connect(): void {
    const reader = new RunReader()
    const socket = connect(this.#path)
    socket.on('connect', () => {
      this.#socket = socket
    })
    socket.on('data', (bytes) => {
      try {
        reader.push(bytes, (run) => {
          for (const frame of framesOf(run)) this.#onFrame(frame)
        })
      } catch {
        // The stream has lost its place; a new connection starts a new one.
        socket.destroy()
      }
    })
    // The close that follows handles it.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#socket = undefined
      if (!this.#closed) this.#timer = setTimeout(() => this.#connect(), RECONNECT_MILLISECONDS)
    })
  }
}
