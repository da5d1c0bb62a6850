import { formatIpv4, parseIpv4 } from '../addresses.ts'
import type { Faults } from '../faults.ts'

/** The address of a text; undefined, and a fault, where it is none. */
export function readAddress(faults: Faults, field: string, text: string): number | undefined {
  const value = parseIpv4(text)
  if (value === undefined) faults.add(field, `"${text}" is not an IPv4 address.`)
  return value
}

/** The address itself; undefined, and a fault, where it is outside of its range. */
export function within(
  faults: Faults,
  field: string,
  value: number | undefined,
  [least, most]: readonly [least: number, most: number],
): number | undefined {
  if (value === undefined || (value >= least && value <= most)) return value
  const range = `${formatIpv4(least)} to ${formatIpv4(most)}`
  faults.add(field, `The ${field} address is ${formatIpv4(value)}; it must be in ${range}.`)
  return undefined
}
