import type { Clock } from '../clock.ts'
import type { Journal } from '../journal.ts'
import type { NameBook } from '../names.ts'
import { CHALLENGE_SECONDS, type ChallengeResult, Challenges } from './challenges.ts'
import type { WinsEntry } from './entries.ts'
import {
  addressData,
  FLAG,
  type NbnsAddress,
  type NbnsMessage,
  type NbnsRecord,
  OPCODE,
  RCODE,
  readAddresses,
  TYPE,
} from './message.ts'
import { type NetbiosName, netbiosKey, SUFFIX } from './netbios-name.ts'
import { statusData } from './node-status.ts'
import { reply, waitReply } from './replies.ts'
import { kindOf, NameTable, type Owner, type Registration } from './table.ts'

/**
 * A NetBIOS name server (RFC 1001, 15; RFC 1002, 5.1.4) as Windows and Samba know it under the name WINS. It knows
 * neither sockets nor bytes.
 */

export interface WinsCounts {
  queries: number
  registrations: number
  releases: number
  /** Registrations of names that another machine still has. */
  conflicts: number
  refused: number
  malformed: number
}

/** Where an answer goes to: a program that only asks has a port of its own. */
export interface Asker extends Owner {
  readonly port: number
}

export interface WinsServerParts {
  readonly clock: Clock
  readonly names: NameBook
  readonly journal: Journal<WinsEntry>
  /** The server's own. */
  readonly own: Owner
  readonly mask: number
  readonly ttlSeconds: number
  readonly send: (message: NbnsMessage, to: Asker) => void
  readonly conflict: (name: NetbiosName, holder: Registration, station: number) => void
}

/** What the server itself is called, in the neighbourhood and to `nmblookup -A`. */
export const OWN_NAME = 'VIVARIUM'
const H_NODE = 3
export const PORT = 137

interface Claim {
  readonly request: NbnsMessage
  readonly name: NetbiosName
  readonly entry: NbnsAddress
  readonly from: Asker
}

export class WinsServer {
  readonly table: NameTable
  readonly counts: WinsCounts = {
    queries: 0,
    registrations: 0,
    releases: 0,
    conflicts: 0,
    refused: 0,
    malformed: 0,
  }
  readonly #parts: WinsServerParts
  readonly #challenges: Challenges

