import { asciiBytes, viewOf } from '../../base/index.ts'
import type { Disk, Extent, Stored } from '../disk.ts'
import { CMD, OPT, OPTION_MAGIC, REQUEST_MAGIC } from './constants.ts'
import type { NbdSession } from './session.ts'

/** A disk in memory that stores only the 4 KiB blocks written to; `failure` is thrown by whatever comes next. */
export class MemoryDisk implements Disk {
  readonly format = 'memory'
  readonly sizeBytes: number
  readonly writable: boolean
  failure: Error | undefined
  flushes = 0
  readonly #bytes: Uint8Array
  readonly #stored = new Set<number>()

  constructor(sizeBytes: number, writable = true) {
    this.sizeBytes = sizeBytes
    this.writable = writable
    this.#bytes = new Uint8Array(sizeBytes)
  }

  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length)
    into.set(this.#bytes.subarray(offset, offset + into.length))
  }

  write(offset: number, from: Uint8Array): void {
    this.#check(offset, from.length)
    this.#bytes.set(from, offset)
    for (let block = offset >>> 12; block * 4096 < offset + from.length; block++) this.#stored.add(block)
  }

  flush(): void {
    this.#check(0, 0)
    this.flushes++
  }

  writeZeroes(offset: number, length: number): void {
    this.#check(offset, length)
    this.#bytes.fill(0, offset, offset + length)
    for (let block = Math.ceil(offset / 4096); (block + 1) * 4096 <= offset + length; block++)
      this.#stored.delete(block)
  }

  discard(offset: number, length: number): void {
    this.writeZeroes(offset, length)
  }

  *extents(offset: number, length: number): Iterable<Extent> {
    this.#check(offset, length)
    for (let at = offset; at < offset + length; ) {
      const end = Math.min(offset + length, ((at >>> 12) + 1) * 4096)
      if (this.#stored.has(at >>> 12)) yield { offset: at, length: end - at, kind: 'data', layer: 0 }
      else yield { offset: at, length: end - at, kind: 'zero' }
      at = end
    }
  }

  storedAt(_offset: number, length: number): Stored {
    return { kind: 'computed', length }
  }

  close(): void {
    this.#stored.clear()
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || offset + length > this.sizeBytes) throw new RangeError(`${offset} + ${length}`)
    if (this.failure !== undefined) throw this.failure
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function uint(bits: 16 | 32 | 64, value: number): Uint8Array {
  const bytes = new Uint8Array(bits / 8)
  if (bits === 16) viewOf(bytes).setUint16(0, value)
  else if (bits === 32) viewOf(bytes).setUint32(0, value)
  else viewOf(bytes).setBigUint64(0, BigInt(value))
  return bytes
}

const magic = new Uint8Array(8)
viewOf(magic).setBigUint64(0, OPTION_MAGIC)

export function option(number: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  return joined(magic, uint(32, number), uint(32, data.length), data)
}

export function text(value: string): Uint8Array {
  return joined(uint(32, value.length), asciiBytes(value))
}

export function metaContext(number: number, exportName: string, ...queries: readonly string[]): Uint8Array {
  return option(number, joined(text(exportName), uint(32, queries.length), ...queries.map(text)))
}

export function go(exportName: string, ...wanted: readonly number[]): Uint8Array {
  return option(
    OPT.go,
    joined(text(exportName), uint(16, wanted.length), ...wanted.map((kind) => uint(16, kind))),
  )
}

/** What a client says up to the transmission phase. */
export function greeting(exportName: string, structured: boolean): Uint8Array {
  return joined(
    uint(32, 3),
    ...(structured
      ? [option(OPT.structuredReply), metaContext(OPT.setMetaContext, exportName, 'base:allocation')]
      : []),
    go(exportName),
  )
}

export function request(
  type: (typeof CMD)[keyof typeof CMD] | number,
  offset: number,
  length: number,
  options: { cookie?: number; flags?: number; payload?: Uint8Array } = {},
): Uint8Array {
  return joined(
    uint(32, REQUEST_MAGIC),
    uint(16, options.flags ?? 0),
    uint(16, type),
    uint(64, options.cookie ?? 7),
    uint(64, offset),
    uint(32, length),
    options.payload ?? new Uint8Array(0),
  )
}

export function write(offset: number, payload: Uint8Array, flags = 0): Uint8Array {
  return request(CMD.write, offset, payload.length, { payload, flags })
}

/** Feeds bytes in pieces of the given size, as a transport would, and gathers the answer. */
export function converse(
  session: NbdSession,
  sent: Uint8Array,
  pieceBytes = sent.length,
): { answer: Uint8Array; ended: boolean } {
  const parts: Uint8Array[] = []
  let ended = drain(session, parts)
  for (let at = 0; at < sent.length && !ended; at += pieceBytes) {
    session.receive(sent.slice(at, at + pieceBytes))
    ended = drain(session, parts)
  }
  return { answer: joined(...parts), ended }
}

function drain(session: NbdSession, parts: Uint8Array[]): boolean {
  for (;;) {
    const outcome = session.advance()
    for (let page = session.replies.take(); page !== undefined; page = session.replies.take()) {
      parts.push(page.bytes.slice(0, page.used))
      session.replies.release(page)
    }
    if (outcome === 'ended') return true
    if (outcome === 'starved') return false
  }
}
