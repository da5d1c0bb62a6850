import type { Volume } from '../volume.ts'

/**
 * Which units (clusters, blocks) of a volume its file system does not use. A reader proves first that the structures
 * it goes by are sound and that the file system was left in order; where anything is odd it throws a `Doubt`, and
 * then nothing of the volume counts as free. What is taken for free is lost, so a reader never guesses.
 */
export interface AllocationMap {
  /** Bytes of one unit. */
  readonly unitBytes: number
  /** Byte of the volume where unit 0 begins. */
  readonly start: number
  readonly count: number
  /** Free units from `from` on, ascending. @throws Doubt where a table turns out not to be sound. */
  freeRuns(from: number): Iterable<UnitRun>
}

export interface UnitRun {
  readonly first: number
  readonly count: number
}

/** @throws Doubt */
export type AllocationReader = (volume: Volume) => AllocationMap

/** Why nothing of a volume counts as free: a code for programs and a sentence for people. Stays in this folder. */
export class Doubt extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** What a table points to lies within the volume, or there is doubt. */
export function demand(volume: Volume, offset: number, length: number): Uint8Array<ArrayBuffer> {
  return volume.bytes(offset, length) ?? outside()
}

function outside(): never {
  throw new Doubt('file-system-damaged', 'Its structures point behind its end.')
}

export function damaged(what: string): Doubt {
  return new Doubt('file-system-damaged', what)
}

export function notClean(how: string): Doubt {
  return new Doubt('file-system-not-clean', how)
}

export function notKnown(what: string): Doubt {
  return new Doubt('file-system-feature', what)
}

/** Runs of clear bits among the first `bits` of a bitmap, the lowest bit of each byte first. */
export function* clearRuns(bitmap: Uint8Array, bits: number): Generator<UnitRun> {
  for (let bit = 0; bit < bits; ) {
    const first = endOf(bitmap, bit, bits, 0xff)
    if (first >= bits) return
    bit = endOf(bitmap, first, bits, 0)
    yield { first, count: bit - first }
  }
}

/** The first bit from `bit` on that is other than those of `same` (00 or FF), or `bits`. */
function endOf(bitmap: Uint8Array, bit: number, bits: number, same: 0 | 0xff): number {
  let at = bit
  while (at < bits) {
    const byte = bitmap[at >>> 3]!
    if (byte === same && (at & 7) === 0) {
      at += 8
      continue
    }
    if (((byte ^ same) & (1 << (at & 7))) !== 0) return at
    at++
  }
  return bits
}

export function isSet(bitmap: Uint8Array, bit: number): boolean {
  return (bitmap[bit >>> 3]! & (1 << (bit & 7))) !== 0
}

/** How much of a table is read at once. */
export const PIECE_BYTES = 64 << 10

/** The free units that a bitmap of the whole volume tells, read piece by piece. */
export function* bitmapRuns(
  bytes: (at: number, length: number) => Uint8Array,
  count: number,
  from: number,
): Generator<UnitRun> {
  const perPiece = PIECE_BYTES * 8
  for (let base = Math.floor(from / perPiece) * perPiece; base < count; base += perPiece) {
    const bits = Math.min(perPiece, count - base)
    yield* runsFrom(clearRuns(bytes(base / 8, Math.ceil(bits / 8)), bits), base, from)
  }
}

/** Runs of one piece as runs of the whole, without what lies before `from`. */
export function* runsFrom(runs: Iterable<UnitRun>, base: number, from: number): Generator<UnitRun> {
  for (const { first, count } of runs) {
    const start = Math.max(from, base + first)
    const end = base + first + count
    if (end > start) yield { first: start, count: end - start }
  }
}
