import { isZero, toHex } from '../../base/index.ts'
import type { Adapter } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'
import { formatMac, isGroupAddress } from './mac.ts'
import { networkLabel, readNetworkReference } from './networks.ts'

/** Virtual PC and Virtual Server fit at most four network adapters. */
export const MAX_ADAPTERS = 4

/**
 * `controller_count` says how many adapters are fitted: 0 beside a controller means that the adapter is off and
 * its settings are kept. Where it is absent the controllers are counted (formats.md 2.1).
 * @param savedHere the file was saved by Vivarium last, whose networks are known by name
 */
export function readAdapters(pciBus: GroupReader, savedHere: boolean): Adapter[] {
  const group = pciBus.group('ethernet_adapter')
  const controllers = group
    .groups('ethernet_controller')
    .sort((a, b) => (a.index ?? 0xffff) - (b.index ?? 0xffff))
  const count = fittedCount(group, controllers.length)
  const fitted = controllers.slice(0, count)
  const adapters = fitted.map((controller, i) => readAdapter(controller, i, savedHere))
  for (let i = fitted.length; i < count; i++) adapters.push({ index: i, network: { kind: 'none' } })
  checkAddresses(group, adapters)
  return adapters
}

function fittedCount(group: GroupReader, controllers: number): number {
  const declared = group.integer('controller_count')
  const count = declared ?? controllers
  if (declared === 0 && controllers > 0) {
    group.problem(
      'adapter-off',
      'note',
      `The network is switched off; the settings of ${controllers === 1 ? 'an adapter' : `${controllers} adapters`} are kept in the file.`,
      'Set the number of adapters to use them.',
      'controller_count',
    )
  } else if (count > controllers) {
    group.problem(
      'adapter-without-settings',
      'warning',
      `The machine has ${count} network adapters, and settings for ${controllers}.`,
      'The others are not connected, and get a MAC address at the first start.',
      'controller_count',
    )
  }
  if (count > MAX_ADAPTERS) {
    group.problem(
      'too-many-adapters',
      'warning',
      `The machine has ${count} network adapters; it can have ${MAX_ADAPTERS}.`,
      `Only the first ${MAX_ADAPTERS} are used.`,
      'controller_count',
    )
  }
  return Math.min(count, MAX_ADAPTERS)
}

function readAdapter(controller: GroupReader, index: number, savedHere: boolean): Adapter {
  const mac = readMac(controller)
  const network = readNetworkReference(controller.group('virtual_network'))
  if (network.kind === 'network' && !savedHere) {
    controller.problem(
      'network-of-other-host',
      'note',
      `Network adapter ${index} was on "${networkLabel(network)}" of the host that saved the file.`,
      'It is connected here when a network of that name exists; choose one otherwise.',
      'virtual_network',
    )
  }
  return { index, ...(mac !== undefined && { mac }), network }
}

function readMac(controller: GroupReader): string | undefined {
  const key = 'ethernet_card_address'
  const bytes = controller.bytes(key)
  if (bytes === undefined) return undefined
  if (bytes.length !== 6) {
    const text = `The MAC address has ${bytes.length} bytes instead of 6.`
    controller.problem('mac-invalid', 'warning', text, NEW_MAC, key)
    return undefined
  }
  if (isZero(bytes)) {
    controller.problem('mac-null', 'note', 'The MAC address is not made yet.', NEW_MAC, key)
    return undefined
  }
  if (isGroupAddress(bytes)) {
    const text = `The MAC address ${toHex(bytes)} is a group address, which no adapter can have.`
    controller.problem('mac-invalid', 'warning', text, NEW_MAC, key)
    return undefined
  }
  return formatMac(bytes)
}

function checkAddresses(group: GroupReader, adapters: readonly Adapter[]): void {
  const seen = new Map<string, number>()
  for (const { mac, index } of adapters) {
    if (mac === undefined) continue
    const other = seen.get(mac)
    if (other === undefined) seen.set(mac, index)
    else {
      group.problem(
        'mac-twice',
        'warning',
        `Network adapters ${other} and ${index} have the same MAC address ${mac}.`,
        'Give one of them another address, or they cannot both be on one network.',
      )
    }
  }
}

const NEW_MAC = 'A new one is made at the first start.'
