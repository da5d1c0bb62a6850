import { randomUUID } from 'node:crypto'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { NetworkEvent, TrunkSettings, VirtualNetwork } from '../../network/index.ts'
import { readTlsRules, secure, type TlsRules, tlsClientOptions } from '../../system/index.ts'
import { exchangeHellos, type Hello, plugTrunk } from './trunk-link.ts'

/**
 * A network that spans hosts: its switches are joined by TLS, authenticated both ways. Between two of them there is one
 * cable, whoever of them dialled; frames from one trunk do not leave by another (split horizon), so everybody dials
 * everybody, or one of them is the hub.
 */

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
const CONNECT_MS = 10_000

export interface TrunkStatus {
  readonly listening?: { readonly address: string; readonly port: number }
  readonly peers: readonly {
    /** As it was dialled, or where it came from. */
    readonly address: string
    readonly isUp: boolean
    readonly problem?: string
  }[]
}

interface Peer {
  readonly address: string
  /** Whose connection it is: of two cables to one peer the same one stays at both ends. */
  readonly dialledBy: string
  readonly socket: Duplex
}

interface Dialling {
  readonly address: string
  timer?: NodeJS.Timeout
  waitMs: number
  problem?: string
}

/** @throws VivariumError when the files of the trunk cannot be used. */
export function checkTrunk(settings: TrunkSettings): { rules: TlsRules; client: ConnectionOptions } {
  return { rules: readTlsRules(settings), client: tlsClientOptions(settings, settings.identity) }
}

export class Trunk {
  readonly #settings: TrunkSettings
  readonly #network: VirtualNetwork
  readonly #tell: (event: NetworkEvent) => void
  readonly #instance = randomUUID()
  readonly #rules: TlsRules
  readonly #client: ConnectionOptions
  readonly #peers = new Map<string, Peer>()
  readonly #dialling: Dialling[] = []
  readonly #sockets = new Set<Duplex>()
  #server: net.Server | undefined
  #listenTimer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(settings: TrunkSettings, network: VirtualNetwork, tell: (event: NetworkEvent) => void) {
    this.#settings = settings
    this.#network = network
    this.#tell = tell
    const { rules, client } = checkTrunk(settings)
    this.#rules = rules
    this.#client = client
    this.#listen()
    for (const { host, port } of settings.connect) {
      const dialling: Dialling = { address: `${host}:${port}`, waitMs: FIRST_WAIT_MS }
      this.#dialling.push(dialling)
      this.#dial(dialling, host, port)
    }
  }

  status(): TrunkStatus {
    const bound = this.#server?.address() as AddressInfo | null | undefined
    const isUp = (wanted: string) => [...this.#peers.values()].some(({ address }) => address === wanted)
    const dialled = this.#dialling.map(({ address, problem }) => {
      const up = isUp(address)
      return { address, isUp: up, ...(!up && problem !== undefined && { problem }) }
    })
    const others = [...this.#peers.values()].filter(
      ({ address }) => !this.#dialling.some((one) => one.address === address),
    )
    return {
      ...(bound && { listening: { address: bound.address, port: bound.port } }),
      peers: [...dialled, ...others.map(({ address }) => ({ address, isUp: true }))],
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#listenTimer)
    for (const { timer } of this.#dialling) clearTimeout(timer)
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #listen(): void {
    const where = this.#settings.listen
    if (where === undefined) return
    const server = net.createServer((plain) => {
      this.#keep(plain)
      const address = `${plain.remoteAddress}:${plain.remotePort}`
      secure(plain, this.#rules, (secured) => void this.#meet(secured, address, 'them'))
    })
    server.on('error', (error) => {
      this.#tell({
        severity: 'error',
        code: 'trunk-not-listening',
        message: `The trunk cannot listen at ${where.address}:${where.port}: ${error.message}.`,
        next: 'Choose another port; it is tried again meanwhile.',
      })
      this.#listenTimer = setTimeout(() => this.#listen(), LONGEST_WAIT_MS)
      this.#listenTimer.unref()
    })
    server.listen(where.port, where.address)
    this.#server = server
  }

  #dial(dialling: Dialling, host: string, port: number): void {
    if (this.#isClosed) return
    const socket = connectTls({ ...this.#client, host, port })
    this.#keep(socket)
    const patience = setTimeout(() => socket.destroy(new Error('no answer')), CONNECT_MS)
    socket.on('error', (error) => {
      dialling.problem = error.message
    })
    socket.once('secureConnect', () => {
      clearTimeout(patience)
      void this.#meet(socket, dialling.address, 'us').then((problem) => {
        if (problem === undefined) dialling.waitMs = FIRST_WAIT_MS
        else dialling.problem = problem
      })
    })
    socket.once('close', () => {
      clearTimeout(patience)
      if (this.#isClosed) return
      dialling.timer = setTimeout(() => this.#dial(dialling, host, port), dialling.waitMs)
      dialling.timer.unref()
      dialling.waitMs = Math.min(dialling.waitMs * 2, LONGEST_WAIT_MS)
    })
  }

  /** Plugs in whoever is at the other end, or says why not and closes the connection. */
  async #meet(socket: Duplex, address: string, dialledBy: 'us' | 'them'): Promise<string | undefined> {
    const own: Hello = {
      vivarium: 'trunk',
      version: 1,
      instance: this.#instance,
      network: this.#network.config.name,
    }
    const hello = await exchangeHellos(socket, own)
    if (socket.destroyed || this.#isClosed) return 'It closed the connection at once.'
    const peer = { address, dialledBy: dialledBy === 'us' ? this.#instance : (hello?.instance ?? ''), socket }
    const problem = hello === undefined ? 'It is no trunk of Vivarium.' : this.#refuse(hello.instance, peer)
    if (problem !== undefined || hello === undefined) {
      socket.destroy()
      return problem
    }
    this.#peers.get(hello.instance)?.socket.destroy()
    this.#peers.set(hello.instance, peer)
    plugTrunk(socket, this.#network, `trunk ${address}`, this.#settings.hub, () =>
      this.#lost(hello.instance, peer),
    )
    this.#tell({
      severity: 'info',
      code: 'trunk-up',
      message: `The trunk to ${address} is up ("${hello.network}").`,
    })
    return undefined
  }

  /** The second cable to one peer: of two that were dialled from both ends, the smaller number's stays. */
  #refuse(instance: string, peer: Peer): string | undefined {
    if (instance === this.#instance) return 'It is this network itself.'
    const known = this.#peers.get(instance)
    if (known === undefined || known.dialledBy === peer.dialledBy) return undefined
    return known.dialledBy < peer.dialledBy ? 'There is a trunk to this host already.' : undefined
  }

  #lost(instance: string, peer: Peer): void {
    if (this.#peers.get(instance) !== peer) return
    this.#peers.delete(instance)
    if (this.#isClosed) return
    this.#tell({
      severity: 'warning',
      code: 'trunk-down',
      message: `The trunk to ${peer.address} is down.`,
      next: 'It comes back by itself when that host answers.',
    })
  }

  #keep(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
