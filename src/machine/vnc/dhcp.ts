import type { PreferencesElement } from '../preferences/document.ts'
import { attributeOf, childrenOf } from '../preferences/document.ts'
import type { GroupReader } from '../preferences/reader.ts'
import { parseLeaf } from '../preferences/values.ts'
import type { DhcpReport } from '../report.ts'

/**
 * The DHCP server of a virtual network. The first five leaves are seen in a real Options.xml; no VNC file was
 * found, so its other properties (Virtual Server SDK, IVMDHCPVirtualNetworkServer) are found by what their names
 * contain, and an address may be an integer, four bytes or dotted text (formats.md 1.4 and 3.2).
 */
export type DhcpField =
  | 'dns'
  | 'wins'
  | 'rebinding'
  | 'renewal'
  | 'lease'
  | 'gateway'
  | 'mask'
  | 'start'
  | 'end'
  | 'network'
  | 'server'
  | 'enabled'

// In this order: "dns_server" is no server address, and "lease_renewal_time" no lease time.
const FIELDS: readonly (readonly [RegExp, DhcpField])[] = [
  [/dns/, 'dns'],
  [/wins|netbios/, 'wins'],
  [/rebind/, 'rebinding'],
  [/renew/, 'renewal'],
  [/lease/, 'lease'],
  [/gateway|router/, 'gateway'],
  [/mask/, 'mask'],
  [/start/, 'start'],
  [/end/, 'end'],
  [/^(network|subnet)/, 'network'],
  [/server/, 'server'],
  [/enabled/, 'enabled'],
]

/** Addresses as numbers, for the rules. */
interface Addresses {
  network?: number
  mask?: number
  start?: number
  end?: number
  server?: number
  gateway?: number
}

export function readDhcp(group: GroupReader): DhcpReport {
  const fields = assignFields(group)
  const address = (field: keyof Addresses) => readAddress(group, fields.get(field))
  const addresses: Addresses = {}
  for (const field of ['network', 'mask', 'start', 'end', 'server', 'gateway'] as const) {
    const value = address(field)
    if (value) addresses[field] = value
  }
  const seconds = (field: DhcpField) => {
    const element = fields.get(field)
    return element && group.integer(element.name)
  }
  const [lease, renewal, rebinding] = [seconds('lease'), seconds('renewal'), seconds('rebinding')]
  const enabled = fields.get('enabled')
  checkAddresses(group, addresses)
  checkTimes(group, lease, renewal, rebinding)
  return {
    enabled: enabled ? (group.boolean(enabled.name) ?? false) : false,
    ...Object.fromEntries(Object.entries(addresses).map(([field, value]) => [field, formatAddress(value)])),
    dns: readList(group, fields.get('dns')),
    wins: readList(group, fields.get('wins')),
    ...(lease !== undefined && { leaseSeconds: lease }),
    ...(renewal !== undefined && { renewalSeconds: renewal }),
    ...(rebinding !== undefined && { rebindingSeconds: rebinding }),
  }
}

/** Which element of the group holds which field. */
export function assignFields(group: GroupReader): Map<DhcpField, PreferencesElement> {
  const fields = new Map<DhcpField, PreferencesElement>()
  for (const element of group.element ? childrenOf(group.element) : []) {
    const field = FIELDS.find(([pattern]) => pattern.test(element.name.toLowerCase()))?.[1]
    if (field && !fields.has(field)) fields.set(field, element)
  }
  return fields
}

function readAddress(group: GroupReader, element: PreferencesElement | undefined): number | undefined {
  if (!element || element.text.trim() === '') return undefined
  const address = parseAddress(element.text.trim(), attributeOf(element, 'type'))
  if (address === undefined) {
    const shown = element.text.slice(0, 40)
    group.problem(
      'address-invalid',
      'warning',
      `"${shown}" is not an IPv4 address.`,
      'Correct it.',
      element.name,
    )
  }
  return address
}

/** 169.254.0.16, 2851995664 or, as bytes, A9FE0010. */
export function parseAddress(text: string, type?: string): number | undefined {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  if (dotted) {
    const parts = dotted.slice(1).map(Number)
    return parts.every((part) => part <= 255) ? parts.reduce((sum, part) => sum * 256 + part) : undefined
  }
  if (type === 'bytes') return /^[0-9a-f]{8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
  return parseLeaf('integer', text)
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')
}

/** One leaf with commas, or a group with a leaf for each. */
function readList(group: GroupReader, element: PreferencesElement | undefined): string[] {
  if (!element) return []
  const children = childrenOf(element)
  const sources = children.length > 0 ? children : [element]
  const list: string[] = []
  for (const source of sources.slice(0, 32)) {
    for (const part of source.text.split(/[,;\s]+/).filter((text) => text !== '')) {
      const address = parseAddress(part, attributeOf(source, 'type'))
      if (address) list.push(formatAddress(address))
      else if (address === undefined)
        group.problem(
          'address-invalid',
          'warning',
          `"${part.slice(0, 40)}" is not an IPv4 address.`,
          undefined,
          element.name,
        )
    }
  }
  return list
}

/** The rules of Virtual Server's SDK (formats.md 3.2). */
function checkAddresses(group: GroupReader, { network, mask, start, end, server }: Addresses): void {
  const rule = (broken: boolean, message: string) => {
    if (broken)
      group.problem('dhcp-range', 'warning', message, 'Correct the addresses before you use the network.')
  }
  if (network !== undefined && mask !== undefined) {
    const last = ((network | ~mask) >>> 0) - 1
    rule(
      (network & mask) >>> 0 !== network,
      `${formatAddress(network)} is no network of the mask ${formatAddress(mask)}.`,
    )
    if (end !== undefined)
      rule(end > last, `The range ends at ${formatAddress(end)}, after the network's last address.`)
  }
  if (network !== undefined && start !== undefined) {
    rule(
      start < network + 16,
      `The range starts at ${formatAddress(start)}; the first 15 addresses are reserved.`,
    )
  }
  if (start !== undefined && end !== undefined) {
    rule(end < start, `The range ends at ${formatAddress(end)}, before it starts at ${formatAddress(start)}.`)
  }
  if (server !== undefined && network !== undefined && start !== undefined) {
    rule(
      server <= network || server >= start,
      `The server's own address ${formatAddress(server)} is not between the network's and the range's first.`,
    )
  }
}

function checkTimes(group: GroupReader, lease?: number, renewal?: number, rebinding?: number): void {
  const order = [lease, rebinding, renewal].filter((time) => time !== undefined)
  if (order.every((time, i) => i === 0 || time < order[i - 1]!)) return
  group.problem(
    'dhcp-times',
    'warning',
    'A lease has to be longer than the time to rebinding, and that longer than the time to renewal.',
    'Correct the times before you use the network.',
  )
}
