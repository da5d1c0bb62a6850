import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, extname, join, resolve, sep } from 'node:path'
import { type ByteStore, VivariumError } from '../base/index.ts'
import {
  type DiskImage,
  diskFormats,
  type ImageFacts,
  quoted,
  type ReadImageOptions,
  readImage,
} from '../disk/index.ts'
import { openFileStore } from './files.ts'
import { systemError } from './system-error.ts'

/** Disk files on this host: opening them, finding them by name or id, and keeping within the allowed folders. */

/** How a file is to be read: raw images are taken for what their name says, when no format recognises them. */
export function readOptionsFor(path: string): ReadImageOptions {
  const raw = diskFormats.find((format) => format.name === 'raw')!
  const isRaw = raw.extensions.includes(extname(path).toLowerCase())
  return { allowRaw: isRaw, refuseParent: isRaw }
}

/** Opens a regular file. A pipe or device is refused before opening it, which could hang. */
export function openDiskStore(path: string, writable: boolean): ByteStore {
  let facts: Stats
  try {
    facts = statSync(path)
  } catch (error) {
    throw systemError(error, path)
  }
  if (!facts.isFile()) throw notRegular(path)
  if (writable) demandNotProtected(path, facts)
  return openFileStore(path, { writable })
}

/**
 * Nobody may write to a protected disk; the system would let root do it all the same, and whoever may write to its folder
 * could put another file in its place. @throws VivariumError kind `denied`, code `disk-write-protected`.
 */
export function demandNotProtected(path: string, { mode }: Pick<Stats, 'mode'> = statSync(path)): void {
  if ((mode & 0o222) !== 0) return
  throw new VivariumError(
    'denied',
    'disk-write-protected',
    'It is protected against writing, as a disk is that others lie on.',
    {
      where: { path },
      next: `Clone it, and write to the clone; or, where no disk lies on it, let it be written again: chmod u+w ${quoted(path)}`,
    },
  )
}

function notRegular(path: string): VivariumError {
  return new VivariumError('unsupported', 'not-a-regular-file', 'It is not a regular file.', {
    where: { path },
    next: 'Name a disk image, not a folder or a device.',
  })
}

export interface ImageFile {
  readonly path: string
  readonly store: ByteStore
  readonly image: DiskImage
}

/** Opens a file to be read, and parses it; it is the caller's to close. `opened` sees the store before the parser. */
export function openImageFile(
  path: string,
  options = readOptionsFor(path),
  opened?: (store: ByteStore) => void,
): ImageFile {
  const store = openDiskStore(path, false)
  try {
    opened?.(store)
    return { path, store, image: readImage(store, options) }
  } catch (error) {
    store.close()
    throw splitImage(path) ?? error
  }
}

export function factsOfFile(path: string, options = readOptionsFor(path)): ImageFacts {
  const { store, image } = openImageFile(path, options)
  store.close()
  return image.facts
}

/** Old products split large images into `.vhd`, `.v01` ... on FAT hosts; the footer is in the last part. */
function splitImage(path: string): VivariumError | undefined {
  const next = path.replace(/\.vhd$/i, '.v01')
  if (next === path || findIn(dirname(path), next.slice(dirname(next).length + 1)) === undefined)
    return undefined
  return new VivariumError(
    'unsupported',
    'vhd-split-image',
    'The image is split into several files (.vhd, .v01 ...).',
    {
      where: { path },
      next: 'Join the parts in order into one file, then open that.',
    },
  )
}

/** A name in a folder, exactly or, as Windows would have it, without regard to case. */
export function findIn(folder: string, name: string): string | undefined {
  const exact = join(folder, name)
  if (statSync(exact, { throwIfNoEntry: false }) !== undefined) return exact
  const wanted = fold(name)
  try {
    const found = readdirSync(folder).find((entry) => fold(entry) === wanted)
    return found === undefined ? undefined : join(folder, found)
  } catch {
    return undefined
  }
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

/** How many files of one search folder are looked into. */
const MAX_SEARCHED_FILES = 10_000

export function* filesWithId(folder: string, id: string): Generator<string> {
  const extensions = new Set(
    diskFormats.filter(({ name }) => name !== 'raw').flatMap((format) => format.extensions),
  )
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return // A search folder that is gone finds nothing.
  }
  for (const name of names
    .filter((file) => extensions.has(extname(file).toLowerCase()))
    .slice(0, MAX_SEARCHED_FILES)) {
    const path = join(folder, name)
    if (idOfFile(path) === id) yield path
  }
}

function idOfFile(path: string): string | undefined {
  try {
    return factsOfFile(path).id
  } catch {
    return undefined
  }
}

export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw systemError(error, path)
  }
}

export function realPathOrSelf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

export function isInside(real: string, roots: readonly string[] | undefined): boolean {
  if (roots === undefined) return true
  return roots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep))
}

export function requireInside(real: string, roots: readonly string[] | undefined): string {
  if (roots === undefined || isInside(real, roots)) return real
  throw new VivariumError(
    'denied',
    'outside-roots',
    `${real} lies outside the folders that Vivarium may use.`,
    {
      where: { path: real },
      next: `Move it into one of them, or allow its folder: ${roots.join(', ')}.`,
    },
  )
}
