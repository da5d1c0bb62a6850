import { basename, extname, join } from 'node:path'
import { Events, VivariumError } from '../../base/index.ts'
import type { SwitchNetwork, SwitchNetworkStatus } from '../../engine/index.ts'
import { type NetworkReference, readOptions } from '../../machine/index.ts'
import type { NetworkDocument, SwitchHistory } from '../../network/index.ts'
import { readMachineFile } from '../../system/index.ts'
import type { DataFolder } from '../data-folder.ts'
import type { EventLog } from '../event-log.ts'
import type { Registry } from '../registry.ts'
import { SWITCH_FOLDER } from '../run-folder.ts'
import { NetworkCaptures } from './captures.ts'
import { type Edit, EditedFiles } from './edited-files.ts'
import { FolderWatch } from './folder-watch.ts'
import { readUplinks, type Uplinks } from './host-adapters.ts'
import type { Network } from './network.ts'
import { documentOf } from './network-file.ts'
import { NetworkList } from './network-list.ts'
import { portKey } from './ports.ts'
import { type NetworkSummary, summaryOf } from './summaries.ts'
import { ServerSwitch } from './switch.ts'

/** What is set of a network; absent = stays as it is. */
export interface NetworkChanges {
  readonly name?: string | undefined
  readonly settings?: NetworkDocument | undefined
}

/** The virtual networks of this server, and the switch that carries them. */
export class Networks {
  /** One came, went, was changed, plugged or unplugged. */
  readonly changed = new Events<{ networks: undefined }>()
  readonly list: NetworkList
  readonly switch: ServerSwitch
  readonly captures: NetworkCaptures
  readonly #events: EventLog
  readonly #edited = new EditedFiles()
  #watch: FolderWatch | undefined

  constructor(folder: DataFolder, registry: Registry, events: EventLog) {
    this.#events = events
    this.list = new NetworkList(registry, folder)
    this.switch = new ServerSwitch(join(folder.run, SWITCH_FOLDER), () => this.#served())
    this.captures = new NetworkCaptures(folder.captures, this.list, this.switch, events)
    this.switch.events.on('changed', () => {
      this.#edited.confirm()
      this.changed.emit('networks', undefined)
    })
    this.switch.events.on('network', ({ network, severity, code, message, next }) => {
      const { name = network } = this.namedOf(network)
      const text = `"${name}": ${message}${next === undefined ? '' : ` ${next}`}`
      this.#log(severity, code, text, { key: network, name })
    })
  }

  async summaries(): Promise<NetworkSummary[]> {
    const status = await this.switch.status()
    const uplinks = readUplinks()
    const statusOf = (key: string) => status?.networks.find((each) => each.key === key)
    return this.list.all().map((network) => summaryOf(network, statusOf(network.key), uplinks))
  }

  async summary(key: string): Promise<NetworkSummary> {
    return summaryOf(this.list.get(key), await this.statusOf(key), readUplinks())
  }

  /** What the switch says of it; undefined while it is off. */
  async statusOf(key: string): Promise<SwitchNetworkStatus | undefined> {
    return (await this.switch.status())?.networks.find((each) => each.key === key)
  }

  /** What moved in the last minute and the last hour; nothing is kept while the switch is off. */
  async historyOf(key: string): Promise<SwitchHistory | undefined> {
    return this.switch.history(this.list.get(key).key)
  }

  uplinks(): Uplinks {
    return readUplinks()
  }

  /** As events know a network; one that is gone has its key alone. */
  namedOf(key: string): { readonly key: string; readonly name?: string | undefined } {
    return { key, name: this.list.all().find((network) => network.key === key)?.name }
  }

  async create(name: string, document: NetworkDocument): Promise<NetworkSummary> {
    const made = this.list.create(name, document)
    this.#log('info', 'network-created', `"${made.name}" was created.`, made)
    return this.#applied(made)
  }

  /** A VNC file is registered where it lies; each network of an Options.xml becomes a file here. */
  async add(path: string): Promise<NetworkSummary[]> {
    const isOptions = extname(path).toLowerCase() !== '.vnc' && readMachineFile(path).format === 'options'
    const added = isOptions ? this.#import(path) : [this.list.add(path)]
    for (const network of added) {
      this.#log('info', 'network-added', `"${network.name}" was added.`, network)
      this.#edited.accept(network)
    }
    const summaries = []
    for (const network of added) summaries.push(await this.#applied(network))
    return summaries
  }

  async change(key: string, { name, settings }: NetworkChanges): Promise<NetworkSummary> {
    const before = this.list.get(key)
    const changed = this.list.change(before, {
      ...(name !== undefined && { name }),
      ...(settings !== undefined && { document: settings }),
    })
    const what =
      name === undefined || name === before.name ? 'was changed' : `is called "${changed.name}" now`
    this.#log('info', 'network-changed', `"${before.name}" ${what}.`, changed)
    return this.#applied(changed)
  }

  /**
   * Unplugs the machines on it, as Virtual Server did. @param users Those that run, for people.
   * @throws VivariumError kind `conflict` while machines are plugged in and it is not to be forced
   */
  async remove(key: string, { force, deleteFile }: { force: boolean; deleteFile: boolean }): Promise<void> {
    const network = this.list.get(key)
    const users = [...this.switch.ports.values()].filter((port) => port.network === key)
    if (users.length > 0 && !force) {
      throw new VivariumError(
        'conflict',
        'network-in-use',
        `Machines that run are plugged into "${network.name}": ${users.map((port) => port.name).join('; ')}.`,
        { next: 'Remove it all the same (--force) to unplug them, or move them to another network first.' },
      )
    }
    this.list.remove(network, deleteFile)
    for (const { network: _, ...port } of users) this.switch.ports.set(port.key, port)
    const unplugged = users.length === 0 ? '' : ` Unplugged: ${users.map((port) => port.name).join('; ')}.`
    this.#log('info', 'network-removed', `"${network.name}" was removed.${unplugged}`, network)
    await this.#apply()
  }

  /** How a new machine's file refers to it. @throws VivariumError kind `invalid` when there is none of that name. */
  referenceTo(name: string | undefined): NetworkReference {
    if (name === undefined || name === '') return { kind: 'none' }
    const networks = this.list.all()
    const found = this.list.match({ kind: 'network', id: '', name }, networks)
    if (found !== undefined) return found.reference
    throw new VivariumError('invalid', 'no-such-network', `There is no network "${name}".`, {
      next: `There is: ${networks.map((network) => network.name).join(', ')}.`,
    })
  }

  /**
   * After a switch was adopted: gives it the networks, and takes ports away whose machines are gone. From now on the
   * files of networks are watched.
   */
  async settle(machineIds: ReadonlySet<string>): Promise<void> {
    const known = new Set([...machineIds].flatMap((id) => [0, 1, 2, 3].map((index) => portKey(id, index))))
    for (const key of [...this.switch.ports.keys()]) if (!known.has(key)) this.switch.ports.delete(key)
    this.#look()
    this.#watch = new FolderWatch(() => this.#look())
    try {
      await this.switch.apply()
    } catch (error) {
      this.#log('error', 'networks-not-settled', `The networks are as they were: ${(error as Error).message}`)
    }
  }

  async close(keepRunning: boolean): Promise<void> {
    this.#watch?.close()
    await this.switch.close(keepRunning)
  }

  async #apply(): Promise<void> {
    await this.switch.apply()
    this.changed.emit('networks', undefined)
  }

  async #applied(network: Network): Promise<NetworkSummary> {
    this.#edited.accept(network)
    await this.#apply()
    return this.summary(network.key)
  }

