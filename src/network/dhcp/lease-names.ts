import type { NameBook } from '../names.ts'
import type { Lease } from './lease-records.ts'

/** The names of stations with leases, for the network's other services. */
export class LeaseNames {
  readonly #names: NameBook
  readonly #owners = new Set<string>()
  /** When settings change the next server has entered its names before this one removes its own. */
  readonly #run = ++runs

  constructor(names: NameBook) {
    this.#names = names
  }

  /** A machine that does not say its name has the one that its owner gave it. */
  enter({ client, mac, hostName, address }: Lease): void {
    const name = hostName?.split('.', 1)[0] || (this.#names.machineNameOf(mac) ?? '')
    const owner = this.#ownerOf(client)
    // What is no host name (RFC 1123, 2.1; Windows allows the underscore) is not for other stations to see.
    if (!/^(?!-)[\w-]{1,63}(?<!-)$/.test(name)) {
      this.#remove(owner)
      return
    }
    this.#owners.add(owner)
    this.#names.enter(owner, { name, address })
  }

  remove({ client }: Lease): void {
    this.#remove(this.#ownerOf(client))
  }

  close(): void {
    for (const owner of this.#owners) this.#names.remove(owner)
    this.#owners.clear()
  }

  #ownerOf(client: string): string {
    return `dhcp ${client} ${this.#run}`
  }

  #remove(owner: string): void {
    if (this.#owners.delete(owner)) this.#names.remove(owner)
  }
}

let runs = 0
