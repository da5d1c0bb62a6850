import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { VivariumError } from '../../base/index.ts'
import type { VirtualServer } from '../../server/index.ts'
import { createApp } from './app.ts'
import { Guard } from './guard.ts'
import { canonicalHost, namesOf, reachableHost } from './host-names.ts'
import { attachSockets } from './sockets.ts'

export interface ListenOptions {
  /** Address to listen on; 0.0.0.0 and :: are every interface. */
  readonly host: string
  /** More names by which the server may be called. */
  readonly names?: readonly string[]
  /** 0 = any free port. */
  readonly port: number
  /** Where the built site lies. */
  readonly siteFolder: string
}

export interface Listening {
  /** "http://127.0.0.1:1024" */
  readonly url: string
  close(): Promise<void>
}

/** Far more than people have; bounds what strangers, too, can make the server hold. */
const MOST_CONNECTIONS = 1000

/** Opens the port and serves. @throws VivariumError when the port is in use or not allowed, or the host is not ours. */
export async function listen(server: VirtualServer, options: ListenOptions): Promise<Listening> {
  for (const name of options.names ?? []) demandHost(name, '--name')
  demandHost(options.host, '--host')
  const guard = new Guard(server.sessions, () => [...namesOf(options.host), ...(options.names ?? [])])
  const http = createServer()
  http.maxConnections = MOST_CONNECTIONS
  const sockets = attachSockets(http, server, guard)
  const app = createApp(server, {
    guard,
    siteFolder: options.siteFolder,
    onSignOut: () => sockets.closeSignedOut(),
  })
  http.on('request', getRequestListener(app.fetch))
  await open(http, options)
  const { port } = http.address() as AddressInfo
  return {
    url: `http://${reachableHost(options.host)}:${port}`,
    close: () =>
      new Promise((resolve) => {
        sockets.close()
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

function open(http: HttpServer, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
    http.listen(port, host.replace(/^\[(.*)\]$/, '$1'), () => resolve())
  })
}

function demandHost(name: string, field: string): void {
  if (canonicalHost(name) !== undefined) return
  throw new VivariumError('invalid', 'invalid-host', `"${name}" is no host name or address.`, {
    where: { field },
    next: 'Write it without http:// and without a port.',
  })
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): VivariumError {
  const atPort = { where: { field: '--port' }, cause }
  if (cause.code === 'EADDRINUSE') {
    return new VivariumError('busy', 'port-in-use', `Port ${port} on ${host} is in use by another program.`, {
      ...atPort,
      next: `Choose another with --port, for example --port ${port < 65535 ? port + 1 : 1024}.`,
    })
  }
  if (cause.code === 'EACCES') {
    return new VivariumError('denied', 'port-not-allowed', `This user may not open port ${port}.`, {
      ...atPort,
      next: 'Choose a port from 1024 on with --port.',
    })
  }
  // What is left is about the host: its name is unknown (ENOTFOUND, EAI_*), or the address is of no interface here.
  return new VivariumError('unavailable', 'cannot-listen', `${host} cannot be listened on: ${cause.code}.`, {
    where: { field: '--host' },
    cause,
    next: 'Choose an address of this computer with --host, or 0.0.0.0 for all of them.',
  })
}
