import { chmodSync, chownSync, linkSync, lstatSync, renameSync, rmSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ByteStore, VivariumError } from '../base/index.ts'
import { openFileStore, syncFolder } from './files.ts'
import { beingMade, sweep, sweepPublished, temporaryName } from './left-files.ts'
import { systemError } from './system-error.ts'

/**
 * New files of one folder that appear under their names together, whole, or not at all:
 *
 *   .HASH.PID.creating -> written, flushed -> linked to their names, in order, the one that names the others last
 *
 * A link, unlike a rename, never replaces a file that has come into being meanwhile. What a killed process left is
 * swept away by the next one that makes the same files: its temporary files, and names that it had given already to
 * files of an image that never became whole. A file that names the others may be there before, and be replaced by a
 * rename: until that is done its temporary file says that the others belong to nothing yet.
 */
export interface NewFiles {
  /** One for each name. Errors name the file as it will be called. */
  readonly stores: readonly ByteStore[]
  /**
   * Everything written is made durable, and then the files appear: those that replace others with their owner and
   * permissions. @throws VivariumError kind `conflict` when one exists by now that is not to be replaced.
   */
  publish(): void
  /** Closes the files; those that were not published are gone. */
  close(): void
}

/**
 * Which files take the places of those that have their names: each of them, one after the other; the last alone, which
 * names the others, once they are there; or none.
 */
export type ReplacedFiles = 'each' | 'last' | 'none'

/** @param names Without a path; the one that names the others last. @throws VivariumError kind `conflict`, `denied` ... */
export function createFiles(
  folder: string,
  names: readonly string[],
  { replace = 'none' }: { readonly replace?: ReplacedFiles } = {},
): NewFiles {
  sweep(folder, names)
  const added = replace === 'each' ? 0 : replace === 'last' ? names.length - 1 : names.length
  for (const name of names.slice(0, added)) requireAbsent(join(folder, name))
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
    publish() {
      for (const store of stores) store.flush()
      if (replace === 'last') for (const path of temporary) beLike(path, join(folder, names.at(-1) ?? ''))
      const made = linkAll(folder, names.slice(0, added), temporary)
      try {
        if (replace === 'last' && made.length > 0) syncFolder(folder)
        takePlaces(folder, names.slice(added), temporary.slice(added))
      } catch (error) {
        if (replace === 'last') removeAll(made)
        throw error
      }
      syncFolder(folder)
    },
    close,
  }
}

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

function linkAll(folder: string, names: readonly string[], temporary: readonly string[]): string[] {
  const made: string[] = []
  try {
    for (const [index, name] of names.entries()) {
      const target = join(folder, name)
      link(temporary[index] ?? '', target)
      made.push(target)
    }
    return made
  } catch (error) {
    removeAll(made)
    throw error
  }
}

function removeAll(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true })
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
    beLike(from, target)
    try {
      renameSync(from, target)
    } catch (error) {
      throw systemError(error, target)
    }
  }
}

function beLike(path: string, old: string): void {
  try {
    const stats = statSync(old, { throwIfNoEntry: false })
    if (stats !== undefined) likeOld(path, stats)
  } catch (error) {
    throw systemError(error, old)
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
