import type { Socket } from 'node:net'
import { type NbdExport, NbdSession } from '../../disk/index.ts'
import { secure, type TlsRules } from '../tls.ts'

/** Replies that the socket has not taken yet; above this no more requests are carried out. Bytes. */
const CONGESTED_BYTES = 512 * 1024
/** How long a client may take to read the last replies after the session has ended. */
const LINGER_MS = 5000

export interface ConnectionRules {
  /** Nothing but STARTTLS is answered before TLS is on. */
  readonly tls?: TlsRules
  /** How long a client may take to choose an export. Milliseconds; absent = for ever. */
  readonly handshakeMs?: number
  /**
   * How long a client may leave a request half sent, or replies untaken, without any progress. Milliseconds; absent =
   * for ever, as a machine that is stopped for a while needs it. Between two requests it may always be silent.
   */
  readonly stalledMs?: number
}

/** Connects a socket to a session of its own until either side ends. Returns that session. */
export function serveConnection(
  plain: Socket,
  exports: readonly NbdExport[],
  { tls, handshakeMs, stalledMs }: ConnectionRules = {},
): NbdSession {
  const session = new NbdSession(exports, { requireTls: tls !== undefined })
  let socket = plain
  let waiting = false
  let ended = false
  let deadline = handshakeMs === undefined ? undefined : setTimeout(() => socket.destroy(), handshakeMs)

  const goOn = (): void => {
    waiting = false
    pump()
  }
  const wait = (): void => {
    waiting = true
    socket.pause()
  }
  const pump = (): void => {
    for (;;) {
      const outcome = session.advance()
      sendReplies(socket, session)
      if (deadline !== undefined && session.chosen !== undefined) {
        clearTimeout(deadline)
        deadline = undefined
      }
      if (outcome === 'ended') {
        ended = true
        socket.end()
        socket.setTimeout(LINGER_MS, () => socket.destroy())
        return
      }
      if (outcome === 'start-tls') {
        startTls(tls!)
        return
      }
      if (socket.writableLength > CONGESTED_BYTES) {
        wait()
        socket.once('drain', goOn)
        return
      }
      if (outcome === 'working') {
        wait()
        setImmediate(goOn)
        return
      }
      if (outcome === 'starved') {
        if (socket.isPaused()) socket.resume()
        return
      }
    }
  }
  const take = (chunk: Buffer): void => {
    session.receive(chunk)
    if (!waiting) pump()
  }
  const listen = (): void => {
    socket.on('data', take)
    // A client that vanishes is not an event; `close` follows and the session is forgotten.
    socket.on('error', () => undefined)
    if (stalledMs === undefined) return
    socket.setTimeout(stalledMs, () => {
      if (ended || !session.idle || socket.writableLength > 0) socket.destroy()
    })
  }
  const startTls = (rules: TlsRules): void => {
    plain.off('data', take)
    plain.setTimeout(0)
    secure(plain, rules, (secured) => {
      socket = secured
      session.secured()
      listen()
    })
  }

  plain.once('close', () => clearTimeout(deadline))
  listen()
  pump()
  return session
}

/** All replies of one burst go out in one system call. */
function sendReplies(socket: Socket, { replies }: NbdSession): void {
  let page = replies.take()
  if (page === undefined) return
  socket.cork()
  while (page !== undefined) {
    const sent = page
    socket.write(sent.bytes.subarray(0, sent.used), () => replies.release(sent))
    page = replies.take()
  }
  socket.uncork()
}
