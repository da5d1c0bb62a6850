import net from 'node:net'
import { Events, VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import { errorFromRecord } from '../records.ts'
import { type Command, controlMessageSchema, type DiskFailure } from './control-protocol.ts'
import { readJsonLines, writeJsonLine } from './json-lines.ts'

export interface DiskServerEvents {
  /** A request of the guest failed; the same failure is told again only after some seconds. */
  failure: DiskFailure
  /** The disk server is gone, stopped or dead. */
  exit: undefined
}

type CommandBody = Command extends infer Each ? (Each extends Command ? Omit<Each, 'id'> : never) : never

interface Pending {
  resolve(result: unknown): void
  reject(error: VivariumError): void
}

/** One connection to a disk server's control socket. */
export class ControlClient {
  readonly events = new Events<DiskServerEvents>()
  /** Resolves when the connection has ended and `exit` has been told. */
  readonly closed: Promise<void>
  readonly #socket: net.Socket
  readonly #path: string
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #letGo = false

  private constructor(socket: net.Socket, path: string) {
    this.#socket = socket
    this.#path = path
    readJsonLines(socket, (value) => this.#receive(value))
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#end()
        resolve()
      })
    })
  }

  /** @throws VivariumError kind `not-found` or `io` when nobody listens. */
  static async connect(path: string): Promise<ControlClient> {
    const socket = net.connect(path)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', (error) => reject(systemError(error, path)))
    })
    socket.removeAllListeners('error')
    return new ControlClient(socket, path)
  }

  /** Resolves with the result. @throws VivariumError: the disk server's own, or kind `unavailable` when it is gone. */
  send(command: CommandBody): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(this.#gone())
      else {
        this.#pending.set(id, { resolve, reject })
        writeJsonLine(this.#socket, { id, ...command })
      }
    })
  }

  /** Ends the connection without an `exit` event. */
  letGo(): void {
    this.#letGo = true
    this.#socket.destroy()
  }

  #receive(value: unknown): void {
    const message = controlMessageSchema.safeParse(value)
    if (!message.success) this.#socket.destroy()
    else if ('event' in message.data) this.events.emit('failure', message.data.failure)
    else {
      const pending = this.#pending.get(message.data.id)
      this.#pending.delete(message.data.id)
      if ('error' in message.data) pending?.reject(errorFromRecord(message.data.error))
      else pending?.resolve(message.data.result)
    }
  }

  #end(): void {
    for (const pending of this.#pending.values()) pending.reject(this.#gone())
    this.#pending.clear()
    if (!this.#letGo) this.events.emit('exit', undefined)
  }

  #gone(): VivariumError {
    return new VivariumError('unavailable', 'disk-server-gone', 'The disk server has ended.', {
      where: { path: this.#path },
      next: 'Its log, disks.log in the same folder, says why; start the machine again.',
    })
  }
}
