import { Answers } from './answers.ts'
import { CMD, CMD_FLAG, MAXIMUM_PAYLOAD, NBD_ERROR, type NbdErrno, REQUEST_BYTES } from './constants.ts'
import type { NbdFailure } from './export.ts'
import type { Agreement } from './handshake.ts'
import type { Incoming } from './incoming.ts'
import type { Replies } from './replies.ts'
import { REQUEST_RULES, Request, type RequestRule } from './request.ts'
import { isZeroRange, runsOf } from './runs.ts'

export type TransmissionOutcome = 'starved' | 'next' | 'working' | 'ended'

/** From here on a read looks for holes first; below, zeroes are cheaper sent than found. Bytes. */
const SPARSE_READ_BYTES = 32 * 1024
const SMALLEST_HOLE_BYTES = 4096
const STATUS_RUNS = 4096
/** TRIM and WRITE_ZEROES may name 4 GiB; they go in slices, and others are served between. Bytes. */
const SLICE_BYTES = 64 * 1024 * 1024
const ZEROES = new Uint8Array(1024 * 1024)

/**
 * "Transmission": requests are carried out one after the other, in the order they came, so that a reply means
 * done and a flush covers every write answered before it ("Ordering of messages and writes").
 */
export class Transmission {
  readonly #agreement: Agreement
  readonly #incoming: Incoming
  readonly #request = new Request()
  readonly #answers: Answers
  readonly #read: (offset: number, into: Uint8Array) => void
  #state: 'header' | 'payload' | 'refused-payload' | 'clearing' = 'header'
  #refusal: { errno: NbdErrno; why: string } | undefined
  #cleared = 0

  constructor(agreement: Agreement, incoming: Incoming, replies: Replies) {
    this.#agreement = agreement
    this.#incoming = incoming
    this.#answers = new Answers(replies, this.#request, agreement.structured)
    const { disk } = agreement.chosen
    this.#read = (offset, into) => disk.read(offset, into)
  }

  /** Between two requests. */
  get idle(): boolean {
    return this.#state === 'header'
  }

  step(): TransmissionOutcome {
    switch (this.#state) {
      case 'header':
        return this.#incoming.claim(REQUEST_BYTES) ? this.#begin() : 'starved'
      case 'payload':
        return this.#incoming.claim(this.#request.length) ? this.#write() : 'starved'
      case 'refused-payload':
        if (!this.#incoming.skip(this.#request.length)) return 'starved'
        this.#state = 'header'
        return this.#refuse()
      case 'clearing':
        return this.#clearSlice()
    }
  }

  #begin(): TransmissionOutcome {
    const request = this.#request
    // After a wrong magic nobody knows where the next request starts.
    if (!request.decode(this.#incoming)) return 'ended'
    if (request.type === CMD.disconnect) return 'ended'
    this.#refusal = this.#check(REQUEST_RULES[request.type])
    if (request.type === CMD.write) {
      if (request.length > MAXIMUM_PAYLOAD) return 'ended'
      this.#state = this.#refusal === undefined ? 'payload' : 'refused-payload'
      return 'next'
    }
    return this.#refusal === undefined ? this.#execute() : this.#refuse()
  }

  /** "Error values" says which error to return for what. */
  #check(rule: RequestRule | undefined): { errno: NbdErrno; why: string } | undefined {
    const { type, flags, offset, length } = this.#request
    const { chosen, structured, allocation } = this.#agreement
    if (rule === undefined) return invalid(`Request type ${type} is not supported.`)
    const known = structured ? rule.flags : rule.flags & ~CMD_FLAG.df
    if ((flags & ~known) !== 0) return invalid(`Flags 0x${flags.toString(16)} do not go with ${rule.name}.`)
    if (rule.writes && !chosen.writable) return { errno: NBD_ERROR.perm, why: 'The disk is read-only.' }
    if (rule.ranged && offset + length > chosen.disk.sizeBytes) {
      const errno = type === CMD.write || type === CMD.writeZeroes ? NBD_ERROR.nospc : NBD_ERROR.inval
      return { errno, why: `${offset} + ${length} is beyond the disk's ${chosen.disk.sizeBytes} bytes.` }
    }
    if (type === CMD.read && length > MAXIMUM_PAYLOAD)
      return invalid(`A read of ${length} bytes is longer than ${MAXIMUM_PAYLOAD}.`)
    if (type === CMD.blockStatus && (!allocation || length === 0))
      return invalid('BLOCK_STATUS needs a negotiated context and a length.')
    return undefined
  }

  #execute(): TransmissionOutcome {
    switch (this.#request.type) {
      case CMD.read:
        return this.#readRange()
      case CMD.flush:
        return this.#attempt('flush', () => this.#finish(true))
      case CMD.blockStatus:
        return this.#attempt('block-status', () => this.#blockStatus())
      case CMD.trim:
      case CMD.writeZeroes:
        if ((this.#request.flags & CMD_FLAG.fastZero) !== 0) return this.#zeroFast()
        this.#cleared = 0
        this.#state = 'clearing'
        return 'next'
      default:
        // CACHE is a hint that the host's page cache makes moot.
        this.#answers.done()
        return 'next'
    }
  }

  #readRange(): TransmissionOutcome {
    const { offset, length, flags } = this.#request
    const { chosen, structured } = this.#agreement
    chosen.counters.reads++
    chosen.counters.bytesRead += length
    try {
      if (length === 0 && structured) this.#answers.nothing()
      else if (structured && length >= SPARSE_READ_BYTES && (flags & CMD_FLAG.df) === 0) this.#readSparse()
      else this.#answers.data(offset, length, true, this.#read)
    } catch (error) {
      this.#fail('read', error)
    }
    return 'next'
  }

  /** "Structured reply types": holes are named, not sent. */
  #readSparse(): void {
    const { length, offset } = this.#request
    const end = offset + length
    const options = { smallestHole: SMALLEST_HOLE_BYTES, limit: length / SMALLEST_HOLE_BYTES }
    let at = offset
    for (const run of runsOf(this.#agreement.chosen.disk, offset, length, options)) {
      const last = at + run.length === end
      if (run.zero) this.#answers.hole(at, run.length, last)
      else this.#answers.data(at, run.length, last, this.#read)
      at += run.length
    }
    // Where the map was too fine to read to its end, the rest is simply data.
    if (at < end) this.#answers.data(at, end - at, true, this.#read)
  }

  #blockStatus(): void {
    const { offset, length, flags } = this.#request
    const limit = (flags & CMD_FLAG.reqOne) !== 0 ? 1 : STATUS_RUNS
    this.#answers.blockStatus(runsOf(this.#agreement.chosen.disk, offset, length, { smallestHole: 1, limit }))
  }

