/** What clients asked the boot service for, the latest only, for people who wonder why a machine does not boot. */
export interface BootRequestRecord {
  /** When it ended, as ISO 8601 has it. */
  readonly at: string
  /** IPv4 */
  readonly client: string
  readonly protocol: 'tftp' | 'http'
  readonly path: string
  readonly outcome: 'done' | 'aborted' | 'timed-out' | 'failed' | 'not-found' | 'refused'
  readonly bytes: number
}

const MOST_RECORDS = 64

export class BootRequestLog {
  readonly #records: BootRequestRecord[] = []

  add(record: BootRequestRecord): void {
    this.#records.push(record)
    if (this.#records.length > MOST_RECORDS) this.#records.shift()
  }

  /** The latest last. */
  records(): BootRequestRecord[] {
    return [...this.#records]
  }
}
