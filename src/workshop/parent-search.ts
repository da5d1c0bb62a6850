import { type Dirent, readdirSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { VivariumError } from '../base/index.ts'
import {
  acceptsParent,
  baseNameOf,
  diskFormats,
  type ImageFacts,
  type ParentReference,
} from '../disk/index.ts'
import { factsOfFile, isInside, realPath, realPathOrSelf } from '../system/disk-files.ts'
import type { OperationControl } from './operation.ts'

/** A search goes so deep, and looks into so many disk files; then it says so. */
const MAX_DEPTH = 12
const MAX_FILES = 20_000
const MAX_FOLDERS = 50_000

interface Found {
  readonly path: string
  readonly facts: ImageFacts
}

/**
 * Looks for the parent of a disk: in its own folder, then in the given ones and all below them. By id; where the disk
 * records none, or one that unrelated disks may share, by name too.
 * @throws VivariumError kind `not-found`, or `conflict` when several files are the parent and nothing tells them apart.
 */
export function findParentFile(
  child: string,
  reference: ParentReference,
  folders: readonly string[],
  control: OperationControl,
): string {
  const names = new Set(reference.names.flatMap(({ text }) => baseNameOf(text)?.toLowerCase() ?? []))
  const byName =
    reference.id === undefined || reference.idIsContent === true || reference.sizeBytes !== undefined
  const found: Found[] = []
  const roots = control.roots.map(realPathOrSelf)
  const places = [
    { folder: dirname(child), depth: 0 },
    ...folders.map((folder) => ({ folder, depth: MAX_DEPTH })),
  ]
  for (const { folder, depth } of places) {
    for (const path of diskFilesBelow(folder, depth, control)) {
      if (byName && !names.has(baseNameOf(path)!.toLowerCase())) continue
      const match = matching(path, child, reference, roots)
      if (match !== undefined && !found.some((known) => known.path === match.path)) found.push(match)
    }
    if (found.length > 0) break
  }
  return onlyOne(child, reference, names, found)
}

function matching(
  path: string,
  child: string,
  reference: ParentReference,
  roots: readonly string[],
): Found | undefined {
  try {
    const real = realPath(path)
    if (real === child || !isInside(real, roots)) return undefined
    const facts = factsOfFile(real)
    return acceptsParent(reference, facts) ? { path: real, facts } : undefined
  } catch {
    return undefined // What cannot be read is not the parent.
  }
}

function onlyOne(
  child: string,
  reference: ParentReference,
  names: ReadonlySet<string>,
  found: readonly Found[],
): string {
  let left = found
  for (const better of [
    ({ path }: Found) => names.has(baseNameOf(path)!.toLowerCase()),
    ({ facts }: Found) => reference.stamp !== 0 && facts.stamp === reference.stamp,
  ]) {
    const chosen = left.filter(better)
    if (left.length > 1 && chosen.length > 0) left = chosen
  }
  if (left.length === 1) return left[0]!.path
  if (left.length > 1)
    throw new VivariumError(
      'conflict',
      'reparent-several',
      `Several files are this parent: ${left
        .slice(0, 5)
        .map(({ path }) => path)
        .join(', ')}.`,
      { where: { path: child }, next: 'Name the right one: vivarium disk reparent CHILD PARENT.' },
    )
  throw new VivariumError(
    'not-found',
    'parent-missing',
    `The parent was not found${reference.id === undefined ? '' : ` (id ${reference.id})`}.`,
    { where: { path: child, field: 'parent' }, next: 'Name a folder to look in: --search FOLDER.' },
  )
}

const EXTENSIONS: ReadonlySet<string> = new Set(diskFormats.flatMap(({ extensions }) => extensions))

/** Links to folders are not followed, so that no search runs in a circle. */
function* diskFilesBelow(start: string, depth: number, control: OperationControl): Generator<string> {
  const open: { path: string; left: number }[] = [{ path: start, left: depth }]
  let files = 0
  let folders = 0
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    control.signal.throwIfAborted()
    for (const entry of entriesOf(next.path)) {
      const path = join(next.path, entry.name)
      if (entry.isDirectory() && next.left > 0 && ++folders <= MAX_FOLDERS)
        open.push({ path, left: next.left - 1 })
      if (entry.isDirectory() || !EXTENSIONS.has(extname(entry.name).toLowerCase())) continue
      if (++files > MAX_FILES) {
        control.note({
          code: 'search-too-large',
          severity: 'warning',
          message: `There are more than ${MAX_FILES} disk files below ${start}: not all were looked at.`,
          next: 'Name a folder nearer to the parent.',
        })
        return
      }
      yield path
    }
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return [] // A folder that may not be read finds nothing.
  }
}
