import type { DiskSource, LaidFile } from '../disk/index.ts'
import type { OperationControl } from './operation.ts'
import { paceOf } from './pace.ts'

/** A pipe takes 64 KiB at once; more in one piece saves going back and forth. */
const PIECE_BYTES = 512 << 10
/** From here on zeroes go out as a piece of their own, which costs no copying. */
const LONG_ZEROES = 64 << 10

/**
 * A laid-out file as pieces of bytes, for a pipe or a download: nothing is looked for, nothing kept, and the next
 * piece is made when it is asked for. A piece stays unchanged until the next but one is asked for, no longer.
 */
export async function* streamImage(
  file: LaidFile,
  source: DiskSource,
  control: OperationControl,
): AsyncGenerator<Uint8Array> {
  const pace = paceOf(control)
  let done = 0
  for (const piece of piecesOf(file, source)) {
    yield piece
    done += piece.length
    control.progress(file.sizeBytes === undefined ? 0 : done / Math.max(1, file.sizeBytes))
    await pace()
  }
}

function* piecesOf(file: LaidFile, source: DiskSource): Generator<Uint8Array> {
  const zeroes = new Uint8Array(PIECE_BYTES)
  const buffers = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)] as const
  let turn = 0
  let filled = 0

  function* add(length: number, fill: (into: Uint8Array, from: number) => void): Generator<Uint8Array> {
    for (let done = 0; done < length; ) {
      const count = Math.min(length - done, PIECE_BYTES - filled)
      fill(buffer().subarray(filled, filled + count), done)
      filled += count
      done += count
      if (filled === PIECE_BYTES) yield full()
    }
  }

  const buffer = () => buffers[turn % 2 === 0 ? 0 : 1]
  const full = () => {
    const piece = buffer().subarray(0, filled)
    filled = 0
    turn++
    return piece
  }

  for (const segment of file.segments()) {
    if (segment.kind === 'bytes')
      yield* add(segment.bytes.length, (into, from) =>
        into.set(segment.bytes.subarray(from, from + into.length)),
      )
    else if (segment.kind === 'guest')
      yield* add(segment.length, (into, from) => source.read(segment.offset + from, into))
    else if (segment.length < LONG_ZEROES) yield* add(segment.length, (into) => into.fill(0))
    else {
      if (filled > 0) yield full()
      for (let left = segment.length; left > 0; left -= PIECE_BYTES)
        yield zeroes.subarray(0, Math.min(left, PIECE_BYTES))
    }
  }
  if (filled > 0) yield full()
}
