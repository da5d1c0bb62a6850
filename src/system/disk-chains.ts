import { dirname, sep } from 'node:path'
import { type Problem, problemFrom } from '../base/index.ts'
import {
  acceptedIds,
  acceptsParent,
  baseNameOf,
  type ChainLink,
  type ImageFacts,
  type ParentCandidate,
  type ParentReference,
  parentCandidates,
  parentOptions,
  type ReadImageOptions,
} from '../disk/index.ts'
import {
  factsOfFile,
  filesWithId,
  findIn,
  isInside,
  readOptionsFor,
  realPath,
  realPathOrSelf,
  requireInside,
} from './disk-files.ts'
import {
  parentCycle,
  parentIdMismatch,
  parentMissing,
  parentRawElsewhere,
  parentWarnings,
} from './parent-problems.ts'

/** Finds the files of a chain on this host. Only regular files are opened, and only within the roots. */
export interface ResolveOptions {
  /** Folders that files must lie in, after symbolic links are followed; absent = anywhere. */
  readonly roots?: readonly string[]
  /** Folders (not their subfolders) to look through for a parent by its unique id. */
  readonly searchFolders?: readonly string[]
  /** Take a raw parent wherever it lies: for who compares names, and shows nobody its content. */
  readonly anyRawParent?: boolean
  /** What the topmost file is, where a person knows it and the file does not show it. */
  readonly format?: string
}

export interface ResolvedLayer {
  /** Absolute, symbolic links followed. */
  readonly path: string
  readonly facts: ImageFacts
}

export interface ResolvedChain {
  /** Topmost first; ends before the first parent that cannot be used. */
  readonly layers: ResolvedLayer[]
  /** One for each parent, nearest first; the last one may be missing or wrong. */
  readonly links: ChainLink[]
  readonly problems: Problem[]
  /** True when every parent is there, so that the disk can be read. */
  readonly complete: boolean
}

/** @throws VivariumError when the file itself cannot be read; what is wrong with its parents is in the result. */
export function resolveChain(path: string, options: ResolveOptions = {}): ResolvedChain {
  return walkChain(path, options, {
    look: (file, reference) => ({
      path: file,
      facts: factsOfFile(file, {
        ...optionsBelow(file, reference),
        ...(reference === undefined && options.format !== undefined && { format: options.format }),
      }),
    }),
  })
}

/** How a walk along a chain looks at a file, and gives it up again where it is not the parent after all. */
export interface ChainAccess<Found extends ResolvedLayer> {
  /** `reference`: how its child names it; none for the topmost. */
  look(path: string, reference: ParentReference | undefined): Found
  drop?(layer: Found): void
}

export interface WalkedChain<Found extends ResolvedLayer> extends ResolvedChain {
  readonly layers: Found[]
}

/** `resolveChain` for whoever wants to keep what was found of each file, such as the file itself, open. */
export function walkChain<Found extends ResolvedLayer>(
  path: string,
  options: ResolveOptions,
  access: ChainAccess<Found>,
): WalkedChain<Found> {
  const roots = options.roots?.map(realPathOrSelf)
  const { searchFolders = [], anyRawParent = false } = options
  const rawFolders = anyRawParent ? [sep] : rawFoldersOf(roots, searchFolders)
  const search = { roots, searchFolders, rawFolders }
  const top = requireInside(realPath(path), roots)
  const layers = [access.look(top, undefined)]
  const links: ChainLink[] = []
  const problems: Problem[] = []
  try {
    for (let child = layers[0]!; child.facts.parent !== undefined; ) {
      const found = findParent(child, child.facts.parent, layers, { ...search, access })
      links.push(found.link)
      problems.push(...found.problems)
      if (found.layer === undefined) return { layers, links, problems, complete: false }
      layers.push(found.layer)
      child = found.layer
    }
    return { layers, links, problems, complete: true }
  } catch (error) {
    for (const layer of layers) access.drop?.(layer)
    throw error
  }
}

/** What a person named. Everywhere (`/`, or nothing) names no folder. */
function rawFoldersOf(roots: readonly string[] = [], searchFolders: readonly string[]): readonly string[] {
  return [...roots, ...searchFolders.map(realPathOrSelf)].filter((folder) => folder !== sep)
}

function optionsBelow(path: string, reference: ParentReference | undefined): ReadImageOptions {
  const own = readOptionsFor(path)
  return reference === undefined ? own : parentOptions(reference, own)
}

interface Search<Found extends ResolvedLayer> {
  readonly access: ChainAccess<Found>
  readonly roots: readonly string[] | undefined
  readonly searchFolders: readonly string[]
  /** Where a raw parent may lie, besides the child's own folder. */
  readonly rawFolders: readonly string[]
}

interface FoundParent<Found extends ResolvedLayer> {
  readonly link: ChainLink
  readonly problems: readonly Problem[]
  readonly layer?: Found
}

interface Rejected {
  readonly state: 'missing' | 'unreadable' | 'id-mismatch' | 'cycle'
  readonly link: Partial<ChainLink>
  readonly problem: Problem
}

type Place = { readonly path: string; readonly foundBy: NonNullable<ChainLink['foundBy']> }

/** A file that is there and wrong says more than one that is absent: the most telling rejection is reported. */
const TELLING = { cycle: 3, 'id-mismatch': 2, unreadable: 1, missing: 0 } as const

