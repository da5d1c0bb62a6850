import { readdirSync, rmSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { extname, join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import type { CaptureFilter, CaptureStatus } from '../../network/index.ts'
import { systemError } from '../../system/index.ts'
import type { EventLog } from '../event-log.ts'
import type { NetworkList } from './network-list.ts'
import type { ServerSwitch } from './switch.ts'

export interface CaptureWish {
  readonly filter: CaptureFilter
  readonly maximumBytes?: number | undefined
  readonly maximumSeconds?: number | undefined
  readonly maximumFiles?: number | undefined
}

export interface CaptureFileEntry {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedAt: string
}

const EXTENSION = '.pcapng'

/** Recording what passes in a network: into files of the captures folder, or to somebody who reads it now. */
export class NetworkCaptures {
  readonly #folder: string
  readonly #list: NetworkList
  readonly #switch: ServerSwitch
  readonly #events: EventLog

  constructor(folder: string, list: NetworkList, networkSwitch: ServerSwitch, events: EventLog) {
    this.#folder = folder
    this.#list = list
    this.#switch = networkSwitch
    this.#events = events
  }

  async running(): Promise<readonly CaptureStatus[]> {
    return (await this.#switch.status())?.captures ?? []
  }

  async start(key: string, { filter, ...limits }: CaptureWish): Promise<CaptureStatus> {
    const client = await this.#opened(key)
    const path = this.#freePath(key)
    const { maximumBytes, maximumSeconds, maximumFiles } = limits
    const file = {
      path,
      ...(maximumBytes !== undefined && { maximumBytes }),
      ...(maximumSeconds !== undefined && { maximumSeconds }),
      ...(maximumFiles !== undefined && { maximumFiles }),
    }
    const id = await client.captureToFile({ network: key, filter, file })
    this.#tell('capture-started', key, (name) => `What passes in "${name}" is recorded in ${path}.`)
    return (await this.#find(id)) ?? { ...NOTHING_YET, id, network: key, path }
  }

  /** Resolves when its file is complete. */
  async stop(id: number): Promise<CaptureStatus> {
    const capture = await this.#find(id)
    if (capture === undefined) {
      throw new VivariumError(
        'not-found',
        'capture-not-found',
        `There is no capture ${id}; it may be complete.`,
        {
          next: 'See the list of captures.',
        },
      )
    }
    await (await this.#switch.open()).stopCapture(id)
    this.#tell('capture-stopped', capture.network, (name) => `The recording of "${name}" was stopped.`)
    return capture
  }

  /** What passes from now on, as pcapng, until the reader destroys it. */
  async read(key: string, filter: CaptureFilter): Promise<Socket> {
    const client = await this.#opened(key)
    const path = await client.captureToSocket({ network: key, filter })
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', (error) => reject(systemError(error, path)))
      socket.once('connect', () => resolve(socket.removeAllListeners('error').on('error', () => undefined)))
    })
  }

  files(): CaptureFileEntry[] {
    return readdirSync(this.#folder)
      .filter((name) => extname(name) === EXTENSION)
      .map((name) => {
        const path = join(this.#folder, name)
        const { size, mtime } = statSync(path)
        return { name, path, sizeBytes: size, modifiedAt: mtime.toISOString() }
      })
      .sort((a, b) => b.modifiedAt.localeCompare(a.modifiedAt))
  }

  /** @throws VivariumError kind `not-found`. */
  file(name: string): CaptureFileEntry {
    const found = this.files().find((entry) => entry.name === name)
    if (found !== undefined) return found
    throw new VivariumError('not-found', 'capture-file-not-found', `There is no capture file ${name}.`)
  }

  async deleteFile(name: string): Promise<void> {
    const { path } = this.file(name)
    const isGrowing = (await this.running()).some((capture) => capture.path === path)
    if (isGrowing)
      throw new VivariumError('conflict', 'capture-running', `${name} is being written.`, {
        next: 'Stop the capture first.',
      })
    rmSync(path)
  }

  async #opened(key: string) {
    const network = this.#list.get(key)
    const client = await this.#switch.open()
    const { networks } = await client.status()
    if (networks.some((open) => open.key === key)) return client
    throw new VivariumError('conflict', 'network-off', `"${network.name}" is off: nothing passes in it.`, {
      next: 'Start a machine that is plugged into it.',
    })
  }

  async #find(id: number): Promise<CaptureStatus | undefined> {
    return (await this.running()).find((capture) => capture.id === id)
  }

  /** The network's key and the time, such as lab-2026-11-24-20-15-00.pcapng. */
  #freePath(key: string): string {
    const time = new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')
    const names = new Set(readdirSync(this.#folder))
    for (let number = 1; ; number++) {
      const name = `${key}-${time}${number === 1 ? '' : `-${number}`}${EXTENSION}`
      if (!names.has(name)) return join(this.#folder, name)
    }
  }

  #tell(code: string, networkKey: string, message: (networkName: string) => string): void {
    const networkName = this.#list.get(networkKey).name
    const of = { networkKey, networkName }
    this.#events.add({ severity: 'info', source: 'network', code, message: message(networkName), ...of })
  }
}

const NOTHING_YET = {
  startedAt: new Date(0).toISOString(),
  framesCaptured: 0,
  bytesCaptured: 0,
  framesDropped: 0,
}
