import {
  BASE_ALLOCATION_ID,
  CHUNK,
  CHUNK_DONE,
  CHUNK_HEADER_BYTES,
  SIMPLE_REPLY_BYTES,
  SIMPLE_REPLY_MAGIC,
  STATE_HOLE_ZERO,
  STRUCTURED_REPLY_MAGIC,
} from './constants.ts'
import type { Replies } from './replies.ts'
import type { Request } from './request.ts'

/** A run of bytes of one allocation state. */
export interface Run {
  readonly length: number
  readonly zero: boolean
}

const UTF8 = new TextEncoder()
/** Errors carry a sentence for the client's log; longer ones are cut. "Values", strings. Bytes. */
const MESSAGE_BYTES = 1024

/** Lays out the reply messages of the transmission phase for one request. */
export class Answers {
  readonly #replies: Replies
  readonly #request: Request
  /** "Structured reply chunk message" was negotiated. */
  readonly #structured: boolean

  constructor(replies: Replies, request: Request, structured: boolean) {
    this.#replies = replies
    this.#request = request
    this.#structured = structured
  }

  /** "Simple reply message" without payload: allowed for everything but READ and BLOCK_STATUS. */
  done(): void {
    this.#simple(0, 0)
  }

  /** Tells the client that its request failed, and why where the protocol has room for words. */
  error(errno: number, message: string): void {
    if (!this.#structured) {
      this.#simple(errno, 0)
      return
    }
    const text = UTF8.encode(message).subarray(0, MESSAGE_BYTES)
    const at = this.#chunk(CHUNK.error, CHUNK_DONE, 6 + text.length)
    this.#replies.view.setUint32(at, errno)
    this.#replies.view.setUint16(at + 4, text.length)
    this.#replies.bytes.set(text, at + 6)
  }

  /**
   * One reply, or one chunk of it, with `length` bytes of the disk from `offset`. `fill` writes them where they
   * will be sent from; what it throws passes through, and then nothing of this reply is sent.
   */
  data(
    offset: number,
    length: number,
    last: boolean,
    fill: (offset: number, into: Uint8Array) => void,
  ): void {
    const replies = this.#replies
    const header = this.#structured ? CHUNK_HEADER_BYTES + 8 : SIMPLE_REPLY_BYTES
    const at = this.#structured ? this.#dataChunk(offset, length, last) : this.#simple(0, length)
    try {
      fill(offset, replies.bytes.subarray(at, at + length))
    } catch (error) {
      replies.withdraw(header + length)
      throw error
    }
  }

  hole(offset: number, length: number, last: boolean): void {
    const at = this.#chunk(CHUNK.offsetHole, last ? CHUNK_DONE : 0, 12)
    setOffset(this.#replies.view, at, offset)
    this.#replies.view.setUint32(at + 8, length)
  }

  /** The structured reply to a READ of no bytes: no content chunk may be empty. */
  nothing(): void {
    this.#chunk(CHUNK.none, CHUNK_DONE, 0)
  }

  blockStatus(runs: readonly Run[]): void {
    let at = this.#chunk(CHUNK.blockStatus, CHUNK_DONE, 4 + 8 * runs.length)
    const { view } = this.#replies
    view.setUint32(at, BASE_ALLOCATION_ID)
    at += 4
    for (const run of runs) {
      view.setUint32(at, run.length)
      view.setUint32(at + 4, run.zero ? STATE_HOLE_ZERO : 0)
      at += 8
    }
  }

  /** magic(32) error(32) cookie(64); returns where the payload goes. */
  #simple(errno: number, payload: number): number {
    const at = this.#replies.reserve(SIMPLE_REPLY_BYTES + payload)
    const { view } = this.#replies
    view.setUint32(at, SIMPLE_REPLY_MAGIC)
    view.setUint32(at + 4, errno)
    view.setUint32(at + 8, this.#request.cookieHigh)
    view.setUint32(at + 12, this.#request.cookieLow)
    return at + SIMPLE_REPLY_BYTES
  }

  #dataChunk(offset: number, length: number, last: boolean): number {
    const at = this.#chunk(CHUNK.offsetData, last ? CHUNK_DONE : 0, 8 + length)
    setOffset(this.#replies.view, at, offset)
    return at + 8
  }

  /** magic(32) flags(16) type(16) cookie(64) length(32); returns where the payload goes. */
  #chunk(type: number, flags: number, payload: number): number {
    const at = this.#replies.reserve(CHUNK_HEADER_BYTES + payload)
    const { view } = this.#replies
    view.setUint32(at, STRUCTURED_REPLY_MAGIC)
    view.setUint16(at + 4, flags)
    view.setUint16(at + 6, type)
    view.setUint32(at + 8, this.#request.cookieHigh)
    view.setUint32(at + 12, this.#request.cookieLow)
    view.setUint32(at + 16, payload)
    return at + CHUNK_HEADER_BYTES
  }
}

/** 64 bits in two halves: a BigInt per reply would cost more than the rest of the header. */
function setOffset(view: DataView, at: number, offset: number): void {
  view.setUint32(at, Math.floor(offset / 0x1_0000_0000))
  view.setUint32(at + 4, offset % 0x1_0000_0000)
}
