import { viewOf } from '../../base/index.ts'
import {
  BASE_ALLOCATION,
  BASE_ALLOCATION_ID,
  FLAG,
  HANDSHAKE_FIXED_NEWSTYLE,
  HANDSHAKE_NO_ZEROES,
  INFO,
  INIT_MAGIC,
  OPT,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  REP,
} from './constants.ts'
import type { NbdExport } from './export.ts'
import type { Incoming } from './incoming.ts'
import { blockSizes, exportInfo, infoText } from './info.ts'
import { parseInfoRequest, parseMetaContextRequest } from './options.ts'
import type { Replies } from './replies.ts'

/** What client and server agreed on. */
export interface Agreement {
  readonly chosen: NbdExport
  /** "Structured reply chunk message" for reads and errors. */
  readonly structured: boolean
  /** BLOCK_STATUS may be asked, for base:allocation. */
  readonly allocation: boolean
}

export type HandshakeOutcome = 'starved' | 'next' | 'start-tls' | 'ended' | Agreement

/** A longer option is answered ERR_TOO_BIG, a much longer one ends the connection. Bytes. */
const OPTION_BYTES = 64 * 1024
const HOPELESS_OPTION_BYTES = 1024 * 1024
const WRITING = FLAG.sendFua | FLAG.sendTrim | FLAG.sendWriteZeroes | FLAG.sendFastZero
/** Nobody haggles so long; a client that does wants to keep us busy. */
const MAXIMUM_OPTIONS = 1000

/**
 * "Fixed newstyle negotiation":
 *
 *     S: NBDMAGIC IHAVEOPT flags(16)          C: flags(32)
 *     C: IHAVEOPT option(32) length(32) data  S: reply magic(64) option(32) type(32) length(32) data   ... any number
 *     C: GO or EXPORT_NAME                    -> transmission
 */
export class Handshake {
  readonly #exports: readonly NbdExport[]
  readonly #incoming: Incoming
  readonly #replies: Replies
  #state: 'flags' | 'header' | 'data' | 'too-big' = 'flags'
  #option = 0
  #length = 0
  #options = 0
  #zeroes = true
  #structured = false
  #tls: 'never' | 'required' | 'done'
  /** The export that SET_META_CONTEXT selected base:allocation for; it holds only if that one is chosen. */
  #allocationOf: NbdExport | undefined

  constructor(exports: readonly NbdExport[], incoming: Incoming, replies: Replies, requireTls: boolean) {
    this.#exports = exports
    this.#tls = requireTls ? 'required' : 'never'
    this.#incoming = incoming
    this.#replies = replies
    const at = replies.reserve(18)
    replies.view.setBigUint64(at, INIT_MAGIC)
    replies.view.setBigUint64(at + 8, OPTION_MAGIC)
    replies.view.setUint16(at + 16, HANDSHAKE_FIXED_NEWSTYLE | HANDSHAKE_NO_ZEROES)
  }

