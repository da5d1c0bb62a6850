import { rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import {
  type NetworkConfig,
  type NetworkEvent,
  type TrunkSettings,
  VirtualNetwork,
} from '../../network/index.ts'
import { listenPrivately } from '../../system/index.ts'
import type { Captures } from './captures.ts'
import type { SwitchNetworkStatus } from './control.ts'
import { HOST_WORLD } from './host-world.ts'
import { type JournalPaths, NetworkJournals } from './network-journals.ts'
import type { Plug } from './open-port.ts'
import { PasstUplink } from './passt.ts'
import { TapUplink } from './tap-uplink.ts'
import { Trunk } from './trunk.ts'
import type { Uplink } from './uplink-supervisor.ts'

/** What a network of the switch process gets from it. */
export interface NetworkKeeper {
  readonly folder: string
  readonly plug: Plug
  readonly captures: Captures
  readonly tell: (network: string, event: NetworkEvent) => void
  /** A name for a station that has none. */
  readonly portName: () => string
}

/** A network with its sockets, its journals and what it reaches beyond its machines. */
export class OpenNetwork {
  readonly network: VirtualNetwork
  readonly journals: NetworkJournals
  readonly #keeper: NetworkKeeper
  readonly #stations: net.Server
  readonly #readers: net.Server
  #uplink: Uplink | undefined
  /** The settings, or the router, that the uplink was made for. */
  #uplinkOf: unknown
  #trunk: Trunk | undefined
  #trunkOf: TrunkSettings | undefined

  /** @throws VivariumError on settings that cannot work, a journal that cannot be read, a socket that is taken. */
  static async open(config: NetworkConfig, paths: JournalPaths, keeper: NetworkKeeper): Promise<OpenNetwork> {
    const open = new OpenNetwork(config, paths, keeper)
    await listenPrivately(open.#stations, open.#socket)
    await listenPrivately(open.#readers, open.#captureSocket)
    open.#connectUplink()
    open.#connectTrunk()
    return open
  }

  private constructor(config: NetworkConfig, paths: JournalPaths, keeper: NetworkKeeper) {
    this.#keeper = keeper
    this.journals = new NetworkJournals(paths)
    this.network = new VirtualNetwork(config, {
      journals: this.journals.journals,
      world: HOST_WORLD,
      tell: (event) => keeper.tell(config.key, event),
    })
    this.#stations = net.createServer((station) =>
      keeper.plug(station, this.network, keeper.portName(), () => undefined),
    )
    this.#readers = keeper.captures.listener(this.network)
  }

  configure(config: NetworkConfig): void {
    if (isDeepStrictEqual(this.network.config, config)) return
    this.network.configure(config)
    this.#connectUplink()
    this.#connectTrunk()
  }

  status(): SwitchNetworkStatus {
    const { problems } = this.journals
    const uplink = this.#uplink && { uplink: this.#uplink.status() }
    const trunk = this.#trunk && { trunk: this.#trunk.status() }
    return { ...this.network.status(), socket: this.#socket, problems, ...uplink, ...trunk }
  }

  close(): void {
    this.#stations.close()
    this.#readers.close()
    void this.#keeper.captures.stopAll(this.network.config.key)
    this.#uplink?.close()
    this.#trunk?.close()
    this.network.close()
    this.journals.close()
    rmSync(this.#socket, { force: true })
    rmSync(this.#captureSocket, { force: true })
  }

  /** What stays the same stays up. */
  #connectUplink(): void {
    const { nat, config } = this.network
    const wanted = nat ?? (config.uplink && { uplink: config.uplink, mtu: config.mtu })
    if (wanted === this.#uplinkOf || (nat === undefined && isDeepStrictEqual(wanted, this.#uplinkOf))) return
    this.#uplink?.close()
    this.#uplinkOf = wanted
    const tell = (event: NetworkEvent) => this.#keeper.tell(config.key, event)
    if (nat !== undefined) this.#uplink = new PasstUplink(nat, tell)
    else if (config.uplink === undefined || config.uplink.kind === 'none' || config.uplink.kind === 'nat')
      this.#uplink = undefined
    else this.#uplink = new TapUplink(config.uplink, this.network, tell)
  }

  #connectTrunk(): void {
    const wanted = this.network.config.trunk
    if (isDeepStrictEqual(wanted, this.#trunkOf)) return
    this.#trunk?.close()
    this.#trunkOf = wanted
    const tell = (event: NetworkEvent) => this.#keeper.tell(this.network.config.key, event)
    this.#trunk = wanted && new Trunk(wanted, this.network, tell)
  }

  get #socket(): string {
    return join(this.#keeper.folder, `${this.network.config.key}.net`)
  }

  get #captureSocket(): string {
    return join(this.#keeper.folder, `${this.network.config.key}.capture`)
  }
}
