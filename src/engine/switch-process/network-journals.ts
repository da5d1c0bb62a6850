import type { Problem } from '../../base/index.ts'
import type { DnsEntry, Journals, LeaseRecord, WinsEntry } from '../../network/index.ts'
import { JournalFile } from './journal-file.ts'
import { DNS, LEASES, WINS } from './journal-text.ts'

/** Where a network's journals are. A service without one forgets with the process. */
export interface JournalPaths {
  readonly leaseFile?: string | undefined
  readonly dnsFile?: string | undefined
  readonly winsFile?: string | undefined
}

/** The journals of one network, in files. */
export class NetworkJournals {
  readonly paths: JournalPaths
  readonly journals: Partial<Journals>
  readonly #files: readonly JournalFile<never>[]

  constructor({ leaseFile, dnsFile, winsFile }: JournalPaths) {
    this.paths = { leaseFile, dnsFile, winsFile }
    const leases = leaseFile === undefined ? undefined : new JournalFile<LeaseRecord>(leaseFile, LEASES)
    const dns = dnsFile === undefined ? undefined : new JournalFile<DnsEntry>(dnsFile, DNS)
    const wins = winsFile === undefined ? undefined : new JournalFile<WinsEntry>(winsFile, WINS)
    this.journals = { ...(leases && { leases }), ...(dns && { dns }), ...(wins && { wins }) }
    this.#files = [leases, dns, wins].filter((file) => file !== undefined)
  }

  get problems(): Problem[] {
    return this.#files.map(({ problem }) => problem).filter((problem) => problem !== undefined)
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}
