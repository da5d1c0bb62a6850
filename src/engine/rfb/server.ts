import { createServer, type Socket } from 'node:net'
import { listenPrivately } from '../../system/index.ts'
import type { FrameBuffer } from './frame-buffer.ts'
import { Keyboard } from './keyboard.ts'
import { Pointer, type PointerSink } from './pointer.ts'
import { RfbSession } from './session.ts'

export interface RfbServerOptions {
  /** Where to listen, for this user alone; what a dead process left there is removed. */
  readonly socketPath: string
  readonly name: string
  readonly screen: FrameBuffer
  readonly pointer: PointerSink
  /** Bytes of scancode set 1, as the keyboard sends them. */
  keyboard(bytes: readonly number[]): void
}

export interface RfbServer {
  readonly socketPath: string
  readonly clients: number
  close(): Promise<void>
}

/** 25 pictures a second while somebody looks; nobody looking costs nothing. */
const FRAME_MILLISECONDS = 40
/** Bytes that may wait for a client before it misses frames. */
const CONGESTED_BYTES = 1024 * 1024

/** Shows a screen to any number of RFB clients that share one keyboard and one pointer. */
export async function serveRfb(options: RfbServerOptions): Promise<RfbServer> {
  const { screen, socketPath } = options
  const keyboard = new Keyboard((bytes) => options.keyboard(bytes))
  const pointer = new Pointer(options.pointer)
  const sessions = new Map<Socket, RfbSession>()
  let timer: NodeJS.Timeout | undefined

  const tick = () => {
    screen.refresh()
    for (const session of sessions.values()) session.update()
  }
  const leave = (socket: Socket) => {
    if (!sessions.delete(socket)) return
    if (sessions.size > 0) return
    keyboard.releaseAll()
    clearInterval(timer)
    timer = undefined
  }
  const server = createServer((socket) => {
    const session = new RfbSession({
      screen,
      name: options.name,
      send: (bytes) => socket.write(bytes),
      congested: () => socket.writableLength > CONGESTED_BYTES,
      keysym: (keysym, down) => keyboard.keysym(keysym, down),
      scancode: (scancode, down) => keyboard.scancode(scancode, down),
      pointer: (x, y, buttons) => pointer.event(x, y, buttons, screen.width, screen.height),
      fail: () => socket.destroy(),
    })
    sessions.set(socket, session)
    timer ??= setInterval(tick, FRAME_MILLISECONDS)
    socket.on('data', (bytes) => session.receive(bytes))
    socket.on('drain', () => session.update())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => leave(socket))
  })
  await listenPrivately(server, socketPath)
  return {
    socketPath,
    get clients() {
      return sessions.size
    },
    async close() {
      for (const socket of sessions.keys()) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
