import { VivariumError } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'

/** What is wrong with settings, gathered: an owner mends all of it at once. */
export class Faults {
  readonly #found: { readonly field: string; readonly message: string }[] = []

  add(field: string, message: string): void {
    this.#found.push({ field, message })
  }

  /** The address of a text; 0 and a fault where it is none. */
  address(field: string, text: string): number {
    const value = parseIpv4(text)
    if (value === undefined) this.add(field, `"${text}" is not an IPv4 address.`)
    return value ?? 0
  }

  unlessBetween(field: string, value: number, least: number, most: number): void {
    if (value >= least && value <= most) return
    const range = `${formatIpv4(least)} to ${formatIpv4(most)}`
    this.add(field, `The ${field} address is ${formatIpv4(value)}; it must be in ${range}.`)
  }

  /** @throws VivariumError kind `invalid` with all that is wrong. */
  throwIfAny(): void {
    if (this.#found.length === 0) return
    throw new VivariumError('invalid', 'dhcp-settings', this.#found.map(({ message }) => message).join(' '), {
      where: { field: `dhcp.${this.#found[0]!.field}` },
      next: "Change the network's DHCP settings.",
    })
  }
}
