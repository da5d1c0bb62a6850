import { readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { candidatePaths, type FileReference, type ResolvedReference } from '../machine/index.ts'

export interface ReferenceOptions {
  /** Folders that files may lie in, symbolic links followed. Absent: everywhere. */
  readonly roots?: readonly string[] | undefined
}

/**
 * Finds a file that a machine file names: relative to it, at its absolute path, or beside it under its bare
 * name; without regard to case, as on Windows. Only regular files below the roots are found. Never throws for a
 * file that is not there: then `problem` says why.
 */
export function resolveReference(
  reference: FileReference,
  machinePath: string,
  options: ReferenceOptions = {},
): ResolvedReference {
  const candidates = candidatePaths(reference, dirname(resolve(machinePath)))
  const tried = candidates.map((candidate) => candidate.path)
  const roots = options.roots?.map((root) => realPathOf(root) ?? resolve(root))
  let refusal: Refusal = 'file-missing'
  for (const { path, foundBy } of candidates) {
    const real = findIgnoringCase(path)
    if (real === undefined) continue
    if (roots && !roots.some((root) => isInside(real, root))) refusal = 'outside-roots'
    else if (!statSync(real, { throwIfNoEntry: false })?.isFile()) refusal = 'not-a-regular-file'
    else return { path: real, foundBy, tried }
  }
  const [message, next] = REFUSALS[refusal]
  return {
    tried,
    problem: { code: refusal, severity: 'error', message, next, where: { path: machinePath } },
  }
}

type Refusal = 'file-missing' | 'outside-roots' | 'not-a-regular-file'

const REFUSALS: Record<Refusal, readonly [message: string, next: string]> = {
  'file-missing': ['there is no such file here.', 'Put it beside the machine file, or attach another one.'],
  'outside-roots': [
    'it lies outside the folders that machines may use.',
    'Move it beside the machine file, or start the server with --root and its folder.',
  ],
  'not-a-regular-file': ['it is a folder or a device.', 'Attach an image file instead.'],
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root === '/' ? root : `${root}/`)
}

/** Undefined when there is no such file, or no way to it. */
export function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

/** The real path of an existing file, each part found exactly or else without regard to case. */
function findIgnoringCase(path: string): string | undefined {
  const exact = realPathOf(path)
  if (exact !== undefined) return exact
  let found = '/'
  for (const part of path.split('/').filter((name) => name !== '')) {
    const next = realPathOf(join(found, part)) ?? findEntry(found, part)
    if (next === undefined) return undefined
    found = next
  }
  return found
}

function findEntry(folder: string, name: string): string | undefined {
  const wanted = foldCase(name)
  try {
    // Sorted, so that the answer does not change from one look to the next.
    const entry = readdirSync(folder)
      .sort()
      .find((other) => foldCase(other) === wanted)
    return entry === undefined ? undefined : realPathOf(join(folder, entry))
  } catch {
    return undefined
  }
}

function foldCase(name: string): string {
  return name.normalize('NFC').toUpperCase()
}