  constructor(parts: WinsServerParts) {
    this.#parts = parts
    this.table = new NameTable(parts.clock.now, parts.journal)
    this.#challenges = new Challenges(parts.clock, (message, to) =>
      parts.send(message, { ...to, port: PORT }),
    )
  }

  /** What machines registered before this process began, after what the settings say was entered. */
  restore(): void {
    this.table.restore((address) => this.#isStation(address))
  }

  close(): void {
    this.#challenges.close()
  }

  receive(message: NbnsMessage, from: Asker): 'handled' | 'not-mine' | 'malformed' {
    if (message.isResponse) return this.#challenges.answer(message, from.address) ? 'handled' : 'not-mine'
    const { question } = message
    // What is asked of all nodes is answered by the nodes.
    if (question === undefined || (message.flags & FLAG.broadcast) !== 0) return 'not-mine'
    switch (message.opcode) {
      case OPCODE.query:
        return this.#query(message, question.name, question.type, from)
      case OPCODE.registration:
      case OPCODE.multihomed:
      case OPCODE.refresh:
      case OPCODE.otherRefresh:
        return this.#claim(message, from, (claim) => this.#register(claim))
      case OPCODE.release:
        return this.#claim(message, from, (claim) => this.#release(claim))
      default:
        return 'not-mine'
    }
  }

  #query(message: NbnsMessage, name: NetbiosName, type: number, from: Asker): 'handled' | 'not-mine' {
    this.counts.queries++
    if (type === TYPE.status) {
      const isAsked = message.scope === '' && (name.name === '*' || name.name.toUpperCase() === OWN_NAME)
      if (!isAsked) return 'not-mine'
      const record = { name, type, ttlSeconds: 0, data: statusData(OWN_NAME, this.#parts.own.mac) }
      this.#parts.send(reply(message, RCODE.none, record), from)
      return 'handled'
    }
    if (type !== TYPE.name) return 'not-mine'
    const found = message.scope === '' ? this.#addressesOf(name) : []
    const ttlSeconds = found.length === 0 ? 0 : this.#parts.ttlSeconds
    const record = { name, type, ttlSeconds, data: addressData(found) }
    this.#parts.send(reply(message, found.length === 0 ? RCODE.nameError : RCODE.none, record), from)
    return 'handled'
  }

  #addressesOf(name: NetbiosName): NbnsAddress[] {
    // Who is the master of a segment is found by broadcast in the segment.
    if (name.suffix === SUFFIX.localMaster) return []
    const found = this.table.find(name)
    if (found === undefined) return this.#knownOtherwise(name)
    const isGroup = found.kind !== 'unique'
    const own = found.members.map(({ nodeType, address }) => ({ isGroup, nodeType, address }))
    // The domain's master browser comes first among its controllers (Microsoft).
    const master =
      name.suffix === SUFFIX.domainControllers
        ? this.table.find({ ...name, suffix: SUFFIX.domainMaster })?.members[0]?.address
        : undefined
    return own.toSorted((one, other) => Number(other.address === master) - Number(one.address === master))
  }

  /** The server itself, and stations whose names DHCP or the server knows. */
  #knownOtherwise({ name, suffix }: NetbiosName): NbnsAddress[] {
    if (suffix !== SUFFIX.workstation && suffix !== SUFFIX.server) return []
    const { own, names } = this.#parts
    const addresses = name.toUpperCase() === OWN_NAME ? [own.address] : names.addressesOf(name)
    return addresses.map((address) => ({ isGroup: false, nodeType: H_NODE, address }))
  }

  /** What registers, renews or gives back has a name and one address or more (4.2.2, 4.2.9); the first counts. */
  #claim(request: NbnsMessage, from: Asker, act: (claim: Claim) => void): 'handled' | 'malformed' {
    const { question, record } = request
    const entry = record && readAddresses(record.data)?.[0]
    if (question?.type !== TYPE.name || record?.type !== TYPE.name || entry === undefined) return 'malformed'
    if (netbiosKey(question.name) !== netbiosKey(record.name)) return 'malformed'
    act({ request, name: question.name, entry, from })
    return 'handled'
  }

  #register(claim: Claim): void {
    const { name, entry, from } = claim
    if (!this.#mayBeRegistered(claim)) {
      this.#refuse(claim, RCODE.refused)
      return
    }
    // Many register as master of their segment, each right in its own: yes to all, and kept for none (Microsoft).
    if (name.suffix === SUFFIX.localMaster) {
      this.#answer(claim, RCODE.none, this.#parts.ttlSeconds)
      return
    }
    const holder = this.table.find(name)
    const isOwn =
      holder?.members.some(
        ({ address, owner }) => address === entry.address && owner?.address === from.address,
      ) ?? false
    if (holder === undefined) this.#accept(claim)
    else if (holder.kind === 'unique')
      isOwn && !entry.isGroup ? this.#accept(claim) : this.#challenge(claim, holder)
    else if (entry.isGroup) this.#accept(claim)
    else this.#refuse(claim, RCODE.active)
  }

  #mayBeRegistered({ request, name, entry }: Claim): boolean {
    const isReserved = name.name.toUpperCase() === OWN_NAME || name.name === '*' || name.name === ''
    return request.scope === '' && this.#isStation(entry.address) && !isReserved
  }

  #isStation(address: number): boolean {
    const { own, mask } = this.#parts
    return ((address ^ own.address) & mask) === 0 && (address & ~mask) !== ~mask && address !== own.address
  }

  #challenge(claim: Claim, holder: Registration): void {
    const waiting = this.#challenges.stationWaitingFor(holder)
    const isFixed = holder.members.some(({ owner }) => owner === undefined)
    if (isFixed || (waiting !== undefined && waiting !== claim.from.address) || this.#challenges.isFull) {
      this.#conflict(claim, holder)
      return
    }
    this.#parts.send(waitReply(claim.request, claim.name, CHALLENGE_SECONDS), claim.from)
    if (waiting === undefined)
      this.#challenges.start(holder, claim.from.address, (result) => this.#decide(claim, holder, result))
  }

  #decide(claim: Claim, holder: Registration, result: ChallengeResult): void {
    if (result === undefined) {
      // Gone: its addresses go with it, and who waited has the name.
      this.table.remove(claim.name)
      this.#accept(claim)
    } else if (claim.request.opcode === OPCODE.multihomed && result.includes(claim.entry.address))
      // The same machine, by another of its adapters.
      this.#accept(claim)
    else this.#conflict(claim, holder)
  }

  #conflict(claim: Claim, holder: Registration): void {
    this.counts.conflicts++
    this.#parts.conflict(claim.name, holder, claim.from.address)
    this.#answer(claim, RCODE.active, 0)
  }

  #accept(claim: Claim): void {
    const { request, name, entry, from } = claim
    if (!this.table.hasRoomFor(name, from.address)) {
      this.#refuse(claim, RCODE.serverFailure)
      return
    }
    this.counts.registrations++
    // Without end (0) is too long for us: machines come and go (RFC 1001, 15.1.5).
    const wanted = request.record?.ttlSeconds || this.#parts.ttlSeconds
    const ttlSeconds = Math.min(wanted, this.#parts.ttlSeconds)
    this.table.add(name, kindOf(name, entry.isGroup), {
      address: entry.address,
      nodeType: entry.nodeType,
      owner: { address: from.address, mac: from.mac },
      expiresAt: this.#parts.clock.now() + ttlSeconds * 1000,
    })
    // What a machine is told to have is on disk before.
    this.#parts.journal.whenSaved(() => this.#answer(claim, RCODE.none, ttlSeconds))
  }

  #release(claim: Claim): void {
    const { name, entry, from } = claim
    this.counts.releases++
    if (this.table.find(name) === undefined) this.#answer(claim, RCODE.nameError, 0)
    else if (this.table.release(name, entry.address, from.address))
      this.#parts.journal.whenSaved(() => this.#answer(claim, RCODE.none, 0))
    else this.#refuse(claim, RCODE.active)
  }

  #refuse(claim: Claim, rcode: number): void {
    this.counts.refused++
    this.#answer(claim, rcode, 0)
  }

  #answer({ request, name, entry, from }: Claim, rcode: number, ttlSeconds: number): void {
    const record: NbnsRecord = { name, type: TYPE.name, ttlSeconds, data: addressData([entry]) }
    this.#parts.send(reply(request, rcode, record), from)
  }
}