  #write(): TransmissionOutcome {
    this.#state = 'header'
    const { chosen } = this.#agreement
    const { offset, length, flags } = this.#request
    const { bytes, start } = this.#incoming
    chosen.counters.writes++
    chosen.counters.bytesWritten += length
    chosen.unflushed = true
    try {
      chosen.disk.write(offset, bytes.subarray(start, start + length))
      this.#finish((flags & CMD_FLAG.fua) !== 0)
    } catch (error) {
      this.#fail('write', error)
    }
    return 'next'
  }

  /**
   * FAST_ZERO: only what needs no writing. What reads as zero already is left alone; the rest a client can send as
   * well as ask for, and wants to be told so at once.
   */
  #zeroFast(): TransmissionOutcome {
    return this.#attempt('write-zeroes', () => {
      const { offset, length, flags } = this.#request
      const isHole =
        (flags & CMD_FLAG.noHole) === 0 && isZeroRange(this.#agreement.chosen.disk, offset, length)
      if (isHole) this.#finish((flags & CMD_FLAG.fua) !== 0)
      else this.#answers.error(NBD_ERROR.notsup, 'The zeroes would have to be written.')
    })
  }

  #clearSlice(): TransmissionOutcome {
    const { type, flags, offset, length } = this.#request
    const at = offset + this.#cleared
    // Slices end at multiples of their size, so that a format can give back whole blocks.
    const part = Math.min(length - this.#cleared, SLICE_BYTES - (at % SLICE_BYTES))
    const last = this.#cleared + part === length
    this.#agreement.chosen.unflushed = true
    try {
      if (part > 0) this.#clear(at, part)
      if (!last) {
        this.#cleared += part
        return 'working'
      }
      this.#finish((flags & CMD_FLAG.fua) !== 0)
    } catch (error) {
      this.#fail(type === CMD.trim ? 'trim' : 'write-zeroes', error)
    }
    this.#state = 'header'
    return 'next'
  }

  #clear(offset: number, length: number): void {
    const { disk } = this.#agreement.chosen
    const { type, flags } = this.#request
    if (type === CMD.trim) disk.discard(offset, length)
    else if ((flags & CMD_FLAG.noHole) === 0) disk.writeZeroes(offset, length)
    else {
      // NO_HOLE: the client wants the space to be its own, so the zeroes are really written.
      for (let done = 0; done < length; done += ZEROES.length)
        disk.write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
    }
  }

  #finish(durable: boolean): void {
    if (durable) this.#agreement.chosen.flush()
    this.#answers.done()
  }

  #attempt(name: NbdFailure['request'], action: () => void): TransmissionOutcome {
    try {
      action()
    } catch (error) {
      this.#fail(name, error)
    }
    return 'next'
  }

  #refuse(): TransmissionOutcome {
    this.#answers.error(this.#refusal!.errno, this.#refusal!.why)
    return 'next'
  }

  #fail(name: NbdFailure['request'], thrown: unknown): void {
    const { offset, length } = this.#request
    const { errno, error } = this.#agreement.chosen.fail(name, offset, length, thrown)
    this.#answers.error(errno, error.message)
  }
}

function invalid(why: string): { errno: NbdErrno; why: string } {
  return { errno: NBD_ERROR.inval, why }
}
