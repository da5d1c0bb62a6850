import type { ImageFacts, ParentName, ParentReference } from './format.ts'

/**
 * Where the parent of a differencing disk may lie. Pure: it only knows names; the system room looks whether a
 * candidate is there. A child names its parent in several ways, and moves, drives and hosts have changed since.
 *
 * Order: relative to the child's folder, absolute, and the bare name beside the child. Windows writes the
 * absolute name first; the relative one is tried first all the same, because it survives a move of both files.
 */
export interface ParentCandidate {
  readonly foundBy: 'relative' | 'absolute' | 'beside'
  /** Segments to walk from the child's folder, `..` included; or from the root when `absolute`. */
  readonly segments: readonly string[]
  readonly absolute: boolean
}

export function parentCandidates(reference: ParentReference): ParentCandidate[] {
  const candidates: ParentCandidate[] = []
  for (const name of ordered(reference.names)) {
    const candidate = candidateOf(name)
    if (candidate !== undefined) candidates.push(candidate)
  }
  for (const name of ordered(reference.names)) {
    const base = baseNameOf(fromUrl(name.text) ?? name.text)
    if (base !== undefined) candidates.push({ foundBy: 'beside', segments: [base], absolute: false })
  }
  return unique(candidates)
}

/** Every id the parent may have, the likeliest first. */
export function acceptedIds({ id, otherIds = [] }: ParentReference): readonly string[] {
  return id === undefined ? otherIds : [id, ...otherIds]
}

/** Whether a disk may be the parent. Where the child records no id, every disk may, or every one of its size. */
export function acceptsParent(
  reference: ParentReference,
  { id, sizeBytes }: Pick<ImageFacts, 'id' | 'sizeBytes'>,
): boolean {
  if (reference.sizeBytes !== undefined) return id === undefined && sizeBytes === reference.sizeBytes
  const ids = acceptedIds(reference)
  return ids.length === 0 || (id !== undefined && ids.includes(id))
}

const RANK = { relative: 0, absolute: 1, name: 2 } as const

function ordered(names: readonly ParentName[]): ParentName[] {
  return [...names].sort((a, b) => RANK[a.kind] - RANK[b.kind])
}

function candidateOf({ kind, text }: ParentName): ParentCandidate | undefined {
  const path = fromUrl(text)
  if (path === undefined || path.includes('\0')) return undefined
  const absolute = path.startsWith('/') && !path.startsWith('//')
  // A path with a drive letter or a server means nothing on this host; its last part still helps (beside).
  if (/^[a-z]:/i.test(path) || /^(\\\\|\/\/)/.test(path)) return undefined
  const segments = absolute ? path.split('/') : path.split(/[\\/]/)
  const useful = segments.filter((segment) => segment !== '' && segment !== '.')
  if (useful.length === 0 || useful.at(-1) === '..') return undefined
  return {
    foundBy: absolute ? 'absolute' : kind === 'relative' ? 'relative' : 'beside',
    segments: useful,
    absolute,
  }
}

/** `file://localhost/Disks/base.vhd`, as Virtual PC for Mac wrote it, becomes a path. */
function fromUrl(text: string): string | undefined {
  const match = /^file:\/\/(?:localhost)?(\/.*)$/i.exec(text)
  if (match === null) return text
  try {
    return decodeURIComponent(match[1]!)
  } catch {
    return undefined
  }
}

/** The last part of a Windows or POSIX path. */
export function baseNameOf(path: string): string | undefined {
  const name = path.split(/[\\/]/).at(-1) ?? ''
  return name === '' || name === '.' || name === '..' || name.includes('\0') ? undefined : name
}

function unique(candidates: readonly ParentCandidate[]): ParentCandidate[] {
  const seen = new Set<string>()
  return candidates.filter((candidate) => {
    const key = `${candidate.absolute}/${candidate.segments.join('/')}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** The relative locator a new child gets: `.\base.vhd`, `..\bases\xp.vhd`. Both folders as absolute segments. */
export function relativeLocator(childFolder: readonly string[], parent: readonly string[]): string {
  let shared = 0
  while (shared < childFolder.length && shared < parent.length - 1 && childFolder[shared] === parent[shared])
    shared++
  const up = childFolder.length - shared
  return [...(up === 0 ? ['.'] : Array<string>(up).fill('..')), ...parent.slice(shared)].join('\\')
}
