import { statfsSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { formatGuid, formatSize, VivariumError } from '../base/index.ts'
import {
  type DiskFormat,
  type DiskSource,
  diskFormats,
  emptySource,
  type LayoutOptions,
  type LayoutParent,
  relativeLocator,
} from '../disk/index.ts'
import { factsOfFile, realPath, requireInside } from './disk-files.ts'
import { writeImageFilesNow } from './image-files.ts'
import { requireAbsent } from './new-files.ts'
import { systemError } from './system-error.ts'
import { demandFinished } from './unfinished-work.ts'

export interface NewDiskFile
  extends Pick<LayoutOptions, 'blockSize' | 'sectorSize' | 'time' | 'diskId' | 'details'> {
  /** VHD when absent. */
  readonly format?: string
  /** One of the format's. */
  readonly subformat: string
  /** Capacity in bytes; a differencing disk takes its parent's. */
  readonly sizeBytes?: number
  /** Path of the disk below a differencing one. */
  readonly parent?: string
  /** 16 bytes, or the text that the format's facts show; random when absent. */
  readonly id?: Uint8Array | string
  /** Folders that the parent must lie in; absent = anywhere. */
  readonly roots?: readonly string[]
  /** Called with the part that is done, 0 to 1. */
  readonly onProgress?: (fraction: number) => void
}

/**
 * Creates an empty disk. It appears under its name whole or not at all: it is made under another name in the same
 * folder first, and what a killed process left there is swept away by the next creation.
 * @throws VivariumError kind `conflict` when the file exists, `invalid`, `denied`, `io` (a full disk) ...
 */
export function createDiskFile(path: string, options: NewDiskFile): void {
  const folder = realPath(dirname(resolve(path)))
  const target = join(folder, basename(path))
  requireAbsent(target)
  const { layout, source, format } = planDiskFile(target, options)
  // A fixed disk is made with holes, quickly; the room it will need must be there all the same.
  if (format.name !== 'raw' && isFull(layout.subformat)) requireRoom(folder, target, source.sizeBytes)
  try {
    writeImageFilesNow(folder, layOut(format, target)(source, layout), source)
  } catch (error) {
    throw systemError(error, target)
  }
  options.onProgress?.(1)
}

interface PlannedDisk {
  readonly format: DiskFormat
  readonly layout: LayoutOptions
  readonly source: DiskSource
}

function planDiskFile(target: string, options: NewDiskFile): PlannedDisk {
  const format = formatNamed(options.format ?? 'vhd')
  const { subformat, blockSize, sectorSize, time, diskId, details, id } = options
  const { sizeBytes, parent } = dimensionsOf(target, options)
  return {
    format,
    source: emptySource(sizeBytes, parent === undefined ? 'zero' : 'below'),
    layout: {
      name: basename(target),
      subformat,
      ...(parent && { parent }),
      ...(blockSize !== undefined && { blockSize }),
      ...(sectorSize !== undefined && { sectorSize }),
      ...(time && { time }),
      ...(id !== undefined && { id: typeof id === 'string' ? id : formatGuid(id) }),
      ...(diskId !== undefined && { diskId }),
      ...(details && { details }),
    },
  }
}

/** @throws VivariumError kind `not-found`, code `no-such-format`. */
export function formatNamed(name: string): DiskFormat {
  const found = diskFormats.find((format) => format.name === name)
  if (found !== undefined) return found
  throw new VivariumError('not-found', 'no-such-format', `There is no disk format "${name}".`, {
    next: `There are: ${diskFormats.map((format) => format.name).join(', ')}.`,
  })
}

function layOut(format: DiskFormat, target: string): NonNullable<DiskFormat['layout']> {
  if (format.layout !== undefined) return format.layout
  throw new VivariumError('unsupported', 'format-not-made', `${format.label} is read, and not made.`, {
    where: { path: target },
    next: 'Choose another format.',
  })
}

/** Kinds of images that take all their room at once; they are written with holes all the same. */
function isFull(subformat: string): boolean {
  return /fixed|flat|static/i.test(subformat)
}

/** @throws VivariumError kind `io`, code `host-enospc`. */
function requireRoom(folder: string, target: string, sizeBytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize > sizeBytes) return
  throw new VivariumError(
    'io',
    'host-enospc',
    `A fixed disk of ${formatSize(sizeBytes)} does not fit: ${formatSize(bavail * bsize)} are free.`,
    { where: { path: target }, next: 'Free some space, or create a dynamic disk.' },
  )
}

function dimensionsOf(
  target: string,
  { subformat, parent: parentPath, sizeBytes, roots }: NewDiskFile,
): { readonly sizeBytes: number; readonly parent?: LayoutParent } {
  const fail = (message: string, next: string): never => {
    throw new VivariumError('invalid', 'disk-create-options', message, { where: { path: target }, next })
  }
  if (subformat !== 'differencing') {
    if (parentPath !== undefined) fail(`A ${subformat} disk has no parent.`, 'Create a differencing disk.')
    return { sizeBytes: sizeBytes ?? fail('The size is not given.', 'Name a size.') }
  }
  if (parentPath === undefined) return fail('A differencing disk needs a parent.', 'Name the disk below it.')
  const below = requireInside(realPath(parentPath), roots)
  // What is between two states now will show something else below the new disk later.
  demandFinished(below)
  const parent = layoutParentOf(below, dirname(target))
  if (sizeBytes !== undefined && sizeBytes !== parent.sizeBytes)
    fail(
      `The size would be ${sizeBytes} bytes, and the parent has ${parent.sizeBytes}.`,
      'Leave the size out.',
    )
  return { sizeBytes: parent.sizeBytes, parent }
}

/** How a new child in `folder` names its parent. Both are real paths. @throws VivariumError when it cannot be read. */
export function layoutParentOf(parentPath: string, folder: string): LayoutParent {
  const { id, diskId, stamp, geometry, sectorSize, format, sizeBytes } = factsOfFile(parentPath)
  return {
    format,
    sizeBytes,
    absolutePath: parentPath,
    relativePath: relativeLocator(segments(folder), segments(parentPath)),
    ...(id !== undefined && { id }),
    ...(diskId !== undefined && { diskId }),
    ...(stamp !== undefined && { stamp }),
    ...(sectorSize !== undefined && { sectorSize }),
    ...(geometry && { geometry }),
  }
}

function segments(path: string): string[] {
  return path.split(sep).filter((segment) => segment !== '')
}
