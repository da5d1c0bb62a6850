import { formatGuid, fromHex, isZero } from '../../base/index.ts'
import type { NetworkReference } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'

/**
 * A virtual network's id: 16 bytes in the plain order of a GUID's text form, made by the host for each of its
 * adapters and for "Local only" too. It never fits on another host, so there the name counts (formats.md 2.3).
 */

/** Shared networking (NAT): the one id that is the same on all hosts. */
export const NAT_NETWORK_ID = '01010101-0101-0101-0101-010101010101'

/** How the products' lists of networks call it. */
export const SHARED_NETWORKING = 'Shared networking (NAT)'

/** Reads a `virtual_network` group. No group, no id or an id of zeroes: not connected. */
export function readNetworkReference(group: GroupReader): NetworkReference {
  const bytes = group.bytes('id')
  const name = group.string('name') ?? ''
  if (bytes === undefined || bytes.length !== 16) {
    if (bytes !== undefined) {
      group.problem(
        'network-id',
        'warning',
        `The network's id has ${bytes.length} bytes instead of 16.`,
        'Choose a network for this adapter.',
        'id',
      )
    }
    return name === '' ? { kind: 'none' } : { kind: 'network', id: '', name }
  }
  const id = formatGuid(bytes)
  if (id === NAT_NETWORK_ID) return { kind: 'nat', id }
  return isZero(bytes) ? { kind: 'none' } : { kind: 'network', id, name }
}

/** The 16 bytes of an id in GUID notation, braces allowed; undefined when it is none. */
export function networkIdBytes(id: string): Uint8Array | undefined {
  const match = /^\{?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}?$/i.exec(id)
  return match ? fromHex(match.slice(1).join('')) : undefined
}

/** How reports call it. */
export function networkLabel(network: NetworkReference): string {
  switch (network.kind) {
    case 'none':
      return 'Not connected'
    case 'nat':
      return SHARED_NETWORKING
    case 'network':
      return network.name === '' ? `Network ${network.id}` : network.name
  }
}
