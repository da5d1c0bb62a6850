import { existsSync } from 'node:fs'
import { VivariumError } from '../../../base/index.ts'
import type { RunAdapter } from '../../engine.ts'
import { adapterId } from './argv.ts'
import { ignoreRefusal } from './qmp.ts'
import type { QmpEvent } from './qmp-messages.ts'

/** A port of our switch accepts at once; this is for a host under load. */
const CONNECT_LIMIT_MS = 5000
/** How often a lost switch is looked for. */
const RETRY_MS = 3000

type Execute = (command: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>

/**
 * The cables between the network adapters and our switch. In QEMU a cable is two netdevs, put in and taken out
 * while the machine runs:
 *
 *     adapter nic-0 -- hub-0 [hub 0] plug-0 -- cable-0 == Unix socket == switch
 *
 * When the switch goes away (a restart of its process), the guest sees its link go down, and up again as soon
 * as somebody listens at the same path.
 */
export class Cables {
  readonly #execute: Execute
  readonly #connecting = new Map<string, () => void>()
  readonly #plugged = new Map<string, RunAdapter>()
  readonly #retries = new Map<string, NodeJS.Timeout>()
  #closed = false

  constructor(execute: Execute) {
    this.#execute = execute
  }

  /**
   * Connects an adapter to its switch port, anew if it was connected; without a port its link goes down.
   * @throws VivariumError kind `unavailable` where nobody accepts; the cable is then out.
   */
  async plug(adapter: RunAdapter): Promise<void> {
    const id = cableId(adapter.index)
    await this.unplug(adapter)
    if (adapter.switchSocket === undefined) return
    // QEMU says when it is connected, and nothing when it is not; the commonest reason need not wait for that.
    if (!existsSync(adapter.switchSocket)) throw refused(adapter)
    const connected = this.#waitConnected(id)
    try {
      const addr = { type: 'unix', path: adapter.switchSocket }
      await this.#execute('netdev_add', { type: 'stream', id, server: false, addr })
      const hub = { hubid: adapter.index, netdev: id }
      await this.#execute('netdev_add', { type: 'hubport', id: plugId(adapter.index), ...hub })
      if (!(await connected)) throw refused(adapter)
      await this.#execute('set_link', { name: adapterId(adapter.index), up: true })
      this.#plugged.set(id, adapter)
    } catch (error) {
      this.#connecting.delete(id)
      await this.unplug(adapter)
      throw error
    }
  }

  /** Connects the adapter now, or as soon as its switch accepts. */
  async keep(adapter: RunAdapter): Promise<void> {
    try {
      await this.plug(adapter)
    } catch {
      // The switch is not back yet, or the machine is gone, which `close` tells.
      if (this.#closed) return
      const timer = setTimeout(() => void this.keep(adapter), RETRY_MS).unref()
      this.#retries.set(cableId(adapter.index), timer)
    }
  }

  /** Takes the cable out. Idempotent. */
  async unplug(adapter: RunAdapter): Promise<void> {
    this.#plugged.delete(cableId(adapter.index))
    await this.#execute('set_link', { name: adapterId(adapter.index), up: false })
    for (const id of [plugId(adapter.index), cableId(adapter.index)]) {
      // QEMU refuses to remove what is not there, which is what we want.
      await this.#execute('netdev_del', { id }).catch(ignoreRefusal)
    }
  }

  handle(event: QmpEvent): void {
    const id = String(event.data['netdev-id'])
    if (event.name === 'NETDEV_STREAM_CONNECTED') this.#connecting.get(id)?.()
    if (event.name !== 'NETDEV_STREAM_DISCONNECTED') return
    const adapter = this.#plugged.get(id)
    if (adapter !== undefined) void this.keep(adapter)
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#retries.values()) clearTimeout(timer)
  }

  #waitConnected(id: string): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (connected: boolean) => {
        clearTimeout(timer)
        this.#connecting.delete(id)
        resolve(connected)
      }
      const timer = setTimeout(() => finish(false), CONNECT_LIMIT_MS)
      this.#connecting.set(id, () => finish(true))
    })
  }
}

const cableId = (index: number) => `cable-${index}`
const plugId = (index: number) => `plug-${index}`

function refused(adapter: RunAdapter): VivariumError {
  return new VivariumError(
    'unavailable',
    'switch-port-refused',
    `The virtual switch does not accept network adapter ${adapter.index}.`,
    {
      where: { path: adapter.switchSocket!, field: `adapters[${adapter.index}]` },
      next: 'Start the virtual network first, or take the cable out.',
    },
  )
}
