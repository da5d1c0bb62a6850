import net from 'node:net'
import { VivariumError } from '../../base/index.ts'
import { type Disk, NbdExport, type NbdSession } from '../../disk/index.ts'
import { listenPrivately } from '../private-socket.ts'
import { systemError } from '../system-error.ts'
import { type ConnectionRules, serveConnection } from './connection.ts'

/** QEMU opens one connection, nbdcopy four; the rest is room for people. */
const MAXIMUM_CONNECTIONS = 64
/** A host that has lost its power says nothing more; after this time it is asked. */
const KEEP_ALIVE_MS = 60_000

/** A Unix socket that only this user can open, or a TCP port; port 0 = any free one. */
export type NbdAddress = { readonly path: string } | { readonly host: string; readonly port: number }

export interface ServeOptions extends ConnectionRules {
  /** Called when a client that had chosen an export has gone, and no other such one is left. */
  readonly onLastGone?: () => void
}

export interface NbdListener {
  readonly address: NbdAddress
  /** Clients connected now. */
  readonly connections: number
  /** Ends all connections and removes the socket. The disks stay open, and unflushed as they are. */
  close(): Promise<void>
}

/**
 * Serves disks over NBD in this very process. A single disk is the default export, with the empty name. Reads and
 * writes block the event loop: a server of many machines starts `startDiskServer` of the engine room instead.
 * @throws VivariumError kind `invalid`, `busy`, `denied` or `not-found` about the socket or the port.
 */
export async function serveNbd(
  served: Disk | readonly NbdExport[],
  address: NbdAddress,
  options: ServeOptions = {},
): Promise<NbdListener> {
  const exports = 'sizeBytes' in served ? [new NbdExport('', served)] : served
  const sessions = new Map<net.Socket, NbdSession>()
  const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
  server.maxConnections = MAXIMUM_CONNECTIONS
  server.on('connection', (socket) => {
    const session = serveConnection(socket, exports, options)
    sessions.set(socket, session)
    socket.once('close', () => {
      sessions.delete(socket)
      const inUse = [...sessions.values()].some(({ chosen }) => chosen !== undefined)
      if (session.chosen !== undefined && !inUse) options.onLastGone?.()
    })
  })
  if ('path' in address) await listenPrivately(server, address.path)
  else await listenOnPort(server, address)
  return {
    address: 'path' in address ? address : { ...address, port: (server.address() as net.AddressInfo).port },
    get connections() {
      return sessions.size
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sessions.keys()) socket.destroy()
      }),
  }
}

async function listenOnPort(
  server: net.Server,
  { host, port }: { host: string; port: number },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(portError(error, host, port)))
    server.listen(port, host, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => undefined)
}

function portError(error: NodeJS.ErrnoException, host: string, port: number): VivariumError {
  const place = `${host} port ${port}`
  if (error.code === 'EADDRINUSE') {
    return new VivariumError('busy', 'port-in-use', `Another process listens on ${place}.`, {
      next: 'Choose another port, or 0 for any free one.',
      cause: error,
    })
  }
  return systemError(error, place)
}
