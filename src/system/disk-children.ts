import { readdirSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { acceptsParent, baseNameOf, diskFormats, type ImageFacts } from '../disk/index.ts'
import { resolveChain } from './disk-chains.ts'
import { factsOfFile, realPathOrSelf } from './disk-files.ts'

/** How many files of one folder are looked into: a library of disks has hundreds. */
const MAX_FILES = 2000

/**
 * Disks that lie on this one, as far as they are in the given folders: what writing to it would damage. Only the
 * structures at the start and the end of each file are read. A child whose own chain leads to another file of the
 * same id (a copy) is that one's.
 */
export function childrenOf(path: string, facts: ImageFacts, folders: readonly string[]): string[] {
  const found: string[] = []
  for (const folder of new Set([dirname(path), ...folders].map(realPathOrSelf)))
    for (const file of diskFilesIn(folder)) if (file !== path && isChild(file, path, facts)) found.push(file)
  return found
}

function diskFilesIn(folder: string): string[] {
  const extensions = new Set(
    diskFormats.filter(({ name }) => name !== 'raw').flatMap((format) => format.extensions),
  )
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && extensions.has(extname(entry.name).toLowerCase()))
      .slice(0, MAX_FILES)
      .map(({ name }) => join(folder, name))
  } catch {
    return []
  }
}

function isChild(file: string, path: string, facts: ImageFacts): boolean {
  try {
    const reference = factsOfFile(file).parent
    if (reference === undefined || !acceptsParent(reference, facts)) return false
    const named = reference.names.some(({ text }) => baseNameOf(text) === baseNameOf(path))
    const knownById = reference.id !== undefined && reference.idIsContent !== true
    if (!named && !knownById) return false
    const parent = resolveChain(file, { anyRawParent: true }).layers[1]
    return parent === undefined ? knownById : parent.path === path
  } catch {
    return false
  }
}
