import net from 'node:net'
import { type ErrorRecord, VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import {
  type ControlMethod,
  type ControlMethods,
  type ControlNews,
  type ControlReply,
  onDocuments,
  type SwitchEvent,
  sendDocument,
} from './control.ts'

/** Undefined when nobody listens there. */
export function connectControl(path: string): Promise<net.Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else reject(systemError(error, path))
    })
  })
}

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** Requests and their replies on one control connection. */
export class ControlCalls {
  readonly closed: Promise<void>
  readonly #socket: net.Socket
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1

  constructor(socket: net.Socket, tell: (event: SwitchEvent) => void) {
    this.#socket = socket
    socket.on('error', () => undefined)
    // Owning a switch must not keep a finished program alive; a call that waits does.
    socket.unref()
    onDocuments(socket, (document) => {
      const message = document as ControlReply | ControlNews
      if ('event' in message) tell(message.event)
      else this.#receive(message)
    })
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(goneError())
        this.#waiting.clear()
        resolve()
      })
    })
  }

  call<Method extends ControlMethod>(
    method: Method,
    params: ControlMethods[Method]['params'],
  ): Promise<ControlMethods[Method]['result']> {
    if (this.#socket.destroyed) return Promise.reject(goneError())
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#socket.ref()
      sendDocument(this.#socket, { id, method, params })
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(reply: ControlReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (waiting === undefined) return
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0) this.#socket.unref()
    if (reply.error !== undefined) waiting.reject(errorFrom(reply.error))
    else waiting.resolve(reply.result as never)
  }
}

function goneError(): VivariumError {
  return new VivariumError('unavailable', 'switch-gone', 'The network switch is not running any more.', {
    next: 'Restart the server.',
  })
}

export function errorFrom({ kind, code, message, where, next }: ErrorRecord): VivariumError {
  return new VivariumError(kind, code, message, {
    ...(where && { where }),
    ...(next !== undefined && { next }),
  })
}
