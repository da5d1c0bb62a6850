import type { Folder } from '../../api/index.ts'
import { folderOf } from './format.ts'

type Entry = Folder['entries'][number]

/** "folder" chooses a place; a list of kinds chooses a file of one of them. */
export type Wanted = 'folder' | readonly Entry['kind'][]

/** Folders first, then what can be chosen (or everything), each by name. */
export function visibleEntries(entries: readonly Entry[], wanted: Wanted, all: boolean): Entry[] {
  const files = wanted === 'folder' ? [] : wanted
  return entries
    .filter((entry) => entry.kind === 'folder' || (wanted !== 'folder' && all) || files.includes(entry.kind))
    .sort((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || byName(a.name, b.name))
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, undefined, { numeric: true, sensitivity: 'base' })
}

/** Where the chooser opens: the folder of a full path, else the places to start from. */
export function startFolder(typed: string): string | undefined {
  const text = typed.trim()
  if (!/^(\/|[a-z]:\\)/i.test(text)) return undefined
  return /[\\/]$/.test(text) ? text : folderOf(text) || undefined
}
