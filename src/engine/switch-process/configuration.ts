import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { VivariumError } from '../../base/index.ts'
import { checkNetwork, planServices, type VirtualNetwork } from '../../network/index.ts'
import { checked, type switchNetworkSchema, switchSettingsSchema } from './control.ts'
import { type NetworkKeeper, OpenNetwork } from './open-network.ts'
import { OpenPort } from './open-port.ts'
import { checkTrunk } from './trunk.ts'

/** The networks and ports that are open, and how they become those of other settings. */
export class SwitchConfiguration {
  readonly networks = new Map<string, OpenNetwork>()
  readonly ports = new Map<string, OpenPort>()
  readonly #keeper: NetworkKeeper
  /** Changes happen one after the other. */
  #changing: Promise<unknown> = Promise.resolve()

  constructor(keeper: NetworkKeeper) {
    this.#keeper = keeper
  }

  /** @throws VivariumError kind `invalid` on settings that cannot work, and then changes nothing. */
  change(params: unknown): Promise<null> {
    const turn = this.#changing.then(() => this.#change(params))
    this.#changing = turn.catch(() => undefined)
    return turn
  }

  /** @param who asks for it, for people. @throws VivariumError kind `invalid` when there is none of that key */
  demandNetwork(key: string, who: string): VirtualNetwork {
    const open = this.networks.get(key)
    if (open === undefined) throw noSuchNetwork(key, who)
    return open.network
  }

  close(): void {
    for (const port of this.ports.values()) port.close()
    for (const network of this.networks.values()) network.close()
  }

  async #change(params: unknown): Promise<null> {
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
    closeAll(this.ports, (key) => !ports.has(key))
    closeAll(this.networks, (key, { journals }) => {
      const wanted = networks.get(key)
      return wanted === undefined || !isDeepStrictEqual(apart(wanted).paths, journals.paths)
    })
    for (const wanted of networks.values()) {
      const { config, paths } = apart(wanted)
      const open = this.networks.get(config.key)
      if (open !== undefined) open.configure(config)
      else this.networks.set(config.key, await OpenNetwork.open(config, paths, this.#keeper))
    }
    for (const port of ports.values()) {
      const { folder, plug } = this.#keeper
      const open = this.ports.get(port.key) ?? (await OpenPort.open(folder, port, plug))
      this.ports.set(port.key, open)
      open.configure(port, port.network === undefined ? undefined : this.networks.get(port.network)?.network)
    }
    return null
  }
}

/** What the network is, and where it remembers. */
function apart({ leaseFile, dnsFile, winsFile, ...config }: z.output<typeof switchNetworkSchema>) {
  return { config, paths: { leaseFile, dnsFile, winsFile } }
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

function noSuchNetwork(network: string, who: string): VivariumError {
  return new VivariumError(
    'invalid',
    'no-such-network',
    `${who} names the network "${network}", and there is none of that key.`,
    { where: { field: 'network' }, next: 'Name one of the networks.' },
  )
}
