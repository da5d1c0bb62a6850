import { rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import {
  type Connectable,
  checkNetwork,
  type NetworkEvent,
  planServices,
  type VirtualNetwork,
} from '../../network/index.ts'
import { identifyProcess, listenPrivately, type ProcessIdentity } from '../../system/index.ts'
import { Captures } from './captures.ts'
import {
  CONTROL_SOCKET,
  type ControlMethod,
  type ControlMethods,
  captureToFileSchema,
  captureToSocketSchema,
  controlRequestSchema,
  leaseReferenceSchema,
  onDocuments,
  type SwitchStatus,
  sendDocument,
  type switchNetworkSchema,
  switchSettingsSchema,
} from './control.ts'
import { type NetworkKeeper, OpenNetwork } from './open-network.ts'
import { OpenPort } from './open-port.ts'
import { plugSocket } from './port-socket.ts'
import { checkTrunk } from './trunk.ts'

const SAMPLE_MS = 1000
/** Whoever started the process gets so long to connect, on a busy computer too. */
const FIRST_OWNER_MS = 15_000

/**
 * The networks of one socket folder, in the process that main.ts is.
 *
 *     FOLDER/switch.control   owners: the server, a test
 *     FOLDER/KEY.net          stations of network KEY, any number
 *     FOLDER/KEY.port         the station of port KEY, on whichever network the port is patched to
 *     FOLDER/KEY.capture      readers of what passes in network KEY
 *
 * It lives while there is an owner or a station: machines keep their network over a restart of the server, and when
 * both are gone for a while, so is it.
 */
export class SwitchServer {
  readonly #folder: string
  readonly #idleMs: number
  readonly #networks = new Map<string, OpenNetwork>()
  readonly #ports = new Map<string, OpenPort>()
  readonly #captures: Captures
  readonly #owners = new Set<net.Socket>()
  readonly #control: net.Server
  readonly #keeper: NetworkKeeper
  readonly #startedAt = new Date()
  /** Changes of the configuration happen one after the other. */
  #configuring: Promise<unknown> = Promise.resolve()
  #stations = 0
  #portNumber = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(folder: string, idleSeconds: number) {
    this.#folder = folder
    this.#idleMs = idleSeconds * 1000
    this.#captures = new Captures(folder)
    this.#control = net.createServer((socket) => this.#welcome(socket))
    this.#keeper = {
      folder,
      captures: this.#captures,
      plug: (...cable) => this.#plug(...cable),
      tell: (network, event) => this.#tell(network, event),
      portName: () => `port ${++this.#portNumber}`,
    }
  }

  async open(): Promise<void> {
    // One timer for the history of all ports; it may be late, for a second more or less is no matter.
    const sampling = () => {
      for (const { network } of this.#networks.values()) network.sample()
    }
    setInterval(sampling, SAMPLE_MS).unref()
    await listenPrivately(this.#control, join(this.#folder, CONTROL_SOCKET))
    this.#idleTimer = setTimeout(() => void this.close(), Math.max(this.#idleMs, FIRST_OWNER_MS))
  }

  /** Ends the process, when captures are on the disk. */
  async close(): Promise<never> {
    await this.#captures.stopAll()
    for (const port of this.#ports.values()) port.close()
    for (const network of this.#networks.values()) network.close()
    rmSync(join(this.#folder, CONTROL_SOCKET), { force: true })
    process.exit(0)
  }

  #welcome(socket: net.Socket): void {
    this.#owners.add(socket)
    this.#watchIdle()
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#owners.delete(socket)
      this.#watchIdle()
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
      sendDocument(socket, { id, result: await this.#methods[method](params) })
    } catch (error) {
      sendDocument(socket, { id, error: asVivariumError(error).toJSON() })
    }
    if (method === 'close') socket.end(() => void this.close())
  }

  readonly #methods: {
    readonly [Method in ControlMethod]: (
      params: unknown,
    ) => ControlMethods[Method]['result'] | Promise<ControlMethods[Method]['result']>
  } = {
    hello: () => thisProcess(),
    configure: (params) => {
      const turn = this.#configuring.then(() => this.#configure(params))
      this.#configuring = turn.catch(() => undefined)
      return turn
    },
    status: () => this.#status(),
    dropLease: (params) => {
      const { network, address } = checked(leaseReferenceSchema, params)
      if (!this.#demandNetwork(network).dropLease(address)) throw noSuchLease(address)
      return null
    },
    history: (params) => this.#demandNetwork(String(params), 'The question').history(),
    captureToFile: (params) => {
      const wanted = checked(captureToFileSchema, params)
      return this.#captures.toFile(this.#demandNetwork(wanted.network), wanted)
    },
    captureToSocket: (params) => {
      const wanted = checked(captureToSocketSchema, params)
      return this.#captures.toSocket(this.#demandNetwork(wanted.network), wanted)
    },
    captureStop: (params) => this.#captures.stop(Number(params)).then(() => null),
    close: () => null,
  }

  async #configure(params: unknown): Promise<null> {
    const settings = checked(switchSettingsSchema, params)
    const networks = byKey(settings.networks, 'networks')
    const ports = byKey(settings.ports, 'ports')
    // All settings are checked before anything changes.
    for (const network of networks.values()) {
      planServices(network)
      checkNetwork(network)
      if (network.trunk !== undefined) checkTrunk(network.trunk)
    }
    for (const { key, network } of ports.values())
      if (network !== undefined && !networks.has(network)) throw noSuchNetwork(network, `Port "${key}"`)
    closeAll(this.#ports, (key) => !ports.has(key))
    closeAll(this.#networks, (key, { journals }) => {
      const wanted = networks.get(key)
      return wanted === undefined || !isDeepStrictEqual(apart(wanted).paths, journals.paths)
    })
    for (const wanted of networks.values()) {
      const { config, paths } = apart(wanted)
      const open = this.#networks.get(config.key)
      if (open !== undefined) open.configure(config)
      else this.#networks.set(config.key, await OpenNetwork.open(config, paths, this.#keeper))
    }
    for (const port of ports.values()) {
      const open = this.#ports.get(port.key) ?? (await OpenPort.open(this.#folder, port, this.#keeper.plug))
      this.#ports.set(port.key, open)
      open.configure(port, port.network === undefined ? undefined : this.#networks.get(port.network)?.network)
    }
    return null
  }

  #demandNetwork(key: string, who = 'The capture'): VirtualNetwork {
    const open = this.#networks.get(key)
    if (open === undefined) throw noSuchNetwork(key, who)
    return open.network
  }

  #plug(station: net.Socket, network: Connectable, name: string, unplugged: () => void): void {
    this.#stations++
    this.#watchIdle()
    plugSocket(station, network, name, () => {
      this.#stations--
      unplugged()
      this.#watchIdle()
    })
  }

  #tell(network: string, event: NetworkEvent): void {
    for (const owner of this.#owners) sendDocument(owner, { event: { network, ...event } })
  }

  #status(): SwitchStatus {
    return {
      startedAt: this.#startedAt.toISOString(),
      owners: this.#owners.size,
      networks: [...this.#networks.values()].map((network) => network.status()),
      ports: [...this.#ports.values()].map((port) => port.status()),
      captures: this.#captures.status(),
    }
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer)
    if (this.#owners.size === 0 && this.#stations === 0)
      this.#idleTimer = setTimeout(() => void this.close(), this.#idleMs)
  }
}

/** What the network is, and where it remembers. */
function apart({ leaseFile, dnsFile, winsFile, ...config }: z.output<typeof switchNetworkSchema>) {
  return { config, paths: { leaseFile, dnsFile, winsFile } }
}

function checked<Schema extends z.ZodType>(schema: Schema, params: unknown): z.output<Schema> {
  const parsed = schema.safeParse(params)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new VivariumError('invalid', 'network-settings', `${issue.message}.`, {
    where: { field: issue.path.join('.') },
    next: 'Change the settings of the network.',
  })
}

function closeAll<Item extends { close(): void }>(
  open: Map<string, Item>,
  isDone: (key: string, item: Item) => boolean,
): void {
  for (const [key, item] of open) {
    if (!isDone(key, item)) continue
    open.delete(key)
    item.close()
  }
}

function byKey<Item extends { readonly key: string }>(
  items: readonly Item[],
  field: string,
): Map<string, Item> {
  const found = new Map<string, Item>()
  for (const item of items) {
    if (found.has(item.key))
      throw new VivariumError('invalid', 'network-key-twice', `Two ${field} have the key "${item.key}".`, {
        where: { field: 'key' },
        next: 'Give each a key of its own.',
      })
    found.set(item.key, item)
  }
  return found
}

function noSuchLease(address: string): VivariumError {
  return new VivariumError('not-found', 'no-such-lease', `There is no lease of ${address}.`, {
    where: { field: 'address' },
    next: 'Look at the leases of the network.',
  })
}

function noSuchNetwork(network: string, who: string): VivariumError {
  return new VivariumError(
    'invalid',
    'no-such-network',
    `${who} names the network "${network}", and there is none of that key.`,
    { where: { field: 'network' }, next: 'Name one of the networks.' },
  )
}

function thisProcess(): ProcessIdentity {
  // Without /proc there are no start ticks; the connection itself then stands for the process.
  return identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 }
}

function asVivariumError(error: unknown): VivariumError {
  if (error instanceof VivariumError) return error
  console.error(error)
  return new VivariumError('io', 'switch-failed', `The switch failed: ${(error as Error).message}.`, {
    cause: error,
  })
}
