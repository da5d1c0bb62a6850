import { rmSync } from 'node:fs'
import type net from 'node:net'
import { join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import type { Connectable } from '../../network/index.ts'
import { identifyProcess, type ProcessIdentity } from '../../system/index.ts'
import { Captures } from './captures.ts'
import { SwitchConfiguration } from './configuration.ts'
import {
  CONTROL_SOCKET,
  captureToFileSchema,
  captureToSocketSchema,
  checked,
  leaseReferenceSchema,
  type SwitchStatus,
} from './control.ts'
import { type ControlHandlers, Owners } from './owners.ts'
import { plugSocket } from './port-socket.ts'

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
  readonly #captures: Captures
  readonly #configuration: SwitchConfiguration
  readonly #owners: Owners
  readonly #startedAt = new Date()
  #stations = 0
  #portNumber = 0
  #idleTimer: NodeJS.Timeout | undefined

  constructor(folder: string, idleSeconds: number) {
    this.#folder = folder
    this.#idleMs = idleSeconds * 1000
    this.#captures = new Captures(folder)
    this.#owners = new Owners(
      this.#handlers(),
      () => this.#watchIdle(),
      () => void this.close(),
    )
    this.#configuration = new SwitchConfiguration({
      folder,
      captures: this.#captures,
      plug: (...cable) => this.#plug(...cable),
      tell: (network, event) => this.#owners.tell({ network, ...event }),
      portName: () => `port ${++this.#portNumber}`,
    })
  }

  async open(): Promise<void> {
    // One timer for the history of all ports; it may be late, for a second more or less is no matter.
    const sampling = () => {
      for (const { network } of this.#configuration.networks.values()) network.sample()
    }
    setInterval(sampling, SAMPLE_MS).unref()
    await this.#owners.listen(this.#folder)
    this.#idleTimer = setTimeout(() => void this.close(), Math.max(this.#idleMs, FIRST_OWNER_MS))
  }

  /** Ends the process, when captures are on the disk. */
  async close(): Promise<never> {
    await this.#captures.stopAll()
    this.#configuration.close()
    rmSync(join(this.#folder, CONTROL_SOCKET), { force: true })
    process.exit(0)
  }

  #handlers(): ControlHandlers {
    const network = (key: string, who = 'The capture') => this.#configuration.demandNetwork(key, who)
    return {
      hello: () => thisProcess(),
      configure: (params) => this.#configuration.change(params),
      status: () => this.#status(),
      dropLease: (params) => {
        const { network: key, address } = checked(leaseReferenceSchema, params)
        if (!network(key).dropLease(address)) throw noSuchLease(address)
        return null
      },
      history: (params) => network(String(params), 'The question').history(),
      captureToFile: (params) => {
        const wanted = checked(captureToFileSchema, params)
        return this.#captures.toFile(network(wanted.network), wanted)
      },
      captureToSocket: (params) => {
        const wanted = checked(captureToSocketSchema, params)
        return this.#captures.toSocket(network(wanted.network), wanted)
      },
      captureStop: (params) => this.#captures.stop(Number(params)).then(() => null),
      close: () => null,
    }
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

  #status(): SwitchStatus {
    const { networks, ports } = this.#configuration
    return {
      startedAt: this.#startedAt.toISOString(),
      owners: this.#owners.count,
      networks: [...networks.values()].map((network) => network.status()),
      ports: [...ports.values()].map((port) => port.status()),
      captures: this.#captures.status(),
    }
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer)
    if (this.#owners.count === 0 && this.#stations === 0)
      this.#idleTimer = setTimeout(() => void this.close(), this.#idleMs)
  }
}

function noSuchLease(address: string): VivariumError {
  return new VivariumError('not-found', 'no-such-lease', `There is no lease of ${address}.`, {
    where: { field: 'address' },
    next: 'Look at the leases of the network.',
  })
}

function thisProcess(): ProcessIdentity {
  // Without /proc there are no start ticks; the connection itself then stands for the process.
  return identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 }
}
