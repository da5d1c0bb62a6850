import type { ByteRange, Disk } from '../disk/index.ts'
import { SECTOR } from '../disk/index.ts'

const PIECE_BYTES = 256 << 10

/**
 * What a child stores though its parent shows the same: sectors of its own that need not be stored, from byte `from`
 * on, in order. Both are read, each time anew, so that it takes no memory.
 */
export function* equalRanges(child: Disk, parent: Disk, from: number): Generator<ByteRange> {
  const end = Math.min(child.sizeBytes, parent.sizeBytes)
  if (from >= end) return
  const [own, other] = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)]
  for (const { offset, length, kind, layer } of child.extents(from, end - from)) {
    if (kind !== 'data' || layer !== 0) continue
    for (let done = 0; done < length; done += PIECE_BYTES) {
      const count = Math.min(PIECE_BYTES, length - done)
      child.read(offset + done, own.subarray(0, count))
      parent.read(offset + done, other.subarray(0, count))
      yield* equalSectors(own, other, count, offset + done)
    }
  }
}

function* equalSectors(
  one: Uint8Array,
  other: Uint8Array,
  length: number,
  offset: number,
): Generator<ByteRange> {
  let first = -1
  for (let at = 0; at <= length; at += SECTOR) {
    const isEqual = at < length && sectorEqual(one, other, at)
    if (isEqual && first === -1) first = at
    if (isEqual || first === -1) continue
    yield { offset: offset + first, length: at - first }
    first = -1
  }
}

function sectorEqual(one: Uint8Array, other: Uint8Array, at: number): boolean {
  for (let index = at; index < at + SECTOR; index++) if (one[index] !== other[index]) return false
  return true
}

/** Two lists of ranges as one, in order and apart from each other. */
export function* union(a: Iterable<ByteRange>, b: Iterable<ByteRange>): Generator<ByteRange> {
  let pending: { offset: number; end: number } | undefined
  for (const { offset, length } of inOrder(a, b)) {
    if (pending !== undefined && offset <= pending.end) {
      pending.end = Math.max(pending.end, offset + length)
      continue
    }
    if (pending !== undefined) yield { offset: pending.offset, length: pending.end - pending.offset }
    pending = { offset, end: offset + length }
  }
  if (pending !== undefined) yield { offset: pending.offset, length: pending.end - pending.offset }
}

function* inOrder(a: Iterable<ByteRange>, b: Iterable<ByteRange>): Generator<ByteRange> {
  const [one, other] = [a[Symbol.iterator](), b[Symbol.iterator]()]
  let [x, y] = [one.next(), other.next()]
  while (x.done !== true || y.done !== true) {
    if (y.done === true || (x.done !== true && x.value.offset <= y.value.offset)) {
      if (x.done !== true) yield x.value
      x = one.next()
    } else {
      yield y.value
      y = other.next()
    }
  }
}