  step(): HandshakeOutcome {
    switch (this.#state) {
      case 'flags':
        return this.#incoming.claim(4) ? this.#clientFlags() : 'starved'
      case 'header':
        return this.#incoming.claim(16) ? this.#optionHeader() : 'starved'
      case 'too-big':
        if (!this.#incoming.skip(this.#length)) return 'starved'
        return this.#refuse(REP.tooBig, `An option of more than ${OPTION_BYTES} bytes is too long.`)
      case 'data': {
        if (!this.#incoming.claim(this.#length)) return 'starved'
        this.#state = 'header'
        const { bytes, start } = this.#incoming
        return this.#answer(bytes.subarray(start, start + this.#length))
      }
    }
  }

  #clientFlags(): HandshakeOutcome {
    const flags = this.#incoming.view.getUint32(this.#incoming.start)
    if ((flags & ~(HANDSHAKE_FIXED_NEWSTYLE | HANDSHAKE_NO_ZEROES)) !== 0) return 'ended'
    this.#zeroes = (flags & HANDSHAKE_NO_ZEROES) === 0
    this.#state = 'header'
    return 'next'
  }

  #optionHeader(): HandshakeOutcome {
    const { view, start } = this.#incoming
    if (view.getBigUint64(start) !== OPTION_MAGIC || ++this.#options > MAXIMUM_OPTIONS) return 'ended'
    this.#option = view.getUint32(start + 8)
    this.#length = view.getUint32(start + 12)
    if (this.#length > HOPELESS_OPTION_BYTES) return 'ended'
    this.#state = this.#length > OPTION_BYTES ? 'too-big' : 'data'
    return 'next'
  }

  #answer(data: Uint8Array): HandshakeOutcome {
    // "SELECTIVETLS" is not for us: who has not started TLS does not even learn which exports there are.
    if (this.#tls === 'required' && this.#option !== OPT.startTls && this.#option !== OPT.abort)
      return this.#option === OPT.exportName ? 'ended' : this.#refuse(REP.tlsRequired, 'Start TLS first.')
    switch (this.#option) {
      case OPT.exportName:
        return this.#exportName(data)
      case OPT.abort:
        this.#reply(REP.ack)
        return 'ended'
      case OPT.list:
        return data.length > 0 ? this.#refuse(REP.invalid, 'LIST takes no data.') : this.#list()
      case OPT.info:
      case OPT.go:
        return this.#info(data)
      case OPT.structuredReply:
        if (data.length > 0) return this.#refuse(REP.invalid, 'STRUCTURED_REPLY takes no data.')
        this.#structured = true
        return this.#reply(REP.ack)
      case OPT.listMetaContext:
      case OPT.setMetaContext:
        return this.#metaContext(data)
      case OPT.startTls:
        return this.#startTls(data)
      default:
        return this.#refuse(REP.unsupported, `Option ${this.#option} is not supported.`)
    }
  }

  /** "The NBD protocol and TLS": what was agreed on before is forgotten, for anybody may have said it. */
  #startTls(data: Uint8Array): HandshakeOutcome {
    if (this.#tls === 'never') return this.#refuse(REP.policy, 'This server does not offer TLS.')
    if (this.#tls === 'done') return this.#refuse(REP.invalid, 'TLS is on already.')
    if (data.length > 0) return this.#refuse(REP.invalid, 'STARTTLS takes no data.')
    this.#tls = 'done'
    this.#structured = false
    this.#allocationOf = undefined
    this.#reply(REP.ack)
    return 'start-tls'
  }

  /** The only option whose answer has no reply header, and no way to say no but to hang up. */
  #exportName(data: Uint8Array): HandshakeOutcome {
    const chosen = this.#find(new TextDecoder().decode(data))
    if (chosen === undefined) return 'ended'
    const at = this.#replies.reserve(10 + (this.#zeroes ? 124 : 0))
    const { bytes, view } = this.#replies
    view.setBigUint64(at, BigInt(chosen.disk.sizeBytes))
    view.setUint16(at + 8, this.#transmissionFlags(chosen))
    if (this.#zeroes) bytes.fill(0, at + 10, at + 134)
    return this.#agree(chosen)
  }

  #list(): HandshakeOutcome {
    for (const { name } of this.#exports) {
      const text = new TextEncoder().encode(name)
      const data = new Uint8Array(4 + text.length)
      viewOf(data).setUint32(0, text.length)
      data.set(text, 4)
      this.#reply(REP.server, data)
    }
    return this.#reply(REP.ack)
  }

  #info(data: Uint8Array): HandshakeOutcome {
    const request = parseInfoRequest(data)
    if (request === undefined) return this.#refuse(REP.invalid, 'The INFO or GO request is malformed.')
    const found = this.#find(request.exportName)
    if (found === undefined) return this.#refuseExport(request.exportName)
    this.#reply(REP.info, exportInfo(found.disk.sizeBytes, this.#transmissionFlags(found)))
    if (request.wanted.has(INFO.name)) this.#reply(REP.info, infoText(INFO.name, found.name))
    if (request.wanted.has(INFO.description))
      this.#reply(REP.info, infoText(INFO.description, `${found.disk.format} virtual disk`))
    if (request.wanted.has(INFO.blockSize)) this.#reply(REP.info, blockSizes())
    this.#reply(REP.ack)
    return this.#option === OPT.go ? this.#agree(found) : 'next'
  }

  #metaContext(data: Uint8Array): HandshakeOutcome {
    const setting = this.#option === OPT.setMetaContext
    if (setting) this.#allocationOf = undefined
    if (!this.#structured) return this.#refuse(REP.invalid, 'Ask for STRUCTURED_REPLY first.')
    const request = parseMetaContextRequest(data)
    if (request === undefined) return this.#refuse(REP.invalid, 'The META_CONTEXT request is malformed.')
    const found = this.#find(request.exportName)
    if (found === undefined) return this.#refuseExport(request.exportName)
    // "Metadata querying": only LIST knows wildcards, `base:` and no query at all.
    const listed = !setting && (request.queries.length === 0 || request.queries.includes('base:'))
    if (listed || request.queries.includes(BASE_ALLOCATION)) {
      const name = new TextEncoder().encode(BASE_ALLOCATION)
      const context = new Uint8Array(4 + name.length)
      viewOf(context).setUint32(0, setting ? BASE_ALLOCATION_ID : 0)
      context.set(name, 4)
      this.#reply(REP.metaContext, context)
      if (setting) this.#allocationOf = found
    }
    return this.#reply(REP.ack)
  }

  /** The empty name is the default export; with several disks there is none, for a guess would be dangerous. */
  #find(name: string): NbdExport | undefined {
    if (name === '' && this.#exports.length === 1) return this.#exports[0]
    return this.#exports.find((candidate) => candidate.name === name)
  }

  #transmissionFlags({ writable }: NbdExport): number {
    // CAN_MULTI_CONN is honest: all connections share one disk object in one process.
    const common = FLAG.hasFlags | FLAG.sendFlush | FLAG.canMultiConn | FLAG.sendCache
    const reading = this.#structured ? FLAG.sendDf : 0
    const writing = writable ? WRITING : FLAG.readOnly
    return common | reading | writing
  }

  #agree(chosen: NbdExport): Agreement {
    return { chosen, structured: this.#structured, allocation: this.#allocationOf === chosen }
  }

  #refuseExport(name: string): HandshakeOutcome {
    return this.#refuse(REP.unknown, `There is no export "${name}".`)
  }

  #refuse(type: number, why: string): HandshakeOutcome {
    this.#state = 'header'
    return this.#reply(type, new TextEncoder().encode(why))
  }

  #reply(type: number, data?: Uint8Array): 'next' {
    const length = data?.length ?? 0
    const at = this.#replies.reserve(20 + length)
    const { bytes, view } = this.#replies
    view.setBigUint64(at, OPTION_REPLY_MAGIC)
    view.setUint32(at + 8, this.#option)
    view.setUint32(at + 12, type)
    view.setUint32(at + 16, length)
    if (data !== undefined) bytes.set(data, at + 20)
    return 'next'
  }
}
