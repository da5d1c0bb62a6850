import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { diskFormats } from '../disk/index.ts'
import { systemError } from '../system/index.ts'

export interface FolderEntry {
  readonly name: string
  readonly path: string
  readonly kind: 'folder' | 'machine' | 'disk' | 'floppy' | 'cd' | 'network' | 'other'
  readonly sizeBytes: number
  readonly modifiedAt: string
}

export interface FolderListing {
  readonly path: string
  readonly parent?: string
  readonly entries: FolderEntry[]
}

const DISK_EXTENSIONS = diskFormats.flatMap(({ extensions }) =>
  extensions.map((each) => [each, 'disk'] as const),
)

/** What a name promises; a disk's extension that floppies bear too is a floppy's. */
const KIND_OF_EXTENSION: Record<string, FolderEntry['kind']> = {
  ...Object.fromEntries(DISK_EXTENSIONS),
  '.vmc': 'machine',
  '.vmcx': 'machine',
  '.vpcbackup': 'machine',
  '.vfd': 'floppy',
  '.img': 'floppy',
  '.ima': 'floppy',
  '.flp': 'floppy',
  '.iso': 'cd',
  '.vnc': 'network',
}

/** A folder of ten thousand files is shown in part, not refused. */
const MOST_ENTRIES = 2000

/** What lies in a folder, for the path chooser: folders first, then files by name. @throws VivariumError. */
export function listFolder(path: string = homedir()): FolderListing {
  const asked = resolve(path)
  let folder: string
  let names: Dirent[]
  try {
    folder = realpathSync(asked)
    names = readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    throw systemError(error, asked)
  }
  const entries = names
    .filter((entry) => !entry.name.startsWith('.'))
    .slice(0, MOST_ENTRIES)
    .map((entry) => describe(folder, entry.name))
    .filter((entry) => entry !== undefined)
    .sort(byKindThenName)
  const parent = dirname(folder)
  return { path: folder, ...(parent !== folder && { parent }), entries }
}

function describe(folder: string, name: string): FolderEntry | undefined {
  const path = join(folder, name)
  try {
    const facts = statSync(path)
    if (!facts.isDirectory() && !facts.isFile()) return undefined
    const kind = facts.isDirectory() ? 'folder' : (KIND_OF_EXTENSION[extname(name).toLowerCase()] ?? 'other')
    return { name, path, kind, sizeBytes: facts.size, modifiedAt: facts.mtime.toISOString() }
  } catch {
    return undefined // a dangling link, or gone since it was listed
  }
}

function byKindThenName(a: FolderEntry, b: FolderEntry): number {
  const folders = Number(b.kind === 'folder') - Number(a.kind === 'folder')
  return folders !== 0 ? folders : a.name.localeCompare(b.name, 'en', { numeric: true, sensitivity: 'base' })
}
