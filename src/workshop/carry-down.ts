import { setImmediate } from 'node:timers/promises'
import { MiB } from '../base/index.ts'
import { type Disk, SECTOR, type UpperLayers } from '../disk/index.ts'
import { WriteBehind } from '../system/index.ts'
import { lookingAhead } from './look-ahead.ts'

export interface CarryOptions {
  /** Called once, before the first write. */
  readonly begin: () => void
  readonly onProgress?: ((fraction: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const PIECE_BYTES = 4 * MiB
const ZEROES = new Uint8Array(PIECE_BYTES)
const PAUSE_MS = 10

/**
 * Writes what the upper layers of a chain store into the disk below them, in order. The caller flushes.
 * @returns Bytes that were carried. @throws The signal's reason when it stops, between two pieces.
 */
export async function carryDown(upper: UpperLayers, target: Disk, options: CarryOptions): Promise<number> {
  const { begin, onProgress, signal } = options
  signal?.throwIfAborted()
  const buffer = new Uint8Array(PIECE_BYTES)
  let carried = 0
  let lastPause = performance.now()
  const behind = new WriteBehind()
  for (const run of lookingAhead(upper, target)) {
    for (let done = 0; done < run.length; done += PIECE_BYTES) {
      const offset = run.offset + done
      const piece = buffer.subarray(0, Math.min(PIECE_BYTES, run.length - done))
      if (run.kind === 'data') run.store.read(run.at + done, piece)
      else if (run.kind === 'packed') upper.read(offset, piece)
      if (carried === 0) begin()
      // Zeroes over an empty range of the disk below need no room there.
      if (run.kind === 'zero' || isZero(piece)) target.writeZeroes(offset, piece.length)
      else {
        target.write(offset, piece)
        behind.wrote(piece.length, target.storedAt(offset, SECTOR).store)
      }
      signal?.throwIfAborted()
      carried += piece.length
      if (carried > piece.length && performance.now() - lastPause < PAUSE_MS) continue
      onProgress?.((offset + piece.length) / upper.sizeBytes)
      await setImmediate()
      signal?.throwIfAborted()
      lastPause = performance.now()
    }
  }
  return carried
}

/** As fast as memory: most pieces differ in their first bytes. */
export function isZero(piece: Uint8Array): boolean {
  return Buffer.compare(piece, ZEROES.subarray(0, piece.length)) === 0
}
