import { type ByteStore, type Problem, VivariumError } from '../base/index.ts'
import { type Disk, openDiskChain, parentOptions, type ReadImageOptions } from '../disk/index.ts'
import {
  type ChainAccess,
  type ResolvedChain,
  type ResolvedLayer,
  type ResolveOptions,
  type WalkedChain,
  walkChain,
} from './disk-chains.ts'
import { type ImageFile, openDiskStore, openImageFile } from './disk-files.ts'
import { imageOptionsFor } from './disk-surroundings.ts'
import { type FileStamp, isUnchanged, stampOf } from './file-stamps.ts'
import { LayerClaims } from './layer-claims.ts'
import { PARENT_RAW_ELSEWHERE } from './parent-problems.ts'
import type { EvenIfUnfinished } from './unfinished-work.ts'

export interface OpenLayersOptions {
  /** Claim the files against other writers; the default is true when `writable`. */
  readonly lock?: boolean
  /** Write although a saved state of a machine depends on the disk. */
  readonly evenIfInSavedState?: boolean
  /** The children of the topmost file shall still know it after the writing: a merge. */
  readonly keepId?: boolean
  /** Write although this work on the topmost file was begun and not ended: this is who ends it. */
  readonly evenIfUnfinished?: EvenIfUnfinished
  /** What is known of each layer's format, topmost first; absent = by content, and raw images by their name. */
  readonly images?: readonly ReadImageOptions[]
  /** Folders that the files which a layer names must lie in, besides being beside it. */
  readonly roots?: readonly string[]
}

export interface OpenDiskFileOptions
  extends ResolveOptions,
    Omit<OpenLayersOptions, 'images' | 'roots' | 'keepId' | 'evenIfUnfinished'> {
  readonly writable?: boolean
}

/**
 * Opens a disk with all its parents. The chain must be complete. Writing goes to the named file only.
 * @throws VivariumError kind `not-found` (a parent), `corrupt`, `busy` (code `disk-in-use`), `conflict`
 *   (writing where a merge or a repair was begun and not ended) ...
 */
export function openDiskFile(path: string, options: OpenDiskFileOptions = {}): Disk {
  const { roots, writable = false } = options
  const claims = new LayerClaims(options.lock ?? writable)
  try {
    const chain = walkChain(path, options, openingEach(roots, claims))
    const { stores, images } = claimFound(chain, writable, { roots, claims })
    return openDiskChain(stores, images, {
      writable,
      evenIfInSavedState: options.evenIfInSavedState === true,
      onClose: () => claims.release(),
    })
  } catch (error) {
    claims.release()
    throw error
  }
}

interface OpenedLayer extends ResolvedLayer, ImageFile {
  readonly stamp: FileStamp | undefined
}

interface Opening {
  readonly roots: readonly string[] | undefined
  readonly claims: LayerClaims
}

/** Each file of the chain is opened and parsed once: the one that is judged is the one that is used. */
function openingEach(roots: Opening['roots'], claims: LayerClaims): ChainAccess<OpenedLayer> {
  return {
    look(path, reference) {
      let stamp: FileStamp | undefined
      const own = imageOptionsFor(path, { roots, claim: claims.claimExtent })
      const options = reference === undefined ? own : parentOptions(reference, own)
      const file = openImageFile(path, options, (store) => {
        if (claims.wanted) stamp = stampOf(store)
      })
      return { ...file, facts: file.image.facts, stamp }
    },
    drop: ({ store }) => store.close(),
  }
}

/**
 * Claims the files that were found. What is written to, and what may have changed before its claim was there, is
 * opened and parsed again.
 */
function claimFound(
  chain: WalkedChain<OpenedLayer>,
  writable: boolean,
  { roots, claims }: Opening,
): { stores: ByteStore[]; images: ReadImageOptions[] } {
  const stores = chain.layers.map(({ store }) => store)
  try {
    const layers = layersOf(chain)
    claims.claimChain(layers, writable)
    const images = chain.layers.map(({ path, image, store, stamp }, index) => {
      const toWrite = writable && index === 0
      const isSame = !claims.wanted || (stamp !== undefined && isUnchanged(path, stamp))
      if (!toWrite && isSame) return { parsed: image }
      stores[index] = openDiskStore(path, toWrite)
      store.close()
      return imageOptionsFor(path, { roots, claim: claims.claimExtent })
    })
    return { stores, images }
  } catch (error) {
    for (const store of stores) store.close()
    throw error
  }
}

/** The files of a complete chain, topmost first. @throws VivariumError for the first parent that is not usable. */
export function layersOf(chain: ResolvedChain): string[] {
  if (chain.complete) return chain.layers.map(({ path }) => path)
  const problem = chain.problems.findLast(({ severity }) => severity === 'error')!
  throw new VivariumError(kindOf(problem, chain), problem.code, problem.message, {
    ...(problem.where && { where: definedOnly(problem.where) }),
    ...(problem.next !== undefined && { next: problem.next }),
  })
}

function kindOf({ code }: Problem, { links }: ResolvedChain): 'denied' | 'not-found' | 'corrupt' {
  if (code === PARENT_RAW_ELSEWHERE) return 'denied'
  return links.at(-1)?.state === 'missing' ? 'not-found' : 'corrupt'
}

function definedOnly(where: {
  path?: string | undefined
  offset?: number | undefined
  field?: string | undefined
}) {
  const { path, offset, field } = where
  return {
    ...(path !== undefined && { path }),
    ...(offset !== undefined && { offset }),
    ...(field !== undefined && { field }),
  }
}

/**
 * Opens exactly these files, topmost first, each the parent of the one before; every unique id is checked. With
 * `writable` the topmost is claimed for writing, and the ones below against writers, until the disk is closed.
 */
export function openDiskLayers(
  { layers, writable }: { readonly layers: readonly string[]; readonly writable: boolean },
  options: OpenLayersOptions = {},
): Disk {
  if (layers.length === 0)
    throw new VivariumError('invalid', 'disk-no-layers', 'A disk needs at least one file.')
  const claims = new LayerClaims(options.lock ?? writable, options)
  try {
    claims.claimChain(layers, writable)
    const images = layers.map((path, index) => ({
      ...imageOptionsFor(path, { roots: options.roots, claim: claims.claimExtent }),
      ...options.images?.[index],
    }))
    const stores = openStores(layers, writable)
    return openDiskChain(stores, images, {
      writable,
      evenIfInSavedState: options.evenIfInSavedState === true,
      keepId: options.keepId === true,
      onClose: () => claims.release(),
    })
  } catch (error) {
    claims.release()
    throw error
  }
}

function openStores(layers: readonly string[], writable: boolean): ByteStore[] {
  const stores: ByteStore[] = []
  try {
    for (const [index, path] of layers.entries()) stores.push(openDiskStore(path, writable && index === 0))
    return stores
  } catch (error) {
    for (const store of stores) store.close()
    throw error
  }
}
