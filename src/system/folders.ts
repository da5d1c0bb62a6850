import { lstatSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { systemError } from './system-error.ts'

/**
 * Makes a folder and whatever is missing above it, one level after another. `mkdir` with `recursive` must not be
 * used: Node repeats it for ever where the host answers ENOENT below a folder that exists, as /proc does.
 * A folder that is there already is left as it is. `mode` counts for each new level.
 * @throws VivariumError naming the level that could not be made.
 */
export function makeFolder(path: string, mode = 0o700): void {
  const missing: string[] = []
  for (let level = resolve(path); !isFolder(level); level = dirname(level)) missing.push(level)
  for (const level of missing.reverse()) makeLevel(level, mode)
}

function makeLevel(level: string, mode: number): void {
  try {
    mkdirSync(level, { mode })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Another process may have made it in this moment.
    if (code === 'EEXIST' && isFolder(level)) return
    if (code !== 'ENOENT') throw systemError(error, level)
    throw new VivariumError('denied', 'folder-impossible', 'No folder can be made here.', {
      where: { path: level },
      next: 'Choose a place on a real file system.',
      cause: error,
    })
  }
}

/** False when there is nothing. @throws VivariumError when there is something else, or it cannot be told. */
function isFolder(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw systemError(error, path)
  }
  throw new VivariumError('conflict', 'not-a-folder', 'A file is where the folder should be.', {
    where: { path },
    next: 'Move it away, or choose another place.',
  })
}

/** The user this process acts as. A container may have no account of that number, so none is looked up. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0
}

/**
 * Makes a folder for this user alone, in a place where everybody may make one, such as /tmp. One that is there
 * already counts only when it is real (no link), this user's and closed to others: anybody could have put
 * another there to catch what we write. The folder above must exist.
 * @param next What the user can do when it is not private.
 * @throws VivariumError kind `denied`, code `folder-not-private`, or what the host answers.
 */
export function makePrivateFolder(path: string, next: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
    return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw systemError(error, path)
  }
  const wrong = whyNotPrivate(path)
  if (wrong === undefined) return
  throw new VivariumError('denied', 'folder-not-private', `The folder is not safe to use: ${wrong}.`, {
    where: { path },
    next,
  })
}

function whyNotPrivate(path: string): string | undefined {
  const facts = lstatSync(path)
  if (facts.isSymbolicLink()) return 'it is a link'
  if (!facts.isDirectory()) return 'it is a file'
  if (facts.uid !== ownUid()) return `it belongs to another user (number ${facts.uid})`
  if ((facts.mode & 0o077) !== 0) return 'other users may open it'
  return undefined
}
