import net from 'node:net'
import { join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import { listenPrivately } from '../../system/index.ts'
import {
  CONTROL_SOCKET,
  type ControlMethod,
  type ControlMethods,
  controlRequestSchema,
  onDocuments,
  type SwitchEvent,
  sendDocument,
} from './control.ts'

/** What an owner may call. What is given is not checked yet. */
export type ControlHandlers = {
  readonly [Method in ControlMethod]: (
    params: unknown,
  ) => ControlMethods[Method]['result'] | Promise<ControlMethods[Method]['result']>
}

/** The switch's side of the control socket: owners, their calls, and what they are told. */
export class Owners {
  readonly #handlers: ControlHandlers
  readonly #changed: () => void
  readonly #ended: () => void
  readonly #sockets = new Set<net.Socket>()
  readonly #listener = net.createServer((socket) => this.#welcome(socket))

  /** @param changed one came or went. @param ended one has called `close`, and has the answer */
  constructor(handlers: ControlHandlers, changed: () => void, ended: () => void) {
    this.#handlers = handlers
    this.#changed = changed
    this.#ended = ended
  }

  get count(): number {
    return this.#sockets.size
  }

  listen(folder: string): Promise<void> {
    return listenPrivately(this.#listener, join(folder, CONTROL_SOCKET))
  }

  tell(event: SwitchEvent): void {
    for (const owner of this.#sockets) sendDocument(owner, { event })
  }

  #welcome(socket: net.Socket): void {
    this.#sockets.add(socket)
    this.#changed()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#changed()
    })
    onDocuments(socket, (document) => void this.#answer(socket, document))
  }

  async #answer(socket: net.Socket, document: unknown): Promise<void> {
    const request = controlRequestSchema.safeParse(document)
    if (!request.success) {
      socket.destroy()
      return
    }
    const { id, method, params } = request.data
    try {
      sendDocument(socket, { id, result: await this.#handlers[method](params) })
    } catch (error) {
      sendDocument(socket, { id, error: asVivariumError(error).toJSON() })
    }
    if (method === 'close') socket.end(this.#ended)
  }
}

function asVivariumError(error: unknown): VivariumError {
  if (error instanceof VivariumError) return error
  console.error(error)
  return new VivariumError('io', 'switch-failed', `The switch failed: ${(error as Error).message}.`, {
    cause: error,
  })
}
