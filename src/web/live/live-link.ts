import { type LiveMessage, liveMessageSchema } from '../../api/index.ts'
import { backoffMs } from './backoff.ts'

export type LinkState = 'connecting' | 'live' | 'lost'

export interface LiveHandlers {
  /** Called on every connect; `again` when there was one before, so that what was missed can be asked for. */
  connected(again: boolean): void
  lost(): void
  message(message: LiveMessage): void
}

/** The one WebSocket to /api/live. Reconnects for ever, with longer and longer pauses, until it is closed. */
export class LiveLink {
  readonly #url: string
  readonly #handlers: LiveHandlers
  readonly #watchers = new Set<() => void>()
  #socket: WebSocket | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #wasLive = false
  #state: LinkState = 'connecting'

  constructor(url: string, handlers: LiveHandlers) {
    this.#url = url
    this.#handlers = handlers
    this.#connect()
  }

  get state(): LinkState {
    return this.#state
  }

  /** For useSyncExternalStore. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Tries at once instead of waiting. */
  retry(): void {
    if (this.#socket !== undefined) return
    clearTimeout(this.#timer)
    this.#connect()
  }

  close(): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  #connect(): void {
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.onopen = () => {
      this.#attempt = 0
      this.#become('live')
      this.#handlers.connected(this.#wasLive)
      this.#wasLive = true
    }
    socket.onmessage = (event) => this.#receive(event.data)
    socket.onclose = () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#attempt++
      this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt))
      this.#become('lost')
      this.#handlers.lost()
    }
  }

  #receive(data: unknown): void {
    const parsed = liveMessageSchema.safeParse(parseJson(data))
    // A message that a newer server sends and this page does not know is skipped, not fatal.
    if (parsed.success) this.#handlers.message(parsed.data)
  }

  #become(state: LinkState): void {
    this.#state = state
    for (const watcher of this.#watchers) watcher()
  }
}

function parseJson(data: unknown): unknown {
  try {
    return JSON.parse(String(data))
  } catch {
    return undefined
  }
}
