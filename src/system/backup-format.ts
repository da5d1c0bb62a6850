import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { z } from 'zod'
import { MiB, VivariumError } from '../base/index.ts'
import { systemError } from './system-error.ts'

/**
 * What a repair keeps, so that it can be taken back: for every range that it changes the bytes before and after, and
 * the size of the file before and after; JSON, beside the disk, on stable storage before the first change.
 *
 *   DISK.repair-unfinished.json     the repair is being done, or taken back, or was killed at that: every sector is as
 *                                   before or as after, taking it back brings the former, and nobody else may write
 *   DISK.repair-backup-TIME.json    it is done
 *
 * The format is described in docs/disks/repair.md.
 */
const bytesSchema = z.union([z.base64(), z.object({ zeroes: z.int().nonnegative() })])
const offset = z.int().nonnegative()

const backupSchema = z.object({
  kind: z.literal('vivarium-repair-backup'),
  version: z.literal(1),
  /** Name of the disk file, without its folder. */
  file: z.string(),
  operation: z.enum(['repair', 'reparent']),
  time: z.string(),
  sizeBefore: offset,
  sizeAfter: offset,
  acts: z.array(z.object({ what: z.string(), why: z.string() })),
  /** In the order of their offsets, none on top of another. */
  ranges: z.array(z.object({ offset, before: bytesSchema, after: bytesSchema })),
  /** Bytes that were added behind the former end, by their hash. */
  added: z.array(z.object({ offset, length: offset, sha256: z.string() })),
})

export type StoredBytes = z.infer<typeof bytesSchema>
export type RepairBackup = z.infer<typeof backupSchema>

const MAX_BACKUP_BYTES = 512 * MiB

export function bytesOf(value: StoredBytes): Uint8Array {
  return typeof value === 'string'
    ? Uint8Array.from(Buffer.from(value, 'base64'))
    : new Uint8Array(value.zeroes)
}

/** @throws VivariumError kind `malformed` when it is no backup, one of another file, or one that no repair makes. */
export function readBackup(path: string, file: string): RepairBackup {
  const wrong = (message: string, cause?: unknown) =>
    new VivariumError('malformed', 'repair-backup-invalid', message, {
      where: { path },
      cause,
      next: path.endsWith(UNFINISHED_ENDING)
        ? 'No repair left it like this: see where the file came from. Without it the disk counts as it is.'
        : 'Name the backup that the repair of this file has made.',
    })
  let backup: RepairBackup
  try {
    const found = statSync(path)
    // A pipe or a device never ends.
    if (!found.isFile()) throw wrong('It is no regular file.')
    if (found.size > MAX_BACKUP_BYTES) throw wrong('It is too large for a backup of a repair.')
    backup = backupSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      throw wrong('It is no backup of a repair.', error)
    throw systemError(error, path)
  }
  if (backup.file !== basename(file)) throw wrong(`It is a backup of "${backup.file}".`)
  const fault = faultOf(backup)
  if (fault !== undefined) throw wrong(fault)
  return backup
}

export const UNFINISHED_ENDING = '.repair-unfinished.json'

/** Nothing lies outside of the file that it belongs to, or on top of something else. */
function faultOf({ ranges, added, sizeBefore, sizeAfter }: RepairBackup): string | undefined {
  // What a repair cuts off it has saved.
  if (sizeBefore - sizeAfter > MAX_BACKUP_BYTES) return 'It names more bytes than a repair can change.'
  let [end, bytes] = [0, 0]
  for (const { offset: at, before, after } of ranges) {
    const [old, now] = [lengthOf(before), lengthOf(after)]
    if (at < end) return `What it says of byte ${at} it says twice.`
    if ((old > 0 && at + old > sizeBefore) || (now > 0 && at + now > sizeAfter))
      return `It names bytes at ${at}, which are outside of the file.`
    end = at + Math.max(old, now)
    bytes += old + now
    if (bytes > MAX_BACKUP_BYTES) return 'It names more bytes than a repair can change.'
  }
  const outside = added.find(({ offset: at, length }) => at + length > sizeAfter)
  return outside && `It names bytes at ${outside.offset}, which are outside of the file.`
}

function lengthOf(value: StoredBytes): number {
  if (typeof value !== 'string') return value.zeroes
  return Buffer.byteLength(value, 'base64')
}
