import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import {
  type ByteStore,
  bytesEqual,
  formatSize,
  isZero,
  MiB,
  type Problem,
  VivariumError,
} from '../base/index.ts'
import { SECTOR, type Surgery } from '../disk/index.ts'
import { bytesOf, type RepairBackup, type StoredBytes, UNFINISHED_ENDING } from './backup-format.ts'
import { syncFolder, writeFileAtomically } from './files.ts'
import { systemError } from './system-error.ts'

const PIECE = MiB

/** Changes nothing. */
export function backupOf(
  surgery: Surgery,
  file: string,
  operation: RepairBackup['operation'],
  time: Date,
): RepairBackup {
  return {
    kind: 'vivarium-repair-backup',
    version: 1,
    file: basename(file),
    operation,
    time: time.toISOString(),
    sizeBefore: surgery.sizeBefore,
    sizeAfter: surgery.size,
    acts: surgery.acts.map(({ what, why }) => ({ what, why })),
    ranges: surgery
      .changedRanges()
      .map(({ offset, before, after }) => ({ offset, before: stored(before), after: stored(after) })),
    added: surgery.acts
      .filter(({ kind }) => kind === 'copy')
      .map(({ offset, length }) => ({ offset, length, sha256: hashOf(surgery.store, offset, length) })),
  }
}

function stored(bytes: Uint8Array): StoredBytes {
  if (bytes.length > 0 && isZero(bytes)) return { zeroes: bytes.length }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

function hashOf(store: ByteStore, at: number, length: number): string {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(Math.min(PIECE, length))
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done))
    store.read(at + done, piece)
    hash.update(piece)
  }
  return hash.digest('hex')
}

/**
 * Brings the former bytes back. `finished`: everything must be as the repair left it; otherwise each sector may be as
 * before or as after it, as a repair leaves it that was killed. Can be repeated after a failure at any point.
 * @throws VivariumError kind `conflict`, code `repair-file-changed`, before anything is changed.
 */
export function takeBack(store: ByteStore, backup: RepairBackup, finished: boolean): void {
  requireUnchanged(store, backup, finished)
  const { sizeBefore } = backup
  if (store.size() < sizeBefore) store.truncate(sizeBefore)
  for (const { offset: at, before } of backup.ranges) {
    const bytes = bytesOf(before)
    if (bytes.length > 0) store.write(at, bytes)
  }
  store.flush()
  if (store.size() > sizeBefore) {
    store.truncate(sizeBefore)
    store.flush()
  }
}

function requireUnchanged(store: ByteStore, backup: RepairBackup, finished: boolean): void {
  const size = store.size()
  const { sizeBefore, sizeAfter } = backup
  const low = finished ? sizeAfter : Math.min(sizeBefore, sizeAfter)
  const high = finished ? sizeAfter : Math.max(sizeBefore, sizeAfter)
  if (size < low || size > high)
    throw changed(store, `it has ${size} bytes, and had ${sizeAfter}`, size, finished)
  for (const { offset: start, before, after } of backup.ranges) {
    const [old, now] = [bytesOf(before), bytesOf(after)]
    const length = Math.max(0, Math.min(size - start, Math.max(old.length, now.length)))
    const found = new Uint8Array(length)
    if (length > 0) store.read(start, found)
    for (let at = 0; at < length; at += SECTOR) {
      const piece = found.subarray(at, at + SECTOR)
      const end = at + piece.length
      if (agrees(piece, now.subarray(at, end))) continue
      if (!finished && (agrees(piece, old.subarray(at, end)) || start + at >= sizeBefore)) continue
      throw changed(store, `the bytes at ${start + at} are others`, start + at, finished)
    }
  }
  for (const { offset: at, length, sha256 } of backup.added)
    if (finished && hashOf(store, at, length) !== sha256)
      throw changed(store, `the bytes from ${at} on are others`, at, finished)
}

/** Behind the end that one of the states has there is nothing to compare. */
function agrees(found: Uint8Array, known: Uint8Array): boolean {
  const length = Math.min(found.length, known.length)
  return bytesEqual(found.subarray(0, length), known.subarray(0, length)) && isZero(found.subarray(length))
}

