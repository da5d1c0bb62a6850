import { encodeDns } from './encode.ts'
import type { Forwarder } from './forwarder.ts'
import { type LocalAnswer, lookUp } from './lookup.ts'
import { type DnsHeader, type DnsMessage, type DnsQuestion, decodeDns, decodeDnsHeader } from './message.ts'
import { CLASS, OPCODE, RCODE, TYPE } from './types.ts'
import type { Updates } from './update.ts'
import type { Zones } from './zones.ts'

/** Queries and updates in, answers out; at once, or when another server was asked. It knows no sockets. */

export interface DnsCounts {
  queries: number
  /** From the network's own zones. */
  local: number
  /** Asked of other servers, or known from them. */
  outside: number
  refused: number
  failed: number
  updates: number
  malformed: number
}

export interface Client {
  /** IPv4. */
  readonly address: number
  /** Over TCP an answer may be long. */
  readonly transport: 'udp' | 'tcp'
}

/** RFC 1035, 2.3.4, and what fits every path without fragments: an answer over UDP is never longer. */
const MINIMUM_UDP_BYTES = 512
const MAXIMUM_UDP_BYTES = 1232
const IP_AND_UDP_BYTES = 28
const MAXIMUM_TCP_BYTES = 65_535

export interface DnsServerParts {
  readonly zones: Zones
  readonly forwarder: Forwarder
  readonly updates: Updates
  readonly isWholeWorld: boolean
  /** Longest packet of the network, in bytes. */
  readonly mtu: number
}

export class DnsServer {
  readonly counts: DnsCounts = {
    queries: 0,
    local: 0,
    outside: 0,
    refused: 0,
    failed: 0,
    updates: 0,
    malformed: 0,
  }
  readonly #parts: DnsServerParts

  constructor(parts: DnsServerParts) {
    this.#parts = parts
  }

  /** `not-mine`: an answer, which nobody here has asked for; answers to answers would never end. */
  answer(bytes: Uint8Array, client: Client): Uint8Array | Promise<Uint8Array> | 'not-mine' | 'malformed' {
    const header = decodeDnsHeader(bytes)
    if (header?.isResponse) return 'not-mine'
    if (header === undefined) {
      this.counts.malformed++
      return 'malformed'
    }
    const query = decodeDns(bytes)
    if (query === 'malformed') {
      this.counts.malformed++
      return encodeDns(emptyReply(header, RCODE.formatError))
    }
    const encode = (reply: DnsMessage) => encodeDns(reply, this.#maximumBytes(query, client))
    const reply = this.#reply(query, client)
    return reply instanceof Promise ? reply.then(encode) : encode(reply)
  }

  #reply(query: DnsMessage, client: Client): DnsMessage | Promise<DnsMessage> {
    const [question, ...more] = query.questions
    // RFC 6891, 6.1.3: with a version that it does not speak nothing else of the query counts.
    if (query.edns !== undefined && query.edns.version !== 0) return this.#refuse(query, RCODE.badVersion)
    if (query.opcode === OPCODE.update) return this.#update(query, client)
    if (query.opcode !== OPCODE.query) return this.#refuse(query, RCODE.notImplemented)
    if (question === undefined || more.length > 0) return this.#refuse(query, RCODE.formatError)
    this.counts.queries++
    const isInternet = question.class === CLASS.IN || question.class === CLASS.ANY
    if (!isInternet || isAboutTransport(question.type)) return this.#refuse(query, RCODE.refused)
    const local = lookUp(this.#parts.zones, question.name, question.type)
    if (local?.outside !== undefined || local === undefined)
      return this.#outside(query, question, local, client)
    this.counts.local++
    return { ...this.#draft(query), ...local }
  }

  #update(query: DnsMessage, client: Client): DnsMessage | Promise<DnsMessage> {
    const { updates } = this.#parts
    const rcode = updates.apply(query, client.address)
    if (rcode !== RCODE.noError) return this.#refuse(query, rcode)
    this.counts.updates++
    return updates.whenSaved(this.#draft(query, rcode))
  }

  /** What lies outside, for one who asks for it to be found (RD), or knows that we may know. */
  #outside(
    query: DnsMessage,
    { name, type }: DnsQuestion,
    local: LocalAnswer | undefined,
    client: Client,
  ): DnsMessage | Promise<DnsMessage> {
    const { forwarder } = this.#parts
    const question = {
      name: local?.outside ?? name,
      type,
      dnssecOk: query.edns?.dnssecOk ?? false,
      checkingDisabled: query.checkingDisabled,
    }
    const known = forwarder.recall(question)
    if (known !== undefined) return this.#join(query, local, known)
    if (forwarder.isOn && query.recursionDesired)
      return forwarder.ask(question, client.address).then((answer) => this.#join(query, local, answer))
    // An alias that leads out is an answer, as far as it goes.
    if (local !== undefined) return { ...this.#draft(query), ...local }
    return this.#refuse(query, RCODE.refused)
  }

  #join(query: DnsMessage, local: LocalAnswer | undefined, answer: DnsMessage | undefined): DnsMessage {
    if (answer === undefined) {
      this.counts.failed++
      return this.#draft(query, RCODE.serverFailure)
    }
    this.counts.outside++
    return {
      ...this.#draft(query, answer.rcode),
      answers: [...(local?.answers ?? []), ...answer.answers],
      authorities: answer.authorities,
      additionals: answer.additionals,
    }
  }

  get #udpBytes(): number {
    return Math.min(MAXIMUM_UDP_BYTES, this.#parts.mtu - IP_AND_UDP_BYTES)
  }

  #maximumBytes({ edns }: DnsMessage, { transport }: Client): number {
    if (transport === 'tcp') return MAXIMUM_TCP_BYTES
    return Math.min(Math.max(edns?.udpBytes ?? 0, MINIMUM_UDP_BYTES), this.#udpBytes)
  }

  #refuse(query: DnsMessage, rcode: number): DnsMessage {
    this.counts.refused++
    return this.#draft(query, rcode)
  }

  #draft(query: DnsMessage, rcode = 0): DnsMessage {
    const { forwarder, isWholeWorld } = this.#parts
    return {
      ...emptyReply(query, rcode),
      recursionAvailable: forwarder.isOn || isWholeWorld,
      checkingDisabled: query.checkingDisabled,
      // An update's answer has no need of its zone (RFC 2136, 3.8), yet every server gives it back.
      questions: query.questions.slice(0, 1),
      ...(query.edns && {
        edns: { version: 0, udpBytes: this.#udpBytes, dnssecOk: query.edns.dnssecOk },
      }),
    }
  }
}

function emptyReply({ id, opcode, recursionDesired }: DnsHeader, rcode: number): DnsMessage {
  return {
    ...{ id, opcode, recursionDesired, rcode },
    isResponse: true,
    authoritative: false,
    truncated: false,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
  }
}

/** Zone transfers, and types that are no records but parts of messages. */
function isAboutTransport(type: number): boolean {
  return type === TYPE.AXFR || type === TYPE.IXFR || type === TYPE.OPT || type === TYPE.TSIG || type === 0
}