  #import(path: string): Network[] {
    const { document } = readMachineFile(path)
    const { networks } = readOptions(document)
    const fresh = networks.filter((network) => this.list.match(referenceOf(network)) === undefined)
    return fresh.map(({ name, ...settings }) => {
      const title = name.trim() === '' ? basename(path, extname(path)) : name
      return this.list.create(this.list.freeName(title), documentOf(path, settings))
    })
  }

  /**
   * What the switch is to serve: every network whose settings can work. What leads out of this computer is only
   * opened while a machine is plugged in, or other hosts are joined.
   */
  #served(): SwitchNetwork[] {
    const used = new Set([...this.switch.ports.values()].map(({ network }) => network))
    return this.list.all().flatMap((network) => {
      const config = this.#edited.configOf(network)
      const isUsed = used.has(network.key)
      if (config === undefined || (network.file === undefined && !isUsed)) return []
      const isAwake = isUsed || config.trunk !== undefined
      const uplink = isAwake ? config.uplink : { kind: 'none' as const }
      return [{ ...config, uplink, ...this.list.journals(network.key) }]
    })
  }

  /** @returns whether another look is needed soon */
  #look(): boolean {
    const networks = this.list.all().filter(({ file }) => file !== undefined)
    this.#watch?.follow(networks.map(({ file }) => file!.path))
    const { edits, isUnsettled } = this.#edited.look(networks)
    if (edits.length > 0) void this.#takeOver(edits)
    return isUnsettled
  }

  /** What somebody wrote into files of networks. What cannot work changes nothing. */
  async #takeOver(edits: readonly Edit[]): Promise<void> {
    for (const { network, problem } of edits) {
      if (problem === undefined)
        this.#log('info', 'network-file-changed', `"${network.name}" was changed in its file.`, network)
      else
        this.#log(
          'warning',
          'network-file-damaged',
          `The file of "${network.name}" cannot be used, and the network goes on as it was: ${problem.message}`,
          network,
        )
    }
    try {
      await this.#apply()
    } catch (error) {
      for (const { network } of edits) this.#edited.refuse(network)
      this.#log('error', 'networks-not-changed', `The networks are as they were: ${(error as Error).message}`)
      await this.#apply().catch(() => undefined)
    }
  }

  #log(
    severity: 'info' | 'warning' | 'error',
    code: string,
    message: string,
    network?: { readonly key: string; readonly name: string },
  ): void {
    const of = network && { networkKey: network.key, networkName: network.name }
    this.#events.add({ severity, source: 'network', code, message, ...of })
  }
}

function referenceOf({ id, name }: { id?: string | undefined; name: string }): NetworkReference {
  return { kind: 'network', id: id ?? '', name }
}