function changed(store: ByteStore, how: string, at: number, finished: boolean): VivariumError {
  return new VivariumError(
    'conflict',
    'repair-file-changed',
    `The file was changed since it was repaired (${how}): the repair cannot be taken back.`,
    {
      where: { path: store.name, offset: at },
      next: finished
        ? 'Go on with the disk as it is. To have the old bytes all the same, copy the file first and see the backup.'
        : 'If another file took its place since, move the backup away that ends in .repair-unfinished.json.',
    },
  )
}

/** There is at most one, so it is found by its name alone. Beside the disk as it is named; links are not followed. */
function unfinishedPath(file: string): string {
  return join(dirname(file), `${shortened(basename(file))}${UNFINISHED_ENDING}`)
}

/** The backup of a repair, or of a taking back, that was begun and not ended. */
export function unfinishedBackupOf(file: string): string | undefined {
  const path = unfinishedPath(file)
  return existsSync(path) ? path : undefined
}

/** In words; `undefined` when no repair of the disk is to be ended. */
export function repairProblem(file: string): Problem | undefined {
  if (unfinishedBackupOf(file) === undefined) return undefined
  return {
    code: 'repair-not-ended',
    severity: 'warning',
    message: 'A repair of this disk was begun and not ended: a part of it is as before, the rest as after.',
    next: `Run it again: vivarium disk repair ${JSON.stringify(file)}. It first takes back what was done.`,
    where: { path: file },
  }
}

/** Backups of repairs that are done, the newest last. */
export function finishedBackupsOf(file: string): string[] {
  const start = `${shortened(basename(file))}.repair-backup-`
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(start) && name.endsWith('.json'))
    .sort()
    .map((name) => join(dirname(file), name))
}

/** A file name has at most 255 bytes, and the disk's own may have as many. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= 200) return name
  return `${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

/**
 * Makes it durable. The caller has taken back what was unfinished before. @returns Its path.
 * @throws VivariumError kind `io`, code `host-enospc`, with how much is missing for it and for what is to be done.
 */
export function saveUnfinished(file: string, backup: RepairBackup): string {
  const path = unfinishedPath(file)
  if (existsSync(path)) throw new Error(`${path}: a repair goes on already`)
  const text = `${JSON.stringify(backup, undefined, 1)}\n`
  requireRoom(file, text.length + Math.max(0, backup.sizeAfter - backup.sizeBefore))
  writeFileAtomically(path, text)
  return path
}

/** A file takes whole blocks, and its name may take one more in the folder. */
const SPARE_BYTES = 2 * 4096

function requireRoom(file: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(file))
  const [needed, free] = [bytes + SPARE_BYTES, bavail * bsize]
  if (needed <= free) return
  throw new VivariumError(
    'io',
    'host-enospc',
    `The backup and the change take ${formatSize(needed)}, and ${formatSize(free)} are free: ${formatSize(needed - free)} are missing. Nothing was changed.`,
    { where: { path: file }, next: 'Free some space and try again.' },
  )
}

/** The repair is done, and stays done. @returns The path that the backup has from now on. */
export function markFinished(file: string, { time }: Pick<RepairBackup, 'time'>): string {
  // Names sort by time: an underscore comes after the dot.
  const stamp = time.replace(/[-:.]/g, '')
  for (let count = 1; ; count++) {
    const name = `${shortened(basename(file))}.repair-backup-${stamp}${count === 1 ? '' : `_${count}`}.json`
    const path = join(dirname(file), name)
    if (!existsSync(path)) return renamed(unfinishedPath(file), path)
  }
}

/** Its disk is about to be between the states. @returns The path that the backup has from now on. */
export function markUnfinished(file: string, backupPath: string): string {
  return renamed(backupPath, unfinishedPath(file))
}

function renamed(from: string, to: string): string {
  try {
    try {
      renameSync(from, to)
    } catch (error) {
      // A backup that was put on another file system.
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      writeFileAtomically(to, readFileSync(from))
      rmSync(from)
    }
    syncFolder(dirname(to))
    if (dirname(from) !== dirname(to)) syncFolder(dirname(from))
    return to
  } catch (error) {
    throw systemError(error, from)
  }
}

export function dropBackup(path: string): void {
  rmSync(path, { force: true })
  syncFolder(dirname(path))
}
