import type { Problem } from '../base/index.ts'
import type { FileReference } from './machine.ts'

/**
 * Where a file may be that a machine file names (formats.md 2.8): relative to the machine file's folder, at its
 * absolute path, and under its bare name beside the machine file. Paths are Windows paths more often than not;
 * here they become POSIX paths. A drive letter or a network share means nothing on this host, so such a path
 * only gives its bare name.
 */
export interface Candidate {
  readonly path: string
  readonly foundBy: 'relative' | 'absolute' | 'beside'
}

/** What became of a reference on this host. */
export interface ResolvedReference {
  /** The real path of an existing regular file. */
  readonly path?: string
  readonly foundBy?: Candidate['foundBy']
  /** Every place that was looked at. */
  readonly tried: readonly string[]
  /** Why there is no path: `file-missing`, `outside-roots` or `not-a-regular-file`. */
  readonly problem?: Problem
}

/** @param folder absolute POSIX path of the machine file's folder */
export function candidatePaths(reference: FileReference, folder: string): Candidate[] {
  const candidates: Candidate[] = []
  const add = (path: string | undefined, foundBy: Candidate['foundBy']) => {
    if (path !== undefined && !candidates.some((candidate) => candidate.path === path))
      candidates.push({ path, foundBy })
  }
  // Hand-written files have relative paths in `absolute`, and files of two drives have absolute ones in `relative`.
  add(onThisHost(reference.relative, folder), 'relative')
  add(onThisHost(reference.absolute, folder), 'absolute')
  for (const path of [reference.relative, reference.absolute]) add(beside(path, folder), 'beside')
  return candidates
}

function onThisHost(path: string | undefined, folder: string): string | undefined {
  if (!path || path.includes('\0')) return undefined
  if (/^[A-Za-z]:/.test(path) || /^[\\/]{2}/.test(path)) return undefined
  const slashed = path.replaceAll('\\', '/')
  // A path from the root of "the current drive" has no meaning here either, unless it was written on this host.
  if (path.startsWith('\\')) return undefined
  return normalize(slashed.startsWith('/') ? slashed : `${folder}/${slashed}`)
}

function beside(path: string | undefined, folder: string): string | undefined {
  const name = path && !path.includes('\0') ? baseName(path) : ''
  return name === '' || name === '.' || name === '..' ? undefined : normalize(`${folder}/${name}`)
}

/** The last part of a Windows or POSIX path. */
export function baseName(path: string): string {
  return (
    path
      .split(/[\\/]/)
      .filter((part) => part !== '')
      .at(-1)
      ?.replace(/^[A-Za-z]:/, '') ?? ''
  )
}

function normalize(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
