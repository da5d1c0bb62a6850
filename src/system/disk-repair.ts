import { setImmediate } from 'node:timers/promises'
import { type Problem, VivariumError } from '../base/index.ts'
import { type Act, type Diagnosis, diagnose, doctorFor, type Surgery } from '../disk/index.ts'
import { type RepairBackup, readBackup } from './backup-format.ts'
import { factsOfFile, openDiskStore, readOptionsFor, realPathOrSelf } from './disk-files.ts'
import { claimDiskFile, isOpenForWriting } from './disk-locks.ts'
import {
  backupOf,
  dropBackup,
  finishedBackupsOf,
  markFinished,
  markUnfinished,
  saveUnfinished,
  takeBack,
  unfinishedBackupOf,
} from './repair-backup.ts'

export interface DiagnoseOptions {
  readonly format?: string | undefined
  /** Read bitmaps and data too. */
  readonly deep: boolean
  /** The file is the content of a fixed VHD, whose footer is lost. */
  readonly fixed?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (fraction: number) => void
  /** 16 bytes for an identity that is lost; random when absent. */
  readonly newId?: () => Uint8Array
}

/** One disk file, examined; the store stays open until `close`, as the plan reads from it. */
export interface Examined extends Diagnosis {
  close(): void
}

/** Looks for faults and plans their repair. Reads only. Undefined for formats that have nothing to be examined. */
export async function examineDiskFile(path: string, options: DiagnoseOptions): Promise<Examined | undefined> {
  if (options.format === undefined && options.fixed !== true && isRawDisk(path)) return undefined
  const store = openDiskStore(path, false)
  try {
    const known = doctorFor(store, options.format)
    const doctor = known ?? (options.fixed === true ? doctorFor(store, 'vhd') : undefined)
    if (options.fixed === true && doctor !== undefined && doctor.format !== 'vhd')
      throw notFixed(path, doctor.format)
    if (doctor === undefined) {
      store.close()
      return undefined
    }
    const { deep, fixed = false, newId = () => crypto.getRandomValues(new Uint8Array(16)) } = options
    const found = await drive(diagnose(store, doctor, { deep, fixed, newId }), options)
    return { ...found, close: () => store.close() }
  } catch (error) {
    store.close()
    throw error
  }
}

function notFixed(path: string, format: string): VivariumError {
  return new VivariumError('invalid', 'repair-not-fixed', `The file is a ${format}, and no fixed VHD.`, {
    where: { path },
    next: 'Repair it as what it is: leave --fixed out.',
  })
}

/** All of a raw disk is its guest's own writing, also what looks like the structures of an image in it. */
function isRawDisk(path: string): boolean {
  const options = readOptionsFor(path)
  if (options.allowRaw !== true) return false
  try {
    return factsOfFile(path, options).format === 'raw'
  } catch {
    return false
  }
}

/** Runs a generator of fractions to its end, with a pause about every 10 ms. */
async function drive<Result>(
  steps: Generator<number, Result>,
  { signal, onProgress }: Pick<DiagnoseOptions, 'signal' | 'onProgress'>,
): Promise<Result> {
  let lastPause = performance.now()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (performance.now() - lastPause < 10) continue
    onProgress?.(step.value)
    await setImmediate()
    signal?.throwIfAborted()
    lastPause = performance.now()
  }
}

/**
 * Does what was planned for a file. The backup is durable before the first change; killed in the middle, the next
 * repair takes it back first. Not to be stopped half-way: it is short.
 * @returns The path of the backup.
 */
export function performSurgery(
  path: string,
  surgery: Surgery,
  operation: RepairBackup['operation'],
  time = new Date(),
): string {
  const backup = backupOf(surgery, path, operation, time)
  // Before the backup: one of a disk that may not be written would stand in the way of everybody else.
  const store = openDiskStore(path, true)
  try {
    saveUnfinished(path, backup)
  } catch (error) {
    store.close()
    throw error
  }
  try {
    try {
      surgery.perform(store)
    } finally {
      store.close()
    }
  } catch (error) {
    takeBackAtOnce(path)
    throw error
  }
  return markFinished(path, backup)
}

