import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type ByteStore, VivariumError } from '../base/index.ts'
import { openFileStore, syncFolder } from './files.ts'
import { processExists } from './processes.ts'
import { systemError } from './system-error.ts'

/**
 * New files of one folder that appear under their names together, whole, or not at all:
 *
 *   .HASH.PID.creating -> written, flushed -> linked to their names, in order, the one that names the others last
 *
 * A link, unlike a rename, never replaces a file that has come into being meanwhile. What a killed process left is
 * swept away by the next one that makes the same files: its temporary files, and names that it had given already to
 * files of an image that never became whole.
 */
export interface NewFiles {
  /** One for each name. Errors name the file as it will be called. */
  readonly stores: readonly ByteStore[]
  /**
   * Everything written is made durable, and then the files appear. `replace`: they take the place of files of these
   * names, with their owner and permissions. @throws VivariumError kind `conflict` when one exists by now.
   */
  publish(options?: { readonly replace?: boolean }): void
  /** Closes the files; those that were not published are gone. */
  close(): void
}

/** @param names Without a path; the one that names the others last. @throws VivariumError kind `conflict`, `denied` ... */
export function createFiles(
  folder: string,
  names: readonly string[],
  { replace = false }: { readonly replace?: boolean } = {},
): NewFiles {
  sweep(folder, names)
  if (!replace) for (const name of names) requireAbsent(join(folder, name))
  const temporary = names.map((name) => join(folder, temporaryName(name)))
  for (const [index, path] of temporary.entries())
    if (beingMade.has(path)) throw alreadyBeingMade(join(folder, names[index] ?? ''))
  for (const path of temporary) beingMade.add(path)
  const stores: ByteStore[] = []
  const close = () => {
    for (const store of stores.splice(0)) store.close()
    for (const path of temporary) {
      rmSync(path, { force: true })
      beingMade.delete(path)
    }
  }
  try {
    for (const [index, path] of temporary.entries())
      stores.push(openFileStore(path, { create: true, name: join(folder, names[index] ?? '') }))
  } catch (error) {
    close()
    throw error
  }
  return {
    stores: [...stores],
    publish(options = {}) {
      for (const store of stores) store.flush()
      if (options.replace === true) takePlaces(folder, names, temporary)
      else linkAll(folder, names, temporary)
      syncFolder(folder)
    },
    close,
  }
}

/** Temporary files that this process is writing. */
const beingMade = new Set<string>()

function alreadyBeingMade(path: string): VivariumError {
  return new VivariumError('busy', 'file-being-made', 'It is being made already.', {
    where: { path },
    next: 'Wait until that is done, or choose another name.',
  })
}

/** @throws VivariumError kind `conflict`, code `host-eexist`. */
export function requireAbsent(path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
  } catch (error) {
    throw systemError(error, path)
  }
  sweepPublished(path)
  throw new VivariumError('conflict', 'host-eexist', 'It exists already.', {
    where: { path },
    next: 'Choose another name.',
  })
}

function linkAll(folder: string, names: readonly string[], temporary: readonly string[]): void {
  const made: string[] = []
  try {
    for (const [index, name] of names.entries()) {
      const target = join(folder, name)
      link(temporary[index] ?? '', target)
      made.push(target)
    }
  } catch (error) {
    for (const path of made) rmSync(path, { force: true })
    throw error
  }
}

function link(temporary: string, target: string): void {
  try {
    linkSync(temporary, target)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') requireAbsent(target)
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw systemError(error, target)
    // FAT and some network shares have no links.
    requireAbsent(target)
    renameSync(temporary, target)
  }
}

function takePlaces(folder: string, names: readonly string[], temporary: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    const [from, target] = [temporary[index] ?? '', join(folder, name)]
    try {
      const old = statSync(target, { throwIfNoEntry: false })
      if (old !== undefined) likeOld(from, old)
      renameSync(from, target)
    } catch (error) {
      throw systemError(error, target)
    }
  }
}

function likeOld(path: string, { mode, uid, gid }: Stats): void {
  try {
    chownSync(path, uid, gid)
  } catch {
    // Only root gives files away; whoever may write the folder keeps the new file instead.
  }
  chmodSync(path, mode & 0o7777)
}

/** Short whatever the name: one of 255 bytes is allowed, and this one must be too. */
function temporaryStart(name: string): string {
  return `.${createHash('sha256').update(name).digest('hex').slice(0, 16)}.`
}

const ENDING = '.creating'

function temporaryName(name: string): string {
  return `${temporaryStart(name)}${process.pid}${ENDING}`
}

/** Removes what an earlier making of the same files left behind when its process was killed. */
function sweep(folder: string, names: readonly string[]): void {
  const main = names.at(-1)
  const whole = main !== undefined && existsSync(join(folder, main))
  const starts = new Map(names.map((name) => [temporaryStart(name), name]))
  for (const entry of entriesOf(folder)) {
    const dot = entry.indexOf('.', 1)
    const name = entry.endsWith(ENDING) ? starts.get(entry.slice(0, dot + 1)) : undefined
    const pid = Number(entry.slice(dot + 1, -ENDING.length))
    if (name === undefined || !Number.isInteger(pid)) continue
    const left = join(folder, entry)
    if (pid === process.pid ? beingMade.has(left) : processExists(pid)) continue
    // It had its name already, and the image it belongs to never got its own.
    if (!whole && isSameFile(left, join(folder, name))) rmSync(join(folder, name), { force: true })
    rmSync(left, { force: true })
  }
}

/**
 * Killed after the last file had its name: all is there, and the temporary names are too. They are known by the one of
 * the file that names the others, which is the last to go.
 */
function sweepPublished(path: string): void {
  const folder = dirname(path)
  const temporary = entriesOf(folder).filter((entry) => entry.endsWith(ENDING))
  const own = temporary.find(
    (entry) => entry.startsWith(temporaryStart(basename(path))) && isSameFile(join(folder, entry), path),
  )
  if (own === undefined || beingMade.has(join(folder, own))) return
  const maker = own.slice(own.indexOf('.', 1))
  if (maker !== `.${process.pid}${ENDING}` && processExists(Number(maker.slice(1, -ENDING.length)))) return
  for (const entry of temporary) {
    const left = join(folder, entry)
    if (entry.endsWith(maker) && !beingMade.has(left) && lstatSync(left).nlink > 1) rmSync(left)
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    throw systemError(error, folder)
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => lstatSync(path, { bigint: true, throwIfNoEntry: false }))
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev
}
