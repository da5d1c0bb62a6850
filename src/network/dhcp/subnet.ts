import { formatIpv4 } from '../addresses.ts'
import type { Faults } from '../faults.ts'
import { readAddress, within } from './address-rules.ts'
import { type OptionSet, optionSet } from './option-settings.ts'
import { OPTION, uint32Option } from './options.ts'
import type { SubnetSettings } from './settings.ts'

/**
 * A range of addresses to give out, and the rules that Virtual Server has for it (IVMDHCPVirtualNetworkServer:
 * ConfigureDHCPServer). For a /24:
 *
 *     .0 network   .1 server (default)   ...   .16 start (first 15 are reserved) ... end .254   .255 broadcast
 */
export interface DhcpSubnet {
  readonly network: number
  readonly mask: number
  readonly start: number
  readonly end: number
  readonly gateway?: number
  /** All that a client of it may be sent besides the lease itself. */
  readonly options: OptionSet
}

const RESERVED_ADDRESSES = 16

/**
 * @param field the settings' place, with a dot behind it where it is not the network's own subnet
 * @returns undefined, and faults, where network and mask make no network
 */
export function planSubnet(
  settings: SubnetSettings,
  field: string,
  common: ReadonlyMap<number, Uint8Array>,
  faults: Faults,
): DhcpSubnet | undefined {
  const network = readAddress(faults, `${field}network`, settings.network)
  const mask = readAddress(faults, `${field}mask`, settings.mask)
  if (network === undefined || mask === undefined || !isNetwork(network, mask, field, faults))
    return undefined
  const last = lastHost({ network, mask })
  const read = (name: 'start' | 'end' | 'gateway', least: number) => {
    const text = settings[name]
    const value = text === undefined ? undefined : readAddress(faults, field + name, text)
    return within(faults, field + name, value, [least, last])
  }
  const first = network + RESERVED_ADDRESSES
  const start = read('start', first) ?? first
  const end = read('end', start) ?? last
  const gateway = read('gateway', network + 1)
  const { values, always } = optionSet(settings.options)
  const computed = new Map([[OPTION.broadcast as number, uint32Option(last + 1)]])
  if (gateway !== undefined) computed.set(OPTION.router, uint32Option(gateway))
  const options = { values: new Map([...computed, ...common, ...values]), always }
  return { network, mask, start, end, options, ...(gateway !== undefined && { gateway }) }
}

export function isIn(subnet: DhcpSubnet, address: number): boolean {
  return ((address ^ subnet.network) & subnet.mask) >>> 0 === 0
}

export function lastHost({ network, mask }: { readonly network: number; readonly mask: number }): number {
  return ((network | ~mask) >>> 0) - 1
}

/** Virtual Server asks for a class A, B or C network (RFC 791, 3.2) and a mask no wider than its class. */
function isNetwork(network: number, mask: number, field: string, faults: Faults): boolean {
  const first = network >>> 24
  const classBits = first < 128 ? 8 : first < 192 ? 16 : 24
  const hostBits = ~mask >>> 0
  const prefix = 32 - Math.log2(hostBits + 1)
  const isRow = Number.isInteger(prefix)
  const rules: [isBroken: boolean, field: string, message: string][] = [
    [
      first === 0 || first === 127 || first > 223,
      'network',
      `${formatIpv4(network)} is not in a class A, B or C network.`,
    ],
    [!isRow, 'mask', `${formatIpv4(mask)} is not a row of ones and then zeroes.`],
    [
      isRow && prefix < classBits,
      'mask',
      `${formatIpv4(mask)} is wider than the class of ${formatIpv4(network)} allows (/${classBits}).`,
    ],
    [
      isRow && hostBits <= RESERVED_ADDRESSES,
      'mask',
      `${formatIpv4(mask)} leaves no address after the ${RESERVED_ADDRESSES - 1} reserved ones.`,
    ],
    [
      isRow && (network & hostBits) !== 0,
      'network',
      `${formatIpv4(network)} is not the first address of a network with mask ${formatIpv4(mask)}.`,
    ],
  ]
  const broken = rules.filter(([isBroken]) => isBroken)
  for (const [, name, message] of broken) faults.add(field + name, message)
  return broken.length === 0
}
