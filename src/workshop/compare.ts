import { z } from 'zod'
import type { Disk } from '../disk/index.ts'
import { fileTitle } from './files.ts'
import { defineOperation, type OperationControl } from './operation.ts'
import { paceOf } from './pace.ts'
import { openSourceDisk } from './source-disk.ts'

const comparison = z.strictObject({ first: z.string().min(1), second: z.string().min(1) })

export interface Compared {
  readonly equal: boolean
  /** The first byte that differs, where any does. */
  readonly offset?: number
  /** Capacities. The larger disk's rest counts as equal when it is zero. */
  readonly firstSize: number
  readonly secondSize: number
}

/** Compares what two disks show, whatever their formats and however many files they are made of. */
export const compare = defineOperation({
  name: 'compare',
  schema: comparison,
  title: ({ first, second }) => `Compare ${fileTitle(first)} with ${fileTitle(second)}`,
  ifStopped: () => '',
  async run({ first, second }, control): Promise<Compared> {
    const one = openSourceDisk(first, control)
    try {
      const other = openSourceDisk(second, control)
      try {
        const { offset } = await firstDifference(one.disk, other.disk, control)
        const sizes = { firstSize: one.disk.sizeBytes, secondSize: other.disk.sizeBytes }
        if (sizes.firstSize !== sizes.secondSize)
          control.note({
            code: 'sizes-differ',
            severity: 'note',
            message: `One has ${sizes.firstSize} bytes and the other ${sizes.secondSize}; the rest counts as zeroes.`,
          })
        return { equal: offset === undefined, ...(offset !== undefined && { offset }), ...sizes }
      } finally {
        other.disk.close()
      }
    } finally {
      one.disk.close()
    }
  },
})

const PIECE_BYTES = 512 << 10

/** The first byte that differs; a disk that is shorter reads as zero behind its end. */
export async function firstDifference(
  first: Disk,
  second: Disk,
  control: OperationControl,
): Promise<{ readonly offset?: number }> {
  const pace = paceOf(control)
  const sizeBytes = Math.max(first.sizeBytes, second.sizeBytes)
  const [one, other] = [Buffer.alloc(PIECE_BYTES), Buffer.alloc(PIECE_BYTES)] as const
  for (let at = 0; at < sizeBytes; ) {
    const zeroes = Math.min(zeroesAt(first, at, sizeBytes - at), zeroesAt(second, at, sizeBytes - at))
    const length = zeroes > 0 ? zeroes : Math.min(PIECE_BYTES, sizeBytes - at)
    if (zeroes === 0) {
      const [a, b] = [
        readPiece(first, at, one.subarray(0, length)),
        readPiece(second, at, other.subarray(0, length)),
      ]
      if (!a.equals(b)) return { offset: at + a.findIndex((value, index) => value !== b[index]) }
    }
    at += length
    control.progress(at / sizeBytes)
    await pace()
  }
  return {}
}

/** How far it reads as zero without a look at the bytes. */
function zeroesAt(disk: Disk, at: number, length: number): number {
  if (at >= disk.sizeBytes) return length
  const stored = disk.storedAt(at, Math.min(length, disk.sizeBytes - at))
  if (stored.kind === 'zero') return stored.length
  if (stored.store?.nextData === undefined || stored.at === undefined) return 0
  return Math.min(stored.length, stored.store.nextData(stored.at) - stored.at)
}

function readPiece(disk: Disk, at: number, into: Buffer): Buffer {
  const inside = Math.max(0, Math.min(into.length, disk.sizeBytes - at))
  if (inside > 0) disk.read(at, into.subarray(0, inside))
  into.fill(0, inside)
  return into
}
