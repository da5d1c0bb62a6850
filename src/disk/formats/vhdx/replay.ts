import { type ByteStore, MiB, VivariumError } from '../../../base/index.ts'
import { damaged, unsupported } from './damage.ts'
import { NO_GUID } from './guid.ts'
import type { Header } from './header.ts'
import { HEADER_SECTION_BYTES } from './headers.ts'
import { changesOf, type LogChange } from './log-entry.ts'
import { activeSequence } from './log-sequence.ts'

/**
 * Log replay (MS-VHDX 2.3.3). A disk that was not closed properly is right only with what its log holds. For
 * reading, the changes lie over the file in memory; for writing, they are written into it first.
 */
const MAX_LOG_BYTES = 32 * MiB
const MAX_CHANGES = 16_384
/** No file system of today has larger files; keeps what a damaged log may ask for bounded. */
export const MAX_FILE_BYTES = 256 * 2 ** 40
const MAX_ZEROED_BYTES = 1024 * MiB

export interface Replay {
  /** The file as it is after the replay; read-only. */
  readonly store: ByteStore
  readonly entries: number
  /** Writes the changes into the file. Can be done again after a failure half-way. */
  commit(): void
}

/** Undefined when there is nothing to replay. */
export function readReplay(store: ByteStore, header: Header): Replay | undefined {
  if (header.logGuid === NO_GUID || header.logLength === 0) return undefined
  const where = { path: store.name, offset: header.logOffset, field: 'log' }
  if (header.logLength > MAX_LOG_BYTES)
    throw unsupported(
      'vhdx-log-too-large',
      `The log has ${header.logLength} bytes; up to ${MAX_LOG_BYTES} can be replayed.`,
      where,
      'Mount the disk once in Windows, which replays it.',
    )
  const log = new Uint8Array(header.logLength)
  store.read(header.logOffset, log)
  const sequence = activeSequence(log, header.logGuid)
  if (sequence === undefined) return undefined
  const { flushedFileOffset, lastFileOffset } = sequence.at(-1)!
  if (flushedFileOffset > store.size())
    throw damaged(
      'vhdx-cut-short',
      `The log says that the file had ${flushedFileOffset} bytes, and it has ${store.size()}.`,
      where,
    )
  const size = Math.max(store.size(), lastFileOffset)
  const changes = new Changes()
  let count = 0
  for (const entry of sequence)
    for (const change of changesOf(log, entry)) {
      if (++count > MAX_CHANGES || !isInside(change, size))
        throw damaged('vhdx-log-damaged', 'The log changes places that are not in the file.', where)
      changes.add(change)
    }
  return {
    store: replayedStore(store, changes, size),
    entries: sequence.length,
    commit: () => writeChanges(store, changes, size),
  }
}

/** The headers are never logged, and what lies in front of the regions is not metadata. */
function isInside({ offset, length }: LogChange, size: number): boolean {
  return offset >= HEADER_SECTION_BYTES && offset + length <= size && size <= MAX_FILE_BYTES
}

/** Changes by file offset, none on top of another; the later one of two has won. */
class Changes {
  readonly list: LogChange[] = []

  add(change: LogChange): void {
    if (change.length === 0) return
    const end = change.offset + change.length
    const first = this.firstBehind(change.offset)
    let last = first
    const rest: LogChange[] = []
    for (; last < this.list.length && this.list[last]!.offset < end; last++) {
      const old = this.list[last]!
      if (old.offset < change.offset) rest.push(part(old, old.offset, change.offset))
      if (old.offset + old.length > end) rest.push(part(old, end, old.offset + old.length))
    }
    const before = rest.filter(({ offset }) => offset < change.offset)
    const behind = rest.filter(({ offset }) => offset >= end)
    this.list.splice(first, last - first, ...before, change, ...behind)
  }

  /** The first change that ends behind a place. */
  firstBehind(offset: number): number {
    let low = 0
    let high = this.list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { offset: start, length } = this.list[middle]!
      if (start + length > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}

function part({ offset, bytes }: LogChange, start: number, end: number): LogChange {
  const length = end - start
  return bytes === undefined
    ? { offset: start, length }
    : { offset: start, length, bytes: bytes.subarray(start - offset, end - offset) }
}

function replayedStore(store: ByteStore, changes: Changes, size: number): ByteStore {
  const refuse = (): never => {
    throw new VivariumError('denied', 'store-read-only', 'It is open for reading only.', {
      where: { path: store.name },
    })
  }
  return {
    name: store.name,
    writable: false,
    size: () => size,
    read(at, into) {
      const stored = Math.max(0, Math.min(into.length, store.size() - at))
      // Behind the size the file's own answer is the right one: it ends before the data it promises.
      if (at + into.length > size) store.read(at, into)
      else if (stored > 0) store.read(at, into.subarray(0, stored))
      into.fill(0, stored)
      overlay(changes, at, into)
    },
    write: refuse,
    truncate: refuse,
    flush: () => undefined,
    close: () => store.close(),
  }
}

function overlay(changes: Changes, at: number, into: Uint8Array): void {
  const end = at + into.length
  for (let index = changes.firstBehind(at); index < changes.list.length; index++) {
    const change = changes.list[index]!
    if (change.offset >= end) return
    const start = Math.max(at, change.offset)
    const stop = Math.min(end, change.offset + change.length)
    const { bytes } = part(change, start, stop)
    if (bytes === undefined) into.fill(0, start - at, stop - at)
    else into.set(bytes, start - at)
  }
}

const ZEROES = new Uint8Array(MiB)

function writeChanges(store: ByteStore, { list }: Changes, size: number): void {
  const zeroed = list.reduce((sum, { bytes, length }) => sum + (bytes === undefined ? length : 0), 0)
  if (zeroed > MAX_ZEROED_BYTES)
    throw unsupported(
      'vhdx-log-too-large',
      `The log would zero ${zeroed} bytes; up to ${MAX_ZEROED_BYTES} are done.`,
      { path: store.name, field: 'log' },
      'It can still be read; copy it to a new disk.',
    )
  if (size > store.size()) store.truncate(size)
  for (const { offset, length, bytes } of list) {
    if (bytes !== undefined) store.write(offset, bytes)
    else
      for (let done = 0; done < length; done += ZEROES.length)
        store.write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
  }
}
