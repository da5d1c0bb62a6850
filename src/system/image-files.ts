import { statfsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type ByteStore, formatSize, VivariumError } from '../base/index.ts'
import type { DiskSource, ImageLayout, LaidFile } from '../disk/index.ts'
import { writeSegments } from './image-writer.ts'
import { createFiles, type ReplacedFiles } from './new-files.ts'
import { isHostFull, systemError } from './system-error.ts'

export interface ImageFilesOptions {
  /** Files that take the place of others instead of being refused; the caller holds the claim on these. */
  readonly replace?: ReplacedFiles
  /** Looks at the files once they are written and before they get their names; what it throws keeps them from it. */
  readonly check?: (stores: readonly ByteStore[]) => Iterable<unknown>
}

/** One step of the writing: bytes that are done, holes left out, of so many (absent: only the end tells). */
export interface WriteStep {
  readonly doneBytes: number
  readonly totalBytes?: number
}

/**
 * Writes a laid-out image into a folder, in steps of a few milliseconds: whoever runs them may stop between two
 * (`return()` on the generator), and nothing is left behind. The image appears whole and durable, or not at all.
 * @throws VivariumError kind `conflict` when one of the files exists; `io`, code `host-enospc`, with how much is
 * missing, before anything is written where that can be known.
 */
export function* writeImageFiles(
  folder: string,
  { files }: ImageLayout,
  source: DiskSource,
  { replace = 'none', check }: ImageFilesOptions = {},
): Generator<WriteStep, void> {
  const names = files.map(({ name }) => plainName(name))
  const needs: (Need | undefined)[] = []
  for (const file of files) needs.push(yield* needOf(file, source))
  const totalBytes = sum(needs.map((need) => need?.listedBytes))
  const storedBytes = sum(needs.map((need) => need?.storedBytes))
  const made = createFiles(folder, names, { replace })
  let doneBytes = 0
  try {
    // After the sweep of what an earlier try may have left.
    requireRoomFor(storedBytes, folder, names)
    const shares = sharesBlocks(folder)
    for (const [index, file] of files.entries()) {
      const store = made.stores[index]
      if (store === undefined) continue
      const writing = writeSegments(file, source, store, { shares })
      for (;;) {
        const { done, value } = fullDiskSays(() => writing.next(), storedBytes, made.stores)
        if (done === true) break
        doneBytes += value
        yield { doneBytes, ...(totalBytes !== undefined && { totalBytes }) }
      }
    }
    for (const _ of check?.(made.stores) ?? [])
      yield { doneBytes, ...(totalBytes !== undefined && { totalBytes }) }
    fullDiskSays(() => made.publish(), storedBytes, made.stores)
  } finally {
    made.close()
  }
}

/** The same in one go, for small images. */
export function writeImageFilesNow(
  folder: string,
  layout: ImageLayout,
  source: DiskSource,
  options: ImageFilesOptions & { readonly onStep?: (step: WriteStep) => void } = {},
): void {
  for (const step of writeImageFiles(folder, layout, source, options)) options.onStep?.(step)
}

/** Layouts name files after what the user said, which was to be a name. */
function plainName(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && basename(name) === name) return name
  throw new VivariumError('invalid', 'disk-file-name', `"${name}" is no name of a file.`, {
    next: 'Choose a name without a folder.',
  })
}

interface Need {
  /** Bytes and ranges of the guest in the list. */
  readonly listedBytes: number
  /** Those of them that are stored in the source: the room it takes, as far as that shows without reading. */
  readonly storedBytes: number
}

/** Segments that are looked at in one step. */
const STEP_SEGMENTS = 512

/** What a file takes; undefined where only writing tells. */
function* needOf(file: LaidFile, source: DiskSource): Generator<WriteStep, Need | undefined> {
  if (file.sizeBytes === undefined) return undefined
  let [listedBytes, storedBytes, looked] = [0, 0, 0]
  for (const segment of file.segments()) {
    if (++looked % STEP_SEGMENTS === 0) yield { doneBytes: 0 }
    if (segment.kind === 'zero') continue
    listedBytes += segment.kind === 'bytes' ? segment.bytes.length : segment.length
    storedBytes += segment.kind === 'bytes' ? segment.bytes.length : storedIn(segment, source)
  }
  return { listedBytes, storedBytes }
}

function storedIn(
  { offset, length }: { readonly offset: number; readonly length: number },
  source: DiskSource,
): number {
  let stored = 0
  for (let done = 0; done < length; ) {
    const part = source.storedAt(offset + done, length - done)
    const { store, at = 0 } = part
    const data = part.kind === 'data' && store?.nextData !== undefined ? store.nextData(at) : at
    const hole = Math.min(part.length, data - at)
    if (hole > 0) {
      done += hole
      continue
    }
    const end = store?.nextHole === undefined ? part.length : Math.min(part.length, store.nextHole(at) - at)
    if (part.kind !== 'zero') stored += end
    done += Math.max(end, 1)
  }
  return stored
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  let total = 0
  for (const number of numbers) {
    if (number === undefined) return undefined
    total += number
  }
  return total
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch (error) {
    throw systemError(error, folder)
  }
}

/** @throws VivariumError kind `io`, code `host-enospc`, with how much is missing. */
export function requireRoomFor(needed: number | undefined, folder: string, names: readonly string[]): void {
  if (needed === undefined) return
  const free = freeBytes(folder)
  if (needed <= free) return
  throw new VivariumError(
    'io',
    'host-enospc',
    `The image takes ${formatSize(needed)}, and ${formatSize(free)} are free: ${formatSize(needed - free)} are missing.`,
    { where: { path: join(folder, names.at(-1) ?? '') }, next: 'Free some space, or choose another folder.' },
  )
}

/** Turns "the disk is full" into how much more it takes. */
function fullDiskSays<Result>(
  action: () => Result,
  needed: number | undefined,
  stores: readonly ByteStore[],
): Result {
  try {
    return action()
  } catch (error) {
    if (!isHostFull(error)) throw error
    const written = stores.reduce((bytes, store) => bytes + (store.allocatedBytes?.() ?? 0), 0)
    const missing = needed === undefined ? undefined : Math.max(0, needed - written)
    throw new VivariumError(
      error.kind,
      error.code,
      missing === undefined
        ? `${error.message} ${formatSize(written)} of the image were written.`
        : `${error.message} ${formatSize(missing)} of the image's ${formatSize(needed ?? 0)} are missing.`,
      { where: error.where, cause: error, next: 'Free some space, or choose another folder.' },
    )
  }
}

/**
 * File systems whose files share blocks (reflinks), or whose server copies by itself: there copy_file_range(2) is
 * quicker than anything that looks at the bytes. Magic numbers of statfs(2).
 */
const SHARING = new Set([
  0x9123683e, // btrfs
  0x58465342, // XFS
  0xca451a4e, // bcachefs
  0x2fc12fc1, // ZFS
  0x6969, // NFS
  0xfe534d42, // SMB 2 and later
])

function sharesBlocks(folder: string): boolean {
  return SHARING.has(statfsSync(folder).type)
}
