import { join } from 'node:path'
import { Events } from '../../base/index.ts'
import {
  adoptSwitch,
  type SwitchClient,
  type SwitchEvent,
  type SwitchPortSettings,
  type SwitchSettings,
  type SwitchStatus,
  startSwitch,
} from '../../engine/index.ts'
import type { SwitchHistory } from '../../network/index.ts'

export interface ServerSwitchEvents {
  /** What a network has to tell people. */
  network: SwitchEvent
  /** It started, ended, or got other settings. */
  changed: undefined
}

/**
 * The switch process of this server: started with the first machine that needs it, taken over by the next server. It
 * is given everything anew whenever something changed.
 */
export class ServerSwitch {
  readonly events = new Events<ServerSwitchEvents>()
  /** The ports of running machines, by key. */
  readonly ports = new Map<string, SwitchPortSettings>()
  readonly #folder: string
  readonly #networks: () => SwitchSettings['networks']
  #client: SwitchClient | undefined
  #opening: Promise<SwitchClient> | undefined
  #applying: Promise<void> = Promise.resolve()
  #waiting: Promise<void> | undefined

  constructor(folder: string, networks: () => SwitchSettings['networks']) {
    this.#folder = folder
    this.#networks = networks
  }

  get isRunning(): boolean {
    return this.#client !== undefined
  }

  /** Where an adapter connects, whether the switch runs yet or not. */
  socketOf(port: string): string {
    return join(this.#folder, `${port}.port`)
  }

  /** Takes over the switch of an earlier server, if its machines kept it alive, with the ports that it has. */
  async adopt(): Promise<void> {
    const found = await adoptSwitch(this.#folder)
    if (found === undefined) return
    this.#follow(found)
    const { ports } = await found.status()
    for (const { key, network } of ports)
      this.ports.set(key, { key, name: key, ...(network !== undefined && { network }) })
  }

  /** Makes sure that it runs. */
  async open(): Promise<SwitchClient> {
    if (this.#client !== undefined) return this.#client
    this.#opening ??= startSwitch({ socketFolder: this.#folder, ...this.#settings() })
      .then((started) => this.#follow(started))
      .finally(() => {
        this.#opening = undefined
      })
    return this.#opening
  }

  /** Gives it the settings of now. Calls while one waits are one call. @throws as the switch refuses them. */
  async apply(): Promise<void> {
    this.#waiting ??= this.#applying
      .catch(() => undefined)
      .then(() => {
        this.#waiting = undefined
        this.#applying = this.#configure()
        return this.#applying
      })
    await this.#waiting
  }

  /** Undefined while it does not run. */
  async status(): Promise<SwitchStatus | undefined> {
    return this.#client?.status().catch(() => undefined)
  }

  /** Undefined while it does not run. */
  async history(key: string): Promise<SwitchHistory | undefined> {
    return this.#client?.history(key).catch(() => undefined)
  }

  async close(keepRunning: boolean): Promise<void> {
    const client = this.#client
    this.#client = undefined
    if (keepRunning) client?.detach()
    else await client?.stop()
  }

  async #configure(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    await this.#client?.configure(this.#settings())
    this.events.emit('changed', undefined)
  }

  #settings(): { networks: SwitchSettings['networks']; ports: SwitchPortSettings[] } {
    const networks = this.#networks()
    const open = new Set(networks.map(({ key }) => key))
    const ports = [...this.ports.values()].map(({ network, ...port }) => ({
      ...port,
      // A network that cannot be opened is a cable with nothing at its end.
      ...(network !== undefined && open.has(network) && { network }),
    }))
    return { networks, ports }
  }

  #follow(client: SwitchClient): SwitchClient {
    this.#client = client
    client.events.on('network', (event) => this.events.emit('network', event))
    client.events.on('closed', () => {
      if (this.#client !== client) return
      this.#client = undefined
      this.events.emit('changed', undefined)
    })
    this.events.emit('changed', undefined)
    return client
  }
}
