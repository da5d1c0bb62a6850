import { accessSync, constants } from 'node:fs'
import { basename, dirname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import {
  type Disk,
  type DiskFormat,
  diskFormats,
  extentNames,
  type ImageFacts,
  type LayoutOptions,
  type LayoutParent,
  type ParentReference,
} from '../disk/index.ts'
import { childrenOf } from '../system/disk-children.ts'
import { demandNotProtected, openDiskStore, readOptionsFor } from '../system/disk-files.ts'
import { claimDiskFiles, type DiskClaim } from '../system/disk-locks.ts'
import { siblingPath } from '../system/disk-surroundings.ts'
import { layersOf, layoutParentOf, openDiskLayers, resolveChain, systemError } from '../system/index.ts'
import { requireFile } from './files.ts'
import type { OperationControl } from './operation.ts'

/** A disk that an operation is about to write anew: nobody else writes to it, nor to what it relies on. */
export interface ClaimedDisk {
  /** Real. */
  readonly path: string
  readonly folder: string
  readonly format: DiskFormat
  readonly facts: ImageFacts
  /** Its files, topmost first. */
  readonly layers: readonly string[]
  /** The files of an image of several that the topmost one names; claimed as it is. */
  readonly extents: readonly string[]
  /** What the guest sees: the disk with all its parents. Read-only. */
  readonly disk: Disk
  /** What the parent shows alone. */
  readonly below: Disk | undefined
  /** Disks that rely on it, as far as they are known. */
  readonly children: readonly string[]
  release(): void
}

export interface ClaimDiskOptions {
  /** The disk may hold snapshots: it is changed in its file, which keeps them. */
  readonly withSnapshots?: boolean
}

/**
 * @throws VivariumError kind `busy`, code `disk-in-use`; `conflict`, code `disk-in-saved-state`, `merge-not-ended` ...; what is wrong with
 * the chain or the file.
 */
export function claimDisk(
  file: string,
  control: OperationControl,
  { withSnapshots = false }: ClaimDiskOptions = {},
): ClaimedDisk {
  const { roots, searchFolders = [] } = control
  const path = requireFile(file, control)
  requireWritable(path)
  const chain = resolveChain(path, { roots, searchFolders })
  const layers = layersOf(chain)
  const claims: DiskClaim[] = []
  const disks: Disk[] = []
  const release = () => {
    for (const disk of disks.splice(0)) disk.close()
    for (const claim of claims.splice(0)) claim.release()
  }
  try {
    claims.push(
      claimDiskFiles(layers.map((layer, index) => ({ path: layer, mode: index === 0 ? 'w' : 'r' }))),
    )
    // What was read before the claim may have changed until it was there.
    const facts = resolveChain(path, { roots, searchFolders }).layers[0]!.facts
    demandFree(path, facts)
    if (!withSnapshots) demandNoSnapshots(path, facts)
    const extents = extentFilesOf(path, facts, roots)
    if (extents.length > 0)
      claims.push(claimDiskFiles(extents.map((extent) => ({ path: extent, mode: 'w' }))))
    for (const extent of extents) requireWritable(extent)
    tellBitmaps(facts, control)
    const open = (files: readonly string[], images = files.map(readOptionsFor)) => {
      const disk = openDiskLayers({ layers: files, writable: false }, { lock: false, roots, images })
      disks.push(disk)
      return disk
    }
    return {
      path,
      folder: dirname(path),
      format: diskFormats.find(({ name }) => name === facts.format)!,
      facts,
      layers,
      extents,
      disk: open(layers),
      below: layers.length > 1 ? openBelow(open, layers, facts.parent) : undefined,
      children: childrenOf(path, facts, searchFolders),
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

/** The files that it names besides itself; each of them once. */
function extentFilesOf(path: string, { format }: ImageFacts, roots: readonly string[]): string[] {
  if (format !== 'vmdk') return []
  const store = openDiskStore(path, false)
  try {
    return [...new Set(extentNames(store).map((name) => siblingPath(path, name, roots)))]
  } finally {
    store.close()
  }
}

/** Taking its place asks for a right to the folder only: a disk that is protected stays as it is. */
function requireWritable(path: string): void {
  try {
    demandNotProtected(path)
    accessSync(path, constants.W_OK)
  } catch (error) {
    throw systemError(error, path)
  }
}

type Open = (files: readonly string[], images?: ReturnType<typeof readOptionsFor>[]) => Disk

/** The parent is what its child says it is, when it is opened alone too. */
function openBelow(open: Open, layers: readonly string[], parent: ParentReference | undefined): Disk {
  const [first, ...rest] = layers.slice(1).map(readOptionsFor)
  const known = parent?.format === undefined ? first : { ...first, format: parent.format }
  return open(layers.slice(1), [{ ...known }, ...rest])
}

function demandFree(path: string, { inSavedState }: ImageFacts): void {
  if (inSavedState)
    throw new VivariumError(
      'conflict',
      'disk-in-saved-state',
      'A saved state of a machine depends on this disk.',
      {
        where: { path },
        next: 'Shut the machine down in its old product, or discard the saved state, first.',
      },
    )
}

/** Written anew, a disk is its active state alone. @throws VivariumError kind `unsupported`, code `disk-has-snapshots`. */
export function demandNoSnapshots(path: string, { problems }: ImageFacts): void {
  const snapshots = problems.find(({ code }) => SNAPSHOT_PROBLEMS.has(code))
  if (snapshots !== undefined)
    throw new VivariumError('unsupported', 'disk-has-snapshots', `${snapshots.message} They would be lost.`, {
      where: { path },
      next: 'Delete the snapshots first, or convert the disk to a new one.',
    })
}

/** Bitmaps of a backup program do not survive: neither a new file in the old one's place, nor a change in it. */
export function tellBitmaps({ problems }: ImageFacts, control: Pick<OperationControl, 'note'>): void {
  const bitmaps = problems.find(({ code }) => code === 'qcow2-has-bitmaps')
  if (bitmaps !== undefined) control.note(bitmaps)
}

/** A table of snapshots that cannot be read may be mended; the disk written anew has none. */
const SNAPSHOT_PROBLEMS = new Set(['qcow2-has-snapshots', 'qcow2-snapshots-damaged'])

/** How the disk would be laid out as what it is: with its kind, its identity and its parent. */
export function sameLayout({ path, folder, facts, layers }: ClaimedDisk): LayoutOptions {
  const { subformat, id, diskId, stamp, geometry, blockSize, sectorSize, parent, details } = facts
  return {
    subformat,
    name: basename(path),
    ...(id !== undefined && { id }),
    ...(diskId !== undefined && { diskId }),
    ...(stamp !== undefined && { stamp }),
    ...(geometry && { geometry }),
    ...(blockSize !== undefined && { blockSize }),
    ...(sectorSize !== undefined && { sectorSize }),
    ...(details && { details }),
    ...(parent && { parent: sameParent(layoutParentOf(layers[1]!, folder), parent) }),
  }
}

/** As it was recorded: a stamp that does not fit any more goes on saying so. */
function sameParent(found: LayoutParent, { id, stamp, names }: ParentReference): LayoutParent {
  const recorded = (kind: 'relative' | 'absolute') => names.find((name) => name.kind === kind)?.text
  return {
    ...found,
    ...(id !== undefined && { id }),
    stamp,
    relativePath: recorded('relative') ?? found.relativePath,
    absolutePath: recorded('absolute') ?? found.absolutePath,
  }
}
