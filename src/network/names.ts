/**
 * Which station has which name, as the services of one network tell each other: DHCP enters the host names of its
 * leases, the server those of its machines; DNS and WINS answer from it. It belongs to the network, and outlives a
 * change of its settings.
 */
export interface StationName {
  /** As its owner wrote it; compared without case (RFC 1035, 2.3.3; RFC 1001, 5.2). */
  readonly name: string
  /** IPv4. */
  readonly address: number
}

export class NameBook {
  readonly #entries = new Map<string, StationName>()
  readonly #byName = new Map<string, Set<string>>()
  readonly #listeners = new Set<() => void>()

  readonly #machines = new Map<string, { readonly mac: number; readonly name: string }>()

  /** The owner of the network says how the machine with this MAC is called: where the station itself does not say it. */
  callMachine(owner: string, mac: number, name: string): void {
    this.#machines.set(owner, { mac, name })
  }

  forgetMachine(owner: string): void {
    this.#machines.delete(owner)
  }

  machineNameOf(mac: number): string | undefined {
    for (const machine of this.#machines.values()) if (machine.mac === mac) return machine.name
    return undefined
  }

  /** @param owner who enters it, such as `dhcp 01000c29aabbcc`: an owner has one entry, and may replace it. */
  enter(owner: string, entry: StationName): void {
    const old = this.#entries.get(owner)
    if (old !== undefined && old.name === entry.name && old.address === entry.address) return
    this.#forget(owner)
    this.#entries.set(owner, entry)
    const key = entry.name.toLowerCase()
    const owners = this.#byName.get(key) ?? new Set()
    this.#byName.set(key, owners.add(owner))
    this.#tell()
  }

  remove(owner: string): void {
    if (this.#forget(owner)) this.#tell()
  }

  /** Every address that has this name, in the order they were entered. */
  addressesOf(name: string): number[] {
    const owners = this.#byName.get(name.toLowerCase()) ?? []
    return [...new Set([...owners].map((owner) => this.#entries.get(owner)!.address))]
  }

  /** Every name of this address, in the order they were entered. */
  namesOf(address: number): string[] {
    return [...this.#entries.values()].filter((entry) => entry.address === address).map(({ name }) => name)
  }

  entries(): StationName[] {
    return [...this.#entries.values()]
  }

  /** @returns its removal */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #forget(owner: string): boolean {
    const old = this.#entries.get(owner)
    if (old === undefined) return false
    this.#entries.delete(owner)
    const key = old.name.toLowerCase()
    const owners = this.#byName.get(key)!
    owners.delete(owner)
    if (owners.size === 0) this.#byName.delete(key)
    return true
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
