import type { SwitchPortSettings } from '../../engine/index.ts'
import type { NetworkReference } from '../../machine/index.ts'
import type { PortSettings } from '../../network/index.ts'
import type { Networks } from './networks.ts'

/** An adapter of a machine, as its file and the server's settings have it. */
export interface MachineAdapter {
  readonly index: number
  readonly mac?: string
  readonly network: NetworkReference
  readonly settings: PortSettings
}

/** Names the port of an adapter. Short: it is in the path of a socket. */
export function portKey(machineId: string, index: number): string {
  return `${machineId.replaceAll('-', '').slice(0, 16)}-${index}`
}

/** The ports of a machine that is about to run; each is patched to the network that the machine's file means. */
export async function plugMachine(
  networks: Networks,
  machine: { readonly id: string; readonly name: string; adapters(): readonly MachineAdapter[] },
): Promise<void> {
  for (const port of portsOf(networks, machine)) networks.switch.ports.set(port.key, port)
  await networks.switch.open()
  await networks.switch.apply()
}

/** Of one that went on running: what is patched now stays, whatever its file says meanwhile. */
export function keepMachine(
  networks: Networks,
  machine: { readonly id: string; readonly name: string; adapters(): readonly MachineAdapter[] },
): void {
  for (const { network: wanted, ...port } of portsOf(networks, machine)) {
    const known = networks.switch.ports.get(port.key)
    const network = known === undefined ? wanted : known.network
    networks.switch.ports.set(port.key, { ...port, ...(network !== undefined && { network }) })
  }
}

export function unplugMachine(networks: Networks, machineId: string): void {
  const ports = [0, 1, 2, 3].map((index) => portKey(machineId, index))
  if (!ports.map((key) => networks.switch.ports.delete(key)).includes(true)) return
  // It is off all the same; what the switch could not do is told at the next change.
  networks.switch.apply().catch(() => undefined)
}

function portsOf(
  networks: Networks,
  machine: { readonly id: string; readonly name: string; adapters(): readonly MachineAdapter[] },
): SwitchPortSettings[] {
  const all = networks.list.all()
  const hostName = hostNameOf(machine.name)
  return machine.adapters().map(({ index, mac, network: wanted, settings }) => {
    const key = portKey(machine.id, index)
    const network = networks.list.match(wanted, all)?.key
    return {
      ...settings,
      key,
      name: portName(networks, key, machine.name, index),
      ...(network !== undefined && { network }),
      ...(mac !== undefined && hostName !== undefined && { machine: { name: hostName, mac } }),
    }
  })
}

/** As counters, captures and people know the port. Two machines of one name are told apart. */
export function portName(networks: Networks, key: string, machineName: string, index: number): string {
  const plain = `${machineName}, adapter ${index + 1}`
  const isTaken = [...networks.switch.ports.values()].some((port) => port.name === plain && port.key !== key)
  return isTaken ? `${plain} [${key}]` : plain
}

/** A machine's name as a host's (RFC 1123, 2.1): "Windows 98" is Windows-98. */
export function hostNameOf(machineName: string): string | undefined {
  const name = machineName
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-+|-+$/g, '')
  return name === '' ? undefined : name
}