function findParent<Found extends ResolvedLayer>(
  child: ResolvedLayer,
  reference: ParentReference,
  chain: readonly ResolvedLayer[],
  search: Search<Found>,
): FoundParent<Found> {
  const recordedAs = [...new Set(reference.names.map(({ text }) => text))]
  let best: Rejected | undefined
  for (const place of places(child, reference, search)) {
    const judged = judge(place, child, reference, chain, search)
    if ('layer' in judged) return { ...judged, link: { ...judged.link, recordedAs } }
    if (best === undefined || TELLING[judged.state] > TELLING[best.state]) best = judged
  }
  const problem = best?.problem ?? parentMissing(child, recordedAs)
  return {
    link: {
      recordedAs,
      ...(reference.id !== undefined && { id: reference.id }),
      ...best?.link,
      state: best?.state ?? 'missing',
    },
    problems: [problem],
  }
}

type Folders = Pick<Search<ResolvedLayer>, 'roots' | 'searchFolders'>

function* places(child: ResolvedLayer, reference: ParentReference, search: Folders): Generator<Place> {
  const folder = dirname(child.path)
  for (const candidate of parentCandidates(reference)) {
    const path = locate(folder, candidate)
    if (path !== undefined) yield { path, foundBy: candidate.foundBy }
  }
  for (const searched of searchedFolders(folder, reference, search)) {
    if (reference.id !== undefined && reference.idIsContent !== true) {
      for (const id of acceptedIds(reference))
        for (const path of filesWithId(searched, id)) yield { path, foundBy: 'search-id' }
      continue
    }
    for (const { text } of reference.names) {
      const name = baseNameOf(text)
      const path = name === undefined ? undefined : findIn(searched, name)
      if (path !== undefined) yield { path, foundBy: 'search-id' }
    }
  }
}

/** A child that records no name at all (VDI) is kept beside its parent, or in a folder of snapshots below it. */
function searchedFolders(folder: string, reference: ParentReference, search: Folders): readonly string[] {
  if (reference.names.length > 0) return search.searchFolders
  const own = [folder, dirname(folder)].filter((near) => isInside(near, search.roots))
  return [...own, ...search.searchFolders]
}

function judge<Found extends ResolvedLayer>(
  { path, foundBy }: Place,
  child: ResolvedLayer,
  reference: ParentReference,
  chain: readonly ResolvedLayer[],
  { roots, rawFolders, access }: Search<Found>,
): Rejected | (FoundParent<Found> & { readonly layer: Found }) {
  let layer: Found
  try {
    layer = access.look(requireInside(realPath(path), roots), reference)
  } catch (error) {
    const problem = problemFrom(error)
    return { state: problem.code === 'outside-roots' ? 'missing' : 'unreadable', link: { foundBy }, problem }
  }
  const rejected = strangeRaw(layer, child, rawFolders) ?? whyNot(layer, child, reference, chain)
  const link = linkOf(layer, foundBy)
  if (rejected !== undefined) {
    access.drop?.(layer)
    return { ...rejected, link }
  }
  const problems = parentWarnings(child, layer.path, reference, layer.facts)
  const stale = problems.some(({ code }) => code === 'parent-time-mismatch')
  return { layer, problems, link: { ...link, recordedAs: [], state: stale ? 'time-mismatch' : 'found' } }
}

/**
 * Any file of the host can be read as a raw image, and who made the child chose its name: it has to lie where a person
 * put the child, or in a folder that a person named.
 */
function strangeRaw(
  { path, facts }: ResolvedLayer,
  child: ResolvedLayer,
  rawFolders: readonly string[],
): Omit<Rejected, 'link'> | undefined {
  if (facts.format !== 'raw' || dirname(path) === dirname(child.path) || isInside(path, rawFolders))
    return undefined
  return { state: 'unreadable', problem: parentRawElsewhere(child, path) }
}

function whyNot(
  { path, facts }: ResolvedLayer,
  child: ResolvedLayer,
  reference: ParentReference,
  chain: readonly ResolvedLayer[],
): Omit<Rejected, 'link'> | undefined {
  if (!acceptsParent(reference, facts))
    return { state: 'id-mismatch', problem: parentIdMismatch(child, path, reference, facts) }
  const provesSame = facts.id !== undefined && reference.idIsContent !== true
  if (chain.some((layer) => layer.path === path || (provesSame && layer.facts.id === facts.id)))
    return { state: 'cycle', problem: parentCycle(child, path) }
  return undefined
}

function linkOf(
  { path, facts }: ResolvedLayer,
  foundBy: ChainLink['foundBy'],
): Omit<ChainLink, 'state' | 'recordedAs'> {
  return {
    path,
    ...(foundBy && { foundBy }),
    format: facts.format,
    subformat: facts.subformat,
    ...(facts.id !== undefined && { id: facts.id }),
    ...(facts.time !== undefined && { time: facts.time }),
    sizeBytes: facts.sizeBytes,
  }
}

function locate(childFolder: string, { absolute, segments }: ParentCandidate): string | undefined {
  let path = absolute ? sep : childFolder
  for (const segment of segments) {
    const next = segment === '..' ? dirname(path) : findIn(path, segment)
    if (next === undefined) return undefined
    path = next
  }
  return path
}
