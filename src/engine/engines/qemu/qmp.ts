import { createConnection, type Socket } from 'node:net'
import { VivariumError } from '../../../base/index.ts'
import { encodeCommand, type QmpEvent, type QmpMessage, QmpReader } from './qmp-messages.ts'

export interface QmpListener {
  onEvent(event: QmpEvent): void
  /** Once, when the connection has ended; with an error when it did not end by our own `close`. */
  onClose(error: VivariumError | undefined): void
}

interface Waiting {
  readonly command: string
  readonly timer: NodeJS.Timeout
  resolve(value: unknown): void
  reject(error: VivariumError): void
}

/** How long QEMU may take to answer. It answers from its main loop, within milliseconds on an idle host. */
const ANSWER_LIMIT_MS = 10_000
/** A second question gets this long where the first took nearly all the time. */
const LEAST_MS = 500

/**
 * A client of the QEMU Machine Protocol over a Unix socket: greeting -> qmp_capabilities -> commands, with
 * events in between. The listener comes with the connection, so that no event falls between two lines of code.
 */
export class Qmp {
  readonly #socket: Socket
  readonly #listener: QmpListener
  readonly #reader = new QmpReader()
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #greeted: { resolve(): void; reject(error: VivariumError): void } | undefined
  #ended = false

  private constructor(socket: Socket, listener: QmpListener) {
    this.#socket = socket
    this.#listener = listener
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(broken(error.code ?? error.message)))
    socket.on('close', () => this.#end(broken('it was closed')))
  }

  /**
   * Connects and leaves capability negotiation. @throws VivariumError kind `not-found` where nobody listens,
   * `busy` where somebody listens and does not greet (QEMU serves one client at a time), `malformed` or
   * `unavailable` where the peer is not QMP.
   */
  static async connect(path: string, listener: QmpListener, limitMs = ANSWER_LIMIT_MS): Promise<Qmp> {
    const started = performance.now()
    const socket = await connectSocket(path)
    const qmp = new Qmp(socket, listener)
    try {
      await qmp.#greeting(path, limitMs)
      const left = limitMs - (performance.now() - started)
      await qmp.execute('qmp_capabilities', {}, Math.max(left, LEAST_MS))
      return qmp
    } catch (error) {
      qmp.close()
      throw error
    }
  }

  /** @throws VivariumError kind `unsupported` where QEMU refuses (its own words), `unavailable` without answer. */
  execute(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    limitMs = ANSWER_LIMIT_MS,
  ): Promise<unknown> {
    if (this.#ended) return Promise.reject(broken('it is closed'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id)
        reject(noAnswer(command, limitMs))
      }, limitMs)
      this.#waiting.set(id, { command, timer, resolve, reject })
      this.#socket.write(encodeCommand(id, command, args))
    })
  }

  /** Lets go of QEMU, which goes on running. */
  close(): void {
    this.#end(undefined)
  }

  async #greeting(path: string, limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#greeted = { resolve, reject }
        timer = setTimeout(() => reject(silent(path, limitMs)), limitMs)
      })
    } finally {
      clearTimeout(timer)
      this.#greeted = undefined
    }
  }

  #receive(piece: Uint8Array): void {
    if (this.#ended) return
    try {
      for (const message of this.#reader.push(piece)) this.#handle(message)
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
      this.#end(error)
    }
  }

  #handle(message: QmpMessage): void {
    if (message.kind === 'greeting') this.#greeted?.resolve()
    else if (message.kind === 'event') this.#listener.onEvent(message.event)
    else this.#answer(message)
  }

  #answer(message: Extract<QmpMessage, { kind: 'return' | 'error' }>): void {
    const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id)
    // An answer that came after its time limit; the caller has gone.
    if (waiting === undefined || message.id === undefined) return
    this.#waiting.delete(message.id)
    clearTimeout(waiting.timer)
    if (message.kind === 'return') waiting.resolve(message.value)
    else waiting.reject(refused(waiting.command, message.description))
  }

  #end(error: VivariumError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#socket.destroy()
    const reason = error ?? broken('we closed it')
    this.#greeted?.reject(reason)
    for (const { timer, reject } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(reason)
    }
    this.#waiting.clear()
    this.#listener.onClose(error)
  }
}

function connectSocket(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('connect', () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error) => {
      reject(
        new VivariumError('not-found', 'qmp-nobody', 'No QEMU listens on its control socket.', {
          where: { path },
          cause: error,
        }),
      )
    })
  })
}

function silent(path: string, limitMs: number): VivariumError {
  return new VivariumError('busy', 'qmp-silent', `QEMU did not greet us within ${limitMs / 1000} seconds.`, {
    where: { path },
    next: 'Another Vivarium server may hold this machine: stop that one first.',
  })
}

function noAnswer(command: string, limitMs: number): VivariumError {
  return new VivariumError(
    'unavailable',
    'qmp-no-answer',
    `QEMU did not answer ${command} within ${(limitMs / 1000).toFixed(1)} seconds.`,
    { next: 'The host may be overloaded: wait, or turn the machine off.' },
  )
}

/** For commands that ask for what may be so already. */
export function ignoreRefusal(error: unknown): void {
  if (!(error instanceof VivariumError) || error.code !== 'qmp-refused') throw error
}

function refused(command: string, description: string): VivariumError {
  return new VivariumError('unsupported', 'qmp-refused', `QEMU refused ${command}: ${description}`)
}

function broken(how: string): VivariumError {
  return new VivariumError('unavailable', 'qmp-broken', `The control connection to QEMU ended: ${how}.`)
}
