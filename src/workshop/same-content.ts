import { bytesEqual, isZero, MiB, VivariumError } from '../base/index.ts'
import type { ByteRange, Disk } from '../disk/index.ts'

const PIECE_BYTES = MiB

/**
 * Compares what two disks show, without what lies in `free`; what the second has behind the first one's end must be
 * zero. Yields the offset it has come to. What neither stores is not read.
 * @throws VivariumError kind `corrupt`, code `image-not-equal`.
 */
export function* sameContent(before: Disk, after: Disk, free: Iterable<ByteRange>): Generator<number> {
  // Once for all: an interleaved disk has very many short extents.
  const buffers = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const
  for (const { offset, length } of between(free, before.sizeBytes))
    for (const { offset: from, length: count, kind } of before.extents(offset, length))
      yield* kind === 'zero'
        ? isZeroIn(after, from, count, buffers)
        : equalIn(before, after, from, count, buffers)
  yield* isZeroIn(after, before.sizeBytes, after.sizeBytes - before.sizeBytes, buffers)
}

/** What lies between the ranges. */
function* between(ranges: Iterable<ByteRange>, sizeBytes: number): Generator<ByteRange> {
  let at = 0
  for (const { offset, length } of ranges) {
    if (offset > at) yield { offset: at, length: offset - at }
    at = offset + length
  }
  if (at < sizeBytes) yield { offset: at, length: sizeBytes - at }
}

type Buffers = readonly [Uint8Array, Uint8Array]

function* equalIn(
  before: Disk,
  after: Disk,
  offset: number,
  length: number,
  [one, other]: Buffers,
): Generator<number> {
  for (let done = 0; done < length; done += PIECE_BYTES) {
    const count = Math.min(PIECE_BYTES, length - done)
    before.read(offset + done, one.subarray(0, count))
    after.read(offset + done, other.subarray(0, count))
    if (!bytesEqual(one.subarray(0, count), other.subarray(0, count))) throw notEqual(offset + done)
    yield offset + done
  }
}

function* isZeroIn(disk: Disk, offset: number, length: number, [piece]: Buffers): Generator<number> {
  if (length <= 0) return
  for (const extent of disk.extents(offset, length)) {
    yield extent.offset
    if (extent.kind === 'zero') continue
    for (let done = 0; done < extent.length; done += PIECE_BYTES) {
      const part = piece.subarray(0, Math.min(PIECE_BYTES, extent.length - done))
      disk.read(extent.offset + done, part)
      if (!isZero(part)) throw notEqual(extent.offset + done)
      yield extent.offset + done
    }
  }
}

function notEqual(offset: number): VivariumError {
  return new VivariumError(
    'corrupt',
    'image-not-equal',
    'The new image does not show what the old one does; the old one was kept.',
    {
      where: { offset },
      next: 'Check the memory and the disks of this computer, and report it: this must not be.',
    },
  )
}
