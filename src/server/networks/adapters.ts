import { VivariumError } from '../../base/index.ts'
import type { SwitchPortSettings } from '../../engine/index.ts'
import { type NetworkReference, SHARED_NETWORKING, setAdapter } from '../../machine/index.ts'
import { type PortSettings, portSettingsSchema } from '../../network/index.ts'
import { readMachineFile, writeMachineFile } from '../../system/index.ts'
import type { EventLog } from '../event-log.ts'
import { demandState } from '../machine-state.ts'
import type { Machines } from '../machines.ts'
import type { VirtualMachine } from '../virtual-machine.ts'
import type { Networks } from './networks.ts'
import { portKey, portName } from './ports.ts'

/** A network as a machine's file names it. */
export interface WantedNetwork {
  readonly kind: 'none' | 'nat' | 'network'
  readonly id?: string | undefined
  readonly name: string
}

/** A network adapter of a machine, and where its cable goes. */
export interface AdapterSummary {
  readonly machineId: string
  readonly machineName: string
  readonly isRunning: boolean
  readonly index: number
  readonly mac?: string
  readonly network?: string
  readonly wanted: WantedNetwork
  readonly port: string
  readonly settings: PortSettings
}

/** Absent = stays; null = is taken away. A guard without a MAC is for the adapter's own. */
export interface PortChanges {
  readonly linkUp?: boolean | undefined
  readonly promiscuous?: boolean | undefined
  readonly guard?:
    | (Omit<NonNullable<PortSettings['guard']>, 'mac'> & { readonly mac?: string | undefined })
    | null
    | undefined
  readonly conditions?: PortSettings['conditions'] | null
}

/** The network adapters of all machines: what Virtual Server's list of disconnected adapters was, and the cables. */
export class NetworkAdapters {
  readonly #machines: Machines
  readonly #networks: Networks
  readonly #events: EventLog

  constructor(machines: Machines, networks: Networks, events: EventLog) {
    this.#machines = machines
    this.#networks = networks
    this.#events = events
  }

