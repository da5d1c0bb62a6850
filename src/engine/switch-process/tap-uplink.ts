import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { NetworkEvent, VirtualNetwork } from '../../network/index.ts'
import { forkModule } from '../../system/index.ts'
import { plugSocket } from './port-socket.ts'
import { planTap, type TapSettings, type TapTask } from './tap-task.ts'
import { type Uplink, type UplinkStatus, UplinkSupervisor } from './uplink-supervisor.ts'

/** A tap device as a port of the network, carried by a process of its own (tap-main.ts): its calls wait. */
export class TapUplink implements Uplink {
  readonly #kind: TapSettings['kind']
  readonly #network: VirtualNetwork
  readonly #task: TapTask
  readonly #supervisor: UplinkSupervisor

  constructor(settings: TapSettings, network: VirtualNetwork, tell: (event: NetworkEvent) => void) {
    this.#kind = settings.kind
    this.#network = network
    this.#task = planTap(settings, network.config.key, network.config.mtu)
    this.#supervisor = new UplinkSupervisor('the process of the tap device', () => this.#start(), tell)
  }

  status(): UplinkStatus {
    return { kind: this.#kind, interface: this.#task.interface, ...this.#supervisor.status() }
  }

  close(): void {
    this.#supervisor.close()
  }

  #start(): ChildProcess {
    const child = forkModule(import.meta.url, './tap-main', [JSON.stringify(this.#task)], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'ipc'],
    })
    plugSocket(child.stdio[3] as Duplex, this.#network, `uplink ${this.#task.interface}`, () => undefined)
    return child
  }
}
