import type { Clock } from '../clock.ts'
import type { ResolverAddress, ServiceWorld } from '../world.ts'
import { AnswerCache } from './cache.ts'
import { encodeDns } from './encode.ts'
import { type DnsMessage, type DnsQuestion, decodeDns } from './message.ts'
import { nameKey } from './name.ts'
import type { DnsPlan } from './plan.ts'
import { CLASS, OPCODE, RCODE } from './types.ts'

/** Asks other servers what the network does not know itself, one after the other until one has an answer. */

export interface ForwardedQuestion extends Pick<DnsQuestion, 'name' | 'type'> {
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
}

export interface ForwarderStatus {
  readonly asked: number
  readonly fromCache: number
  /** Nobody answered, or not with what was asked. */
  readonly failed: number
  readonly underWay: number
  readonly cached: number
}

const MAXIMUM_UNDER_WAY = 256
/** Of one station; a flood of it does not take the others' turn. */
const MAXIMUM_OF_STATION = 64
/** The world has its own, shorter; this one is for a world that forgets to answer. */
const PATIENCE_MS = 6000
/** What fits every path without fragments (dnsflagday.net/2020). */
const UDP_BYTES = 1232

export class Forwarder {
  readonly #servers: DnsPlan['forwarders']
  readonly #world: ServiceWorld
  readonly #clock: Clock
  readonly #cache: AnswerCache
  readonly #underWay = new Map<string, Promise<DnsMessage | undefined>>()
  readonly #ofStation = new Map<number, number>()
  /** The server that answered last is asked first. */
  #first = 0
  #counts = { asked: 0, fromCache: 0, failed: 0 }

  constructor(servers: DnsPlan['forwarders'], world: ServiceWorld, clock: Clock) {
    this.#servers = servers
    this.#world = world
    this.#clock = clock
    this.#cache = new AnswerCache(clock.now)
  }

  get isOn(): boolean {
    return this.#servers.length > 0 && this.#world.askResolver !== undefined
  }

  status(): ForwarderStatus {
    return { ...this.#counts, underWay: this.#underWay.size, cached: this.#cache.size }
  }

  /** At once from what is known already. */
  recall(question: ForwardedQuestion): DnsMessage | undefined {
    const known = this.#cache.get(keyOf(question))
    if (known !== undefined) this.#counts.fromCache++
    return known
  }

  /** Undefined when nobody has an answer, or when too many questions are under way. */
  async ask(question: ForwardedQuestion, station: number): Promise<DnsMessage | undefined> {
    const mine = this.#ofStation.get(station) ?? 0
    if (mine >= MAXIMUM_OF_STATION) return undefined
    this.#ofStation.set(station, mine + 1)
    try {
      return await this.#shared(question)
    } finally {
      const left = this.#ofStation.get(station)! - 1
      if (left > 0) this.#ofStation.set(station, left)
      else this.#ofStation.delete(station)
    }
  }

  /** Who asks what is being asked already hears the same answer: many equal questions are easier to forge (RFC 5452, 5). */
  #shared(question: ForwardedQuestion): Promise<DnsMessage | undefined> {
    const key = keyOf(question)
    const running = this.#underWay.get(key)
    if (running !== undefined) return running
    if (this.#underWay.size >= MAXIMUM_UNDER_WAY) return Promise.resolve(undefined)
    const asking = this.#askInTurn(question).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, asking)
    return asking
  }

  async #askInTurn(question: ForwardedQuestion): Promise<DnsMessage | undefined> {
    const servers = this.#addresses()
    let refusal: DnsMessage | undefined
    for (let turn = 0; turn < servers.length; turn++) {
      const index = (this.#first + turn) % servers.length
      this.#counts.asked++
      const answer = await this.#askOne(question, servers[index]!)
      if (answer === undefined) continue
      refusal = answer
      if (answer.rcode !== RCODE.noError && answer.rcode !== RCODE.nameError) continue
      this.#first = index
      this.#cache.put(keyOf(question), answer)
      return answer
    }
    this.#counts.failed++
    return refusal
  }

  #addresses(): ResolverAddress[] {
    return this.#servers.flatMap((server) =>
      server === 'host' ? [...(this.#world.hostResolvers?.() ?? [])] : [server],
    )
  }

  async #askOne(question: ForwardedQuestion, server: ResolverAddress): Promise<DnsMessage | undefined> {
    const id = crypto.getRandomValues(new Uint16Array(1))[0]!
    const bytes = await this.#patiently(encodeDns(queryOf(question, id)), server)
    const answer = bytes === undefined ? undefined : decodeDns(bytes)
    return answer !== undefined && answer !== 'malformed' && answers(answer, question, id)
      ? answer
      : undefined
  }

  #patiently(query: Uint8Array, server: ResolverAddress): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const forget = this.#clock.after(PATIENCE_MS, () => resolve(undefined))
      const settle = (bytes: Uint8Array | undefined) => {
        forget()
        resolve(bytes)
      }
      this.#world.askResolver!(query, server).then(settle, () => settle(undefined))
    })
  }
}

function queryOf({ name, type, dnssecOk, checkingDisabled }: ForwardedQuestion, id: number): DnsMessage {
  return {
    id,
    isResponse: false,
    opcode: OPCODE.query,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled,
    rcode: 0,
    questions: [{ name, type, class: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    edns: { version: 0, udpBytes: UDP_BYTES, dnssecOk },
  }
}

/** RFC 5452, 9.1: the id and the question must be ours; address and port are the world's to verify. */
function answers(answer: DnsMessage, { name, type }: ForwardedQuestion, id: number): boolean {
  const [question, ...more] = answer.questions
  return (
    answer.isResponse &&
    answer.id === id &&
    answer.opcode === OPCODE.query &&
    more.length === 0 &&
    question?.type === type &&
    question.class === CLASS.IN &&
    nameKey(question.name) === nameKey(name)
  )
}

function keyOf({ name, type, dnssecOk, checkingDisabled }: ForwardedQuestion): string {
  return `${type} ${Number(dnssecOk)}${Number(checkingDisabled)} ${nameKey(name)}`
}
