import { VivariumError } from '../base/index.ts'
import type { DiskFormat, DiskSource, ImageLayout, LayoutOptions } from '../disk/index.ts'
import {
  deflateWithZlib,
  type ImageFilesOptions,
  type ReplacedFiles,
  writeImageFiles,
} from '../system/index.ts'
import type { OperationControl } from './operation.ts'
import { paceOf } from './pace.ts'

/** What a new image is to be. The content is `source`, which must not change meanwhile. */
export interface NewImage {
  readonly format: DiskFormat
  readonly source: DiskSource
  /** With the file's name in it. */
  readonly layout: LayoutOptions
}

/** Looking for what has content reads little; this much of the whole it is taken for. */
const SCAN_SHARE = 0.1

/**
 * Looks through the source and lays the new image out, letting others run between. Progress goes from 0 to 1.
 * @throws VivariumError what the format's layout throws; the signal's reason when stopped.
 */
export async function layOutImage(
  { format, source, layout }: NewImage,
  control: OperationControl,
): Promise<ImageLayout> {
  const layOut = format.layout
  if (layOut === undefined)
    throw new VivariumError('unsupported', 'format-not-made', `${format.label} is read, and not made.`, {
      where: { path: layout.name },
      next: 'Choose another format.',
    })
  const pace = paceOf(control)
  const unit = format.layoutUnit?.(layout, source.sizeBytes)
  if (unit !== undefined)
    for (const at of source.scan(unit)) {
      control.progress(at / source.sizeBytes)
      await pace()
    }
  return layOut(source, { deflate: deflateWithZlib, ...layout })
}

export interface WriteImageOptions {
  /** Folder of the new image; real, and within the roots. */
  readonly folder: string
  /** Files that take the place of others; the caller holds the claim on these. */
  readonly replace?: ReplacedFiles
  readonly control: OperationControl
}

/**
 * Makes a new image: whole and durable under its name, or not at all. What a killed run left is swept away by the
 * next that makes the same file.
 * @throws VivariumError kind `conflict` when it exists; `io`, code `host-enospc`; the signal's reason when stopped.
 */
export async function writeImage(image: NewImage, options: WriteImageOptions): Promise<ImageLayout> {
  const { control } = options
  const watched = watchedSource(image.source)
  const layout = await layOutImage(
    { ...image, source: watched.source },
    { ...control, progress: (fraction) => control.progress(fraction * SCAN_SHARE) },
  )
  await writeLaidImage(layout, watched.source, {
    ...options,
    control: {
      ...control,
      progress: (fraction) => control.progress(SCAN_SHARE + fraction * (1 - SCAN_SHARE)),
    },
    progressOf: watched.fraction,
  })
  return layout
}

interface WriteLaidOptions extends WriteImageOptions, Pick<ImageFilesOptions, 'check'> {
  /** The part that is done, where the layout does not know its sizes. */
  readonly progressOf?: () => number
}

/** Writes an image that is laid out already; like `writeImage`. */
export async function writeLaidImage(
  layout: ImageLayout,
  source: DiskSource,
  { folder, replace = 'none', control, progressOf, check }: WriteLaidOptions,
): Promise<void> {
  const pace = paceOf(control)
  // Leaving the loop, by an error or because it was stopped, removes what was written.
  for (const { doneBytes, totalBytes } of writeImageFiles(folder, layout, source, {
    replace,
    ...(check && { check }),
  })) {
    if (totalBytes !== undefined) control.progress(Math.min(1, doneBytes / Math.max(1, totalBytes)))
    else if (progressOf !== undefined) control.progress(progressOf())
    await pace()
  }
  control.progress(1)
}

/** Knows how far the disk was read: it is read from its start to its end. */
function watchedSource(source: DiskSource): { source: DiskSource; fraction: () => number } {
  let readUpTo = 0
  return {
    source: {
      ...source,
      read(offset, into) {
        readUpTo = offset + into.length
        source.read(offset, into)
      },
    },
    fraction: () => readUpTo / source.sizeBytes,
  }
}
