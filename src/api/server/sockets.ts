import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import type { VirtualServer } from '../../server/index.ts'
import type { LiveMessage } from '../contract.ts'
import { networkSummarySchema } from '../network-schemas.ts'
import { type Caller, callerOf, type Guard } from './guard.ts'

/** Stop reading from the machine while this much waits to be sent to a slow browser. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024

/** A browser has one for each page, console and serial port; what opens more has gone wrong. */
const MOST_SOCKETS = 200

/** A session's end closes its sockets at once on sign-out, and within this time when it expires. */
const CHECK_MILLISECONDS = 60_000

export interface Sockets {
  /** Closes what nobody who is signed in holds any more. */
  closeSignedOut(): void
  close(): void
}

/** WebSockets: live state, consoles and serial ports. The same guard as for HTTP decides who may open one. */
export function attachSockets(http: HttpServer, server: VirtualServer, guard: Guard): Sockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024, perMessageDeflate: false })
  const live = new LiveFeed(server)
  const callers = new Map<WebSocket, Caller>()
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    // Nothing catches what an event handler throws: it would end the whole server.
    try {
      const caller = callerOf((name) => request.headers[name])
      const open = admit(request, caller, {
        server,
        guard,
        live,
        isFull: sockets.clients.size >= MOST_SOCKETS,
      })
      if (typeof open === 'string') return refuse(socket, open)
      sockets.handleUpgrade(request, socket, head, (browser) => {
        callers.set(browser, caller)
        browser.on('close', () => callers.delete(browser))
        open(browser)
      })
    } catch (error) {
      console.error(error)
      refuse(socket, '500 Internal Server Error')
    }
  })
  const closeSignedOut = () => {
    for (const [browser, caller] of callers)
      if (guard.userOf(caller) === undefined) browser.close(1008, 'Signed out.')
  }
  const timer = setInterval(closeSignedOut, CHECK_MILLISECONDS).unref()
  return {
    closeSignedOut,
    close: () => {
      clearInterval(timer)
      live.close()
      for (const client of sockets.clients) client.terminate()
    },
  }
}

function refuse(socket: Duplex, status: string): void {
  // Our side alone would leave it half open for as long as the other likes.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

type Open = (browser: WebSocket) => void

interface Door {
  readonly server: VirtualServer
  readonly guard: Guard
  readonly live: LiveFeed
  readonly isFull: boolean
}

/** What to do with the open socket, or the HTTP status with which it is refused. */
function admit(
  request: IncomingMessage,
  caller: Caller,
  { server, guard, live, isFull }: Door,
): Open | string {
  if (!guard.isKnownHost(caller) || !guard.isOwnOrigin(caller)) return '403 Forbidden'
  if (guard.userOf(caller) === undefined) return '401 Unauthorized'
  const path = URL.parse(request.url ?? '/', 'http://localhost')?.pathname
  if (path === undefined) return '400 Bad Request'
  if (isFull) return '503 Service Unavailable'
  return destinationOf(path, server, live) ?? '404 Not Found'
}

function destinationOf(path: string, server: VirtualServer, live: LiveFeed): Open | undefined {
  if (path === '/api/live') return (socket) => live.add(socket)
  const match = /^\/api\/machines\/([\w-]+)\/(?:console|serial\/(\d))$/.exec(path)
  if (match === null) return undefined
  try {
    const running = server.machines.get(match[1]!).running
    const target = match[2] === undefined ? running?.consoleSocket : running?.serialSockets[Number(match[2])]
    return target === undefined ? undefined : (socket) => bridge(socket, target)
  } catch (error) {
    if (error instanceof VivariumError) return undefined
    throw error
  }
}

/** Carries bytes between a browser and a machine's Unix socket, both ways, and holds back when one is slow. */
function bridge(browser: WebSocket, path: string): void {
  const machine = connect(path)
  machine.on('data', (chunk) => {
    browser.send(chunk, () => {
      if (machine.isPaused() && browser.bufferedAmount < HIGH_WATER_BYTES / 2) machine.resume()
    })
    if (browser.bufferedAmount > HIGH_WATER_BYTES) machine.pause()
  })
  machine.on('close', () => browser.close(1000, 'The machine closed its side.'))
  machine.on('error', () => browser.close(1011, 'The machine cannot be reached.'))
  machine.on('drain', () => browser.resume())
  browser.on('message', (data) => {
    // Whoever is told to leave may not type on until he has left.
    if (browser.readyState !== browser.OPEN) return
    if (!machine.write(data as Buffer)) browser.pause()
  })
  browser.on('close', () => machine.destroy())
  browser.on('error', () => machine.destroy())
}

const STATES = ['machines', 'tasks', 'networks'] as const
type State = (typeof STATES)[number]

/** Sends what changed to every open page, at most a few times a second. */
class LiveFeed {
  static readonly #throttleMilliseconds = 150
  readonly #server: VirtualServer
  readonly #clients = new Set<WebSocket>()
  readonly #pending = new Set<State>()
  readonly #unsubscribe: (() => void)[]
  #timer: NodeJS.Timeout | undefined

  constructor(server: VirtualServer) {
    this.#server = server
    this.#unsubscribe = [
      server.machines.changed.on('machines', () => this.#schedule('machines')),
      server.tasks.changed.on('tasks', () => this.#schedule('tasks')),
      server.networks.changed.on('networks', () => this.#schedule('networks')),
      server.events.added.on('event', (event) => this.#send({ type: 'event', event })),
    ]
  }

  add(socket: WebSocket): void {
    this.#clients.add(socket)
    this.#server.machines.watchers = this.#clients.size
    socket.on('close', () => {
      this.#clients.delete(socket)
      this.#server.machines.watchers = this.#clients.size
    })
    socket.on('error', () => socket.terminate())
    for (const state of STATES)
      this.#tell(state, (message) => {
        if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
      })
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #schedule(what: State): void {
    this.#pending.add(what)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      for (const each of this.#pending) this.#tell(each, (message) => this.#send(message))
      this.#pending.clear()
    }, LiveFeed.#throttleMilliseconds)
  }

  /** What cannot be told now is told with the next change. */
  #tell(what: State, send: (message: LiveMessage) => void): void {
    this.#message(what).then(send, (error: unknown) => console.error(error))
  }

  async #message(what: State): Promise<LiveMessage> {
    if (what === 'machines') return { type: 'machines', machines: this.#server.machines.summaries() }
    if (what === 'tasks') return { type: 'tasks', tasks: this.#server.tasks.list() }
    return networksMessage(await this.#server.networks.summaries())
  }

  #send(message: LiveMessage): void {
    if (this.#clients.size === 0) return
    const text = JSON.stringify(message)
    // A page that does not keep up gets the next whole state instead of every one in between.
    for (const client of this.#clients) if (client.bufferedAmount < HIGH_WATER_BYTES) client.send(text)
  }
}

function networksMessage(networks: Awaited<ReturnType<VirtualServer['networks']['summaries']>>): LiveMessage {
  return { type: 'networks', networks: z.array(networkSummarySchema).parse(networks) }
}
