import type { DnsMessage } from './message.ts'
import { type DnsRecord, negativeTtl } from './record.ts'
import { RCODE, TYPE } from './types.ts'

/** Answers of other servers, for as long as their records say (RFC 1035, 7.4; RFC 2308, 5 for "no"). */
const MAXIMUM_ENTRIES = 4096
/** Longer answers are asked for again: so the whole cache stays under 16 MiB. */
const MAXIMUM_DATA_BYTES = 4096
const MAXIMUM_TTL_SECONDS = 86_400
/** RFC 2308, 5: one to three hours. */
const MAXIMUM_NEGATIVE_SECONDS = 10_800

interface Entry {
  readonly answer: DnsMessage
  readonly storedAt: number
  readonly expiresAt: number
}

export class AnswerCache {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /** With the time that has passed taken off. */
  get(key: string): DnsMessage | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt <= this.#now()) {
      this.#entries.delete(key)
      return undefined
    }
    const aged = ageing(Math.floor((this.#now() - entry.storedAt) / 1000))
    const { answer } = entry
    return {
      ...answer,
      answers: answer.answers.map(aged),
      authorities: answer.authorities.map(aged),
      additionals: answer.additionals.map(aged),
    }
  }

  put(key: string, answer: DnsMessage): void {
    const seconds = lifetime(answer)
    const records = [...answer.answers, ...answer.authorities, ...answer.additionals]
    const bytes = records.reduce((sum, { name, data }) => sum + name.length + data.length, 0)
    this.#entries.delete(key)
    if (seconds <= 0 || answer.truncated || bytes > MAXIMUM_DATA_BYTES) return
    if (this.#entries.size >= MAXIMUM_ENTRIES)
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest)
        break
      }
    const storedAt = this.#now()
    this.#entries.set(key, { answer, storedAt, expiresAt: storedAt + seconds * 1000 })
  }
}

function ageing(seconds: number): (record: DnsRecord) => DnsRecord {
  return (record) => ({ ...record, ttlSeconds: Math.max(0, record.ttlSeconds - seconds) })
}

function lifetime({ rcode, answers, authorities }: DnsMessage): number {
  const least = Math.min(MAXIMUM_TTL_SECONDS, ...answers.map(({ ttlSeconds }) => ttlSeconds))
  if (rcode === RCODE.noError && answers.some(({ type }) => type !== TYPE.CNAME)) return least
  // "No", or an alias that leads to "no": kept only with the SOA that says how long.
  const authority = authorities.find(({ type }) => type === TYPE.SOA)
  if (authority === undefined || authority.data.length < 4) return 0
  return Math.min(least, MAXIMUM_NEGATIVE_SECONDS, negativeTtl(authority))
}
