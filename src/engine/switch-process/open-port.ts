import { rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import type { z } from 'zod'
import { type Connectable, Patch, parseMac, type VirtualNetwork } from '../../network/index.ts'
import { listenPrivately } from '../../system/index.ts'
import type { SwitchPortStatus, switchPortSchema } from './control.ts'

/** Plugs a station's socket in, and calls back when it is gone. */
export type Plug = (station: net.Socket, network: Connectable, name: string, unplugged: () => void) => void

type Settings = z.output<typeof switchPortSchema>

/** A port with a socket of its own, for one adapter, and what it is patched to. */
export class OpenPort {
  readonly #patch = new Patch()
  readonly #stations = new Set<net.Socket>()
  readonly #socket: string
  readonly #listener: net.Server
  #settings: Settings
  #network: VirtualNetwork | undefined

  static async open(folder: string, settings: Settings, plug: Plug): Promise<OpenPort> {
    const port = new OpenPort(folder, settings, plug)
    await listenPrivately(port.#listener, port.#socket)
    return port
  }

  private constructor(folder: string, settings: Settings, plug: Plug) {
    this.#settings = settings
    this.#socket = join(folder, `${settings.key}.port`)
    this.#listener = net.createServer((station) => {
      // An adapter that connects anew has lost its old connection, whether that knows it or not.
      for (const old of this.#stations) old.destroy()
      this.#stations.add(station)
      plug(station, this.#patch, this.#settings.name, () => this.#stations.delete(station))
    })
  }

  configure(settings: Settings, network: VirtualNetwork | undefined): void {
    const { key, name: _name, network: _network, machine, ...port } = settings
    if (network !== this.#network) this.#network?.names.forgetMachine(key)
    this.#network = network
    const mac = machine && parseMac(machine.mac)
    if (machine === undefined || mac === undefined) network?.names.forgetMachine(key)
    else network?.names.callMachine(key, mac, machine.name)
    this.#settings = settings
    this.#patch.configure(port)
    this.#patch.to(network)
  }

  status(): SwitchPortStatus {
    const { key, network } = this.#settings
    const stations = this.#stations.size
    return { key, socket: this.#socket, ...(network !== undefined && { network }), stations }
  }

  close(): void {
    this.#network?.names.forgetMachine(this.#settings.key)
    this.#listener.close()
    this.#patch.close()
    rmSync(this.#socket, { force: true })
  }
}
