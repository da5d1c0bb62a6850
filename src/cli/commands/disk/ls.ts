import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import {
  type Inside,
  type InsideEntry,
  type InsideVolume,
  onlyVolume,
  openInside,
  parseInsidePath,
  unfinishedOf,
} from '../../../workshop/index.ts'
import { collect, defineVerb, printJson } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderProblems } from '../../render/problems.ts'
import { renderTable } from '../../render/table.ts'
import { INSIDE_PATHS } from './inside-paths.ts'

interface LsOptions {
  recursive?: boolean
  search: string[]
  json?: boolean
}

export function ls(disk: Command): void {
  defineVerb(disk, 'ls <disk> [path]', 'list the files inside, without starting a machine')
    .option('-r, --recursive', 'everything below the folder too')
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .addHelpText('after', INSIDE_PATHS)
    .action(list)
}

async function list(file: string, path: string | undefined, options: LsOptions): Promise<void> {
  const disk = pathOf(file)
  const places = { roots: ['/'], searchFolders: options.search.map(pathOf) }
  const inside = openInside(disk, places)
  try {
    const volumes = await inside.volumes()
    const unfinished = unfinishedOf(disk, places)
    if (unfinished.length > 0) console.error(renderProblems(unfinished))
    if (path === undefined && volumes.filter(({ readable }) => readable).length !== 1)
      printVolumes(disk, volumes, options)
    else await printFolder(inside, volumes, path ?? '/', options)
  } finally {
    inside.close()
  }
}

function printVolumes(disk: string, volumes: readonly InsideVolume[], { json }: LsOptions): void {
  if (json) {
    printJson({ volumes })
    return
  }
  const rows = volumes.map(({ number, fileSystem, label, sizeBytes, readable }) => [
    `/${number}`,
    fileSystem ?? '?',
    formatSize(sizeBytes),
    label ?? '',
    readable ? '' : 'not readable',
  ])
  if (rows.length > 0) console.log(renderTable(['', 'File system', 'Size', 'Label', ''], rows))
  if (!volumes.some(({ readable }) => readable))
    console.error(`vivarium: ${disk}: The disk holds no file system that can be read.`)
}

async function printFolder(
  inside: Inside,
  volumes: readonly InsideVolume[],
  text: string,
  { recursive, json }: LsOptions,
): Promise<void> {
  const asked = parseInsidePath(text, volumes)
  const volume = asked.volume ?? (await onlyVolume(inside.path, Promise.resolve(volumes)))
  const entries: (InsideEntry & { path: string })[] = []
  const problems = new Set<string>()
  const folders = [asked.path]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const listing = await inside.list(volume, folder)
    for (const problem of listing.problems) problems.add(problem)
    for (const entry of listing.entries) entries.push({ path: join(folder, entry.name), ...entry })
    if (!recursive) break
    const below = listing.entries.filter(({ kind }) => kind === 'folder')
    folders.push(...below.map(({ name }) => join(folder, name)).reverse())
  }
  if (json) {
    printJson({ volume, path: `/${asked.path}`, entries, problems: [...problems] })
    return
  }
  for (const problem of problems) console.error(`vivarium: ${problem}`)
  // An empty answer is none: what it means is told beside the list.
  if (entries.length === 0 && problems.size === 0)
    console.error(`vivarium: The ${asked.path === '' ? 'volume' : 'folder'} is empty.`)
  if (entries.length > 0)
    console.log(
      renderTable(
        ['Size', 'Modified', 'Name'],
        entries.map((entry) => rowOf(entry, recursive)),
      ),
    )
}

const SIGNS = { file: '', folder: '/', link: ' -> ', other: ' (no plain file)' } as const

function rowOf(entry: InsideEntry & { path: string }, recursive = false): string[] {
  const name = printable(recursive ? entry.path : entry.name)
  return [
    entry.kind === 'file' ? formatSize(entry.sizeBytes) : '',
    (entry.modified ?? '').replace('T', ' ').replace('Z', ' UTC'),
    `${name}${SIGNS[entry.kind]}${entry.kind === 'link' ? printable(entry.target ?? '(unknown)') : ''}`,
  ]
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

/** A name on a hostile disk must not steer the terminal. */
function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd')
}