/** A change that could not be ended, as where the host's disk became full. */
function takeBackAtOnce(path: string): void {
  try {
    takeBackUnfinished(path)
  } catch {
    // The backup is there still: the next repair takes it back, and nobody else writes until then.
  }
}

/**
 * Holds a disk file against all others while its structures are changed, also where other work on it was begun and not
 * ended: that may wait for just this.
 */
export async function withDiskClaimed<Result>(path: string, action: () => Promise<Result>): Promise<Result> {
  const claim = claimDiskFile(path, 'w', { evenIfUnfinished: 'any' })
  try {
    return await action()
  } finally {
    claim.release()
  }
}

/**
 * What an earlier repair left when it was killed is taken back. The caller holds the file.
 * @returns Its backup, which is removed; `undefined` = there was none.
 */
export function takeBackUnfinished(path: string): string | undefined {
  const unfinished = unfinishedBackupOf(path)
  if (unfinished !== undefined) takeBackOne(path, { path: unfinished, finished: false })
  return unfinished
}

/**
 * Takes the last repair back, or the one with the given backup; one that was not ended is always the first. The caller
 * holds the file.
 * @returns The backup, which is removed, as nothing is left to be taken back.
 */
export function takeBackRepair(path: string, backupPath?: string): string {
  const unfinished = takeBackUnfinished(path)
  if (unfinished !== undefined && (backupPath === undefined || realPathOrSelf(backupPath) === unfinished))
    return unfinished
  const chosen = backupPath ?? finishedBackupsOf(path).at(-1)
  if (chosen === undefined) {
    throw new VivariumError(
      'not-found',
      'repair-backup-missing',
      'No backup of a repair lies beside the disk.',
      {
        where: { path },
        next: 'Name it: vivarium disk repair FILE --take-back BACKUP.',
      },
    )
  }
  takeBackOne(path, { path: chosen, finished: true })
  return chosen
}

function takeBackOne(
  path: string,
  { path: backupPath, finished }: { readonly path: string; readonly finished: boolean },
): void {
  const backup = readBackup(backupPath, path)
  const store = openDiskStore(path, true)
  try {
    if (finished) {
      takeBack(checking(store), backup, true)
      const marked = markUnfinished(path, backupPath)
      takeBack(store, backup, false)
      dropBackup(marked)
    } else {
      takeBack(store, backup, false)
      dropBackup(backupPath)
    }
  } finally {
    store.close()
  }
}

/** The checks of a taking back, without its changes. */
function checking(store: ReturnType<typeof openDiskStore>): ReturnType<typeof openDiskStore> {
  return { ...store, write: () => undefined, truncate: () => undefined, flush: () => undefined }
}

/** A disk that is written to at this moment is between two states. */
export function changingNote(path: string): Problem | undefined {
  if (!isOpenForWriting(path)) return undefined
  return {
    code: 'disk-in-use',
    severity: 'note',
    message: 'The disk is being written to: what is found may be true of this moment only.',
    where: { path },
  }
}

export interface ShownAct {
  readonly what: string
  readonly why: string
  readonly loses: boolean
  readonly offset: number
  readonly length: number
  /** Hexadecimal, the first bytes of a longer range. */
  readonly before?: string
  readonly after?: string
}

const SHOWN_BYTES = 32

/** For people and for programs: what differs, from the first byte that does. */
export function shownAct({ what, why, loses, offset, length, before, after }: Act): ShownAct {
  if (before === undefined || after === undefined) return { what, why, loses, offset, length }
  const differing = after.findIndex((value, index) => value !== before[index])
  const first = Math.max(0, differing)
  const hex = (bytes: Uint8Array) => Buffer.from(bytes.slice(first, first + SHOWN_BYTES)).toString('hex')
  return {
    what,
    why,
    loses,
    offset: offset + first,
    length: length - first,
    before: hex(before),
    after: hex(after),
  }
}
