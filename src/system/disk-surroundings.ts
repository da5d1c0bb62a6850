import { dirname } from 'node:path'
import { constants, deflateSync, inflateRawSync } from 'node:zlib'
import { type ByteStore, VivariumError } from '../base/index.ts'
import { baseNameOf, inflateRaw, type ReadImageOptions, type Surroundings } from '../disk/index.ts'
import {
  findIn,
  openDiskStore,
  readOptionsFor,
  realPath,
  realPathOrSelf,
  requireInside,
} from './disk-files.ts'

/** The least that zlib takes. */
const MIN_CHUNK_BYTES = 64

export interface SurroundingsOptions {
  /** Folders that files must lie in, symbolic links followed; absent = anywhere. */
  readonly roots?: readonly string[] | undefined
  /** Called with each file before it is opened, to claim it. */
  readonly claim?: ((path: string, writable: boolean) => void) | undefined
}

/** How a file is to be read whose content is wanted too. */
export function imageOptionsFor(path: string, options: SurroundingsOptions = {}): ReadImageOptions {
  const image = readOptionsFor(path)
  // A guest may write whatever it likes to a raw disk, names of files too.
  const surroundings = image.allowRaw === true ? { inflate: inflateWithZlib } : surroundingsOf(path, options)
  return { ...image, surroundings }
}

/**
 * What a disk file may reach on this host besides itself: the files it names, in its own folder only, whatever path
 * it gives them (the folder it was made in is of no use here, and must not lead anywhere else).
 */
export function surroundingsOf(path: string, options: SurroundingsOptions): Surroundings {
  return {
    openSibling: (name, writable) => openSibling(path, name, writable, options),
    inflate: inflateWithZlib,
  }
}

function openSibling(
  path: string,
  name: string,
  writable: boolean,
  { roots, claim }: SurroundingsOptions,
): ByteStore {
  const real = siblingPath(path, name, roots)
  claim?.(real, writable)
  return openDiskStore(real, writable)
}

/**
 * Where the file lies that a disk file names: real, and beside it.
 * @throws VivariumError kind `not-found`, code `disk-extent-missing`; `denied`, code `disk-extent-elsewhere`.
 */
export function siblingPath(path: string, name: string, roots: readonly string[] | undefined): string {
  const own = realPath(path)
  const base = baseNameOf(name)
  const found = base === undefined ? undefined : findIn(dirname(own), base)
  if (found === undefined) {
    throw new VivariumError('not-found', 'disk-extent-missing', `Its file "${name}" is not beside it.`, {
      where: { path },
      next: `Put ${base ?? 'the file'} into the same folder.`,
    })
  }
  const real = requireInside(realPath(found), roots?.map(realPathOrSelf))
  if (dirname(real) !== dirname(own) || real === own) {
    throw new VivariumError(
      'denied',
      'disk-extent-elsewhere',
      `Its file "${name}" is ${real === own ? 'itself' : 'a link to another folder'}.`,
      { where: { path }, next: 'Put the file itself into the folder of the disk.' },
    )
  }
  return real
}

function inflateWithZlib(packed: Uint8Array, into: Uint8Array): number {
  try {
    const bytes = inflateRawSync(packed, {
      maxOutputLength: into.length,
      chunkSize: into.length + MIN_CHUNK_BYTES,
      // A stream that is cut short gives what it has; the caller compares the length.
      finishFlush: constants.Z_SYNC_FLUSH,
    })
    into.set(bytes)
    return bytes.length
  } catch {
    // More than fits, or damaged: the slower way knows how to stop, and what to say.
    return inflateRaw(packed, into)
  }
}

/** What packs the grains of a stream-optimized VMDK: `LayoutOptions.deflate`. */
export function deflateWithZlib(bytes: Uint8Array): Uint8Array {
  return deflateSync(bytes)
}
