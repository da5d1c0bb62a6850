import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatSize, MiB, VivariumError } from '../base/index.ts'
import type { Disk, OwnRun, UpperLayers } from '../disk/index.ts'
import { isZero } from './carry-down.ts'

/** How much room a merge needs on the host, told before anything is changed. */

const LOOK_BYTES = MiB / 16

/**
 * At least so many bytes the disk below will grow by: what it does not store yet itself. Its own tables, and the
 * rest of its blocks, which a host keeps as holes, come on top.
 * @param exact Looks at the data too: zeroes need no room.
 */
function growthOf(upper: UpperLayers, target: Disk, exact: boolean): number {
  const buffer = new Uint8Array(LOOK_BYTES)
  let bytes = 0
  for (const run of upper.runs()) {
    if (run.kind === 'zero') continue
    for (const { offset, length, kind, layer } of target.extents(run.offset, run.length)) {
      if (kind === 'data' && layer === 0) continue
      bytes += exact ? nonZeroBytes(upper, run, offset, length, buffer) : length
    }
  }
  return bytes
}

function nonZeroBytes(
  upper: UpperLayers,
  run: OwnRun,
  offset: number,
  length: number,
  buffer: Uint8Array,
): number {
  let bytes = 0
  for (let done = 0; done < length; done += LOOK_BYTES) {
    const piece = buffer.subarray(0, Math.min(LOOK_BYTES, length - done))
    const at = offset + done
    if (run.kind === 'data') run.store.read(run.at + at - run.offset, piece)
    else upper.read(at, piece)
    if (!isZero(piece)) bytes += piece.length
  }
  return bytes
}

/** @throws VivariumError kind `io`, code `host-enospc`, before anything is changed. */
export function demandRoom(upper: UpperLayers, target: Disk, path: string): void {
  const free = freeBytes(path)
  // Mostly there is room for all that the merged files hold, and no look at their tables is needed.
  if (!upper.packed && upper.allocatedBytes() <= free) return
  if (growthOf(upper, target, false) <= free) return
  const needed = growthOf(upper, target, true)
  if (needed > free) throw noRoom(path, needed, free, 'Nothing was changed.')
}

/** A disk that became full on the way: says how much is missing. Any other error stays as it is. */
export function missingRoom(error: unknown, upper: UpperLayers, target: Disk, path: string): unknown {
  if (!(error instanceof VivariumError) || error.code !== 'host-enospc' || error.cause === undefined)
    return error
  try {
    const needed = growthOf(upper, target, true)
    return noRoom(path, needed, Math.min(needed, freeBytes(path)), 'The merged disk is as it was.', error)
  } catch {
    return error
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize
}

function noRoom(path: string, needed: number, free: number, state: string, cause?: unknown): VivariumError {
  const missing = Math.max(4096, needed - free)
  return new VivariumError(
    'io',
    'host-enospc',
    `The disk is full: ${formatSize(needed)} more are to be written and ${formatSize(free)} are free. ${state}`,
    {
      where: { path },
      next: `Free at least ${formatSize(missing)}, then run the merge again.`,
      ...(cause !== undefined && { cause }),
    },
  )
}
