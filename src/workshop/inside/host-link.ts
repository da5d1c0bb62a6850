import { lstatSync, lutimesSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, relative, sep } from 'node:path'

export interface WantedLink {
  /** Where it is to be on this host. */
  readonly place: string
  /** As the volume has it. */
  readonly path: string
  readonly target: string
  readonly modified?: string | undefined
}

/**
 * Windows keeps links for those who may make them, FAT and many shares have none, and not every target is one here.
 */
const REFUSALS = ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOENT', 'ENAMETOOLONG']

/**
 * Makes a symbolic link with the target as it is; where that leads does not matter, for nobody follows it here.
 * @param root The folder that it must lie in, itself none of the volume's making.
 * @returns Whether it is there now; not where this host takes none, or its place is taken.
 */
export function makeLink(root: string, { place, target, modified }: WantedLink): boolean {
  if (!isFolderWithin(root, dirname(place))) return false
  if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) return false
  try {
    symlinkSync(target, place)
  } catch (error) {
    if (REFUSALS.includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
  const time = timeOf(modified)
  if (time !== undefined) lutimesSync(place, time, time)
  return true
}

/** A folder all the way from the root; what is missing is made. A link on the way, made before, is none. */
function isFolderWithin(root: string, folder: string): boolean {
  let at = root
  for (const part of relative(root, folder).split(sep)) {
    if (part === '') continue
    at += sep + part
    const there = lstatSync(at, { throwIfNoEntry: false })
    if (there === undefined) mkdirSync(at)
    else if (!there.isDirectory()) return false
  }
  return true
}

/** What is no time, or none that a host's file can have, is left out. */
export function timeOf(modified: string | undefined): Date | undefined {
  const time = new Date(modified ?? '')
  return Number.isNaN(time.getTime()) ? undefined : time
}
