import type { Clock } from '../clock.ts'
import { type NbnsMessage, OPCODE, RCODE, readAddresses, TYPE } from './message.ts'
import { netbiosKey } from './netbios-name.ts'
import type { Owner, Registration } from './table.ts'

/**
 * Before a name is given to another machine, the one that has it is asked whether it still uses it (RFC 1001, 15.2.2.2):
 * three queries, and silence means that it is gone.
 */

/** What the old owner says of the name: the addresses that it has there; undefined when it is gone. */
export type ChallengeResult = readonly number[] | undefined

interface Challenge {
  readonly id: number
  readonly owners: readonly Owner[]
  /** Who wants the name. */
  readonly station: number
  readonly settle: (result: ChallengeResult) => void
  forget: () => void
}

const ATTEMPTS = 3
const ATTEMPT_MS = 500
const MAXIMUM_CHALLENGES = 128
/** What is promised to who waits (WACK): all attempts, and a second. */
export const CHALLENGE_SECONDS = Math.ceil((ATTEMPTS * ATTEMPT_MS) / 1000) + 1

export class Challenges {
  readonly #clock: Clock
  readonly #send: (message: NbnsMessage, to: Owner) => void
  readonly #running = new Map<string, Challenge>()

  constructor(clock: Clock, send: (message: NbnsMessage, to: Owner) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** Who wants the name already; undefined when nobody does. */
  stationWaitingFor(registration: Registration): number | undefined {
    return this.#running.get(netbiosKey(registration.name))?.station
  }

  get isFull(): boolean {
    return this.#running.size >= MAXIMUM_CHALLENGES
  }

  /** One at a time for a name. */
  start(registration: Registration, station: number, settle: (result: ChallengeResult) => void): void {
    const key = netbiosKey(registration.name)
    const owners = registration.members.map(({ owner }) => owner).filter((owner) => owner !== undefined)
    const id = crypto.getRandomValues(new Uint16Array(1))[0]!
    const challenge: Challenge = { id, owners, station, settle, forget: () => undefined }
    this.#running.set(key, challenge)
    const attempt = (number: number) => {
      if (number === ATTEMPTS) {
        this.#end(key, undefined)
        return
      }
      for (const owner of owners) this.#send(questionOf(registration, id), owner)
      challenge.forget = this.#clock.after(ATTEMPT_MS, () => attempt(number + 1))
    }
    attempt(0)
  }

  /** @returns whether it is the answer to a challenge */
  answer(message: NbnsMessage, station: number): boolean {
    const name = message.record?.name
    const key = name === undefined ? undefined : netbiosKey(name)
    const challenge = key === undefined ? undefined : this.#running.get(key)
    if (key === undefined || challenge === undefined || challenge.id !== message.id) return false
    if (!challenge.owners.some(({ address }) => address === station)) return false
    const addresses = message.rcode === RCODE.none ? readAddresses(message.record!.data) : undefined
    this.#end(
      key,
      addresses?.map(({ address }) => address),
    )
    return true
  }

  close(): void {
    for (const { forget } of this.#running.values()) forget()
    this.#running.clear()
  }

  #end(key: string, result: ChallengeResult): void {
    const challenge = this.#running.get(key)!
    this.#running.delete(key)
    challenge.forget()
    challenge.settle(result)
  }
}

/** A query to one node has no B flag (RFC 1002, 4.2.12). */
function questionOf({ name }: Registration, id: number): NbnsMessage {
  return {
    id,
    isResponse: false,
    opcode: OPCODE.query,
    flags: 0,
    rcode: 0,
    scope: '',
    question: { name, type: TYPE.name },
  }
}