  list(): AdapterSummary[] {
    const networks = this.#networks.list.all()
    return this.#machines.all().flatMap((machine) => {
      if (machine.file.error !== undefined) return []
      return machine.adapters().map(({ index, mac, network: wanted, settings }): AdapterSummary => {
        const key = portKey(machine.id, index)
        const plugged = this.#networks.switch.ports.get(key)
        const port = plugged?.name ?? portName(this.#networks, key, machine.name, index)
        const network =
          plugged === undefined ? this.#networks.list.match(wanted, networks)?.key : plugged.network
        return {
          machineId: machine.id,
          machineName: machine.name,
          isRunning: machine.running !== undefined,
          index,
          ...(mac !== undefined && { mac }),
          ...(network !== undefined && { network }),
          wanted: wantedOf(wanted),
          port,
          settings,
        }
      })
    })
  }

  /** @throws VivariumError kind `not-found`. */
  get(machineId: string, index: number): AdapterSummary {
    const machine = this.#machines.get(machineId)
    if (machine.file.error !== undefined) throw machine.file.error
    const found = this.list().find((adapter) => adapter.machineId === machineId && adapter.index === index)
    if (found !== undefined) return found
    throw new VivariumError(
      'not-found',
      'adapter-not-found',
      `"${machine.name}" has no network adapter ${index + 1}.`,
      { next: `It has ${machine.adapters().length}.` },
    )
  }

  /**
   * Plugs an adapter into another network, or pulls its cable: in the machine's file, and where the machine runs at
   * once. Answers what the file said before, which undoes it.
   */
  async move(
    machineId: string,
    index: number,
    target: { readonly network?: string | null | undefined; readonly wanted?: WantedNetwork | undefined },
  ): Promise<{ adapter: AdapterSummary; previous: WantedNetwork }> {
    const { wanted: previous, network: before } = this.get(machineId, index)
    const machine = this.#machines.get(machineId)
    demandState(machine, ['TurnedOff', 'Running', 'Paused'], 'move an adapter of')
    const reference = this.#referenceOf(target)
    const network = this.#networks.list.match(reference)
    const old = readMachineFile(machine.registration.path).document
    writeNetwork(machine, index, reference)
    try {
      await this.#plug(portKey(machineId, index), network?.key)
    } catch (error) {
      writeMachineFile(machine.registration.path, old)
      await this.#plug(portKey(machineId, index), before).catch(() => undefined)
      throw error
    }
    // Of the network that it came to, or else of the one that it left.
    const told = network ?? this.#networks.list.all().find(({ key }) => key === before)
    const where = network === undefined ? 'was unplugged' : `was plugged into "${network.name}"`
    this.#events.add({
      severity: 'info',
      source: 'network',
      code: network === undefined ? 'adapter-unplugged' : 'adapter-plugged',
      message: `Adapter ${index + 1} of "${machine.name}" ${where}.`,
      machineId,
      machineName: machine.name,
      ...(told !== undefined && { networkKey: told.key, networkName: told.name }),
    })
    machine.changed.emit('machine', undefined)
    return { adapter: this.get(machineId, index), previous }
  }

  async changePort(machineId: string, index: number, changes: PortChanges): Promise<AdapterSummary> {
    const { mac, settings } = this.get(machineId, index)
    const machine = this.#machines.get(machineId)
    const { guard, conditions, ...plain } = changes
    const changed = {
      ...settings,
      ...Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined)),
      ...(guard !== undefined && { guard: guard === null ? undefined : { ...guard, mac: guard.mac ?? mac } }),
      ...(conditions !== undefined && { conditions: conditions ?? undefined }),
    }
    if (guard && guard.mac === undefined && mac === undefined) throw noMac(machine, index)
    machine.changePort(index, portSettingsSchema.parse(changed))
    const port = this.#networks.switch.ports.get(portKey(machineId, index))
    if (port !== undefined) {
      const { key, name, network, machine: called } = port
      const now = machine.adapters().find((adapter) => adapter.index === index)!.settings
      const same = {
        key,
        name,
        ...(network !== undefined && { network }),
        ...(called && { machine: called }),
      }
      this.#networks.switch.ports.set(key, { ...now, ...same })
      await this.#networks.switch.apply()
    }
    return this.get(machineId, index)
  }

  #referenceOf({
    network,
    wanted,
  }: {
    readonly network?: string | null | undefined
    readonly wanted?: WantedNetwork | undefined
  }): NetworkReference {
    if (wanted === undefined) return network ? this.#networks.list.get(network).reference : { kind: 'none' }
    const { kind, id = '', name } = wanted
    if (kind === 'none') return { kind }
    return kind === 'nat' ? { kind, id } : { kind, id, name }
  }

  async #plug(key: string, network: string | undefined): Promise<void> {
    const port = this.#networks.switch.ports.get(key)
    if (port === undefined) return
    const { network: _, ...rest } = port
    const moved: SwitchPortSettings = { ...rest, ...(network !== undefined && { network }) }
    this.#networks.switch.ports.set(key, moved)
    await this.#networks.switch.apply()
  }
}

function wantedOf(reference: NetworkReference): WantedNetwork {
  switch (reference.kind) {
    case 'none':
      return { kind: 'none', name: '' }
    case 'nat':
      return { kind: 'nat', id: reference.id, name: SHARED_NETWORKING }
    case 'network':
      return reference
  }
}

function writeNetwork(machine: VirtualMachine, index: number, network: NetworkReference): void {
  const { path } = machine.registration
  const { document } = readMachineFile(path)
  setAdapter(document, index, { network })
  writeMachineFile(path, document)
}

function noMac(machine: VirtualMachine, index: number): VivariumError {
  return new VivariumError(
    'conflict',
    'adapter-without-mac',
    `Adapter ${index + 1} of "${machine.name}" has no MAC address yet; it gets one at the first start.`,
    { next: 'Start the machine once, or name the address.' },
  )
}
