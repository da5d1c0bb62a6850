import { basename } from 'node:path'
import { type ByteStore, VivariumError } from '../base/index.ts'
import {
  type ByteRange,
  type Disk,
  type DiskSource,
  type ImageLayout,
  type LayoutOptions,
  openDiskChain,
  quoted,
  readImage,
} from '../disk/index.ts'
import { openDiskStore } from '../system/disk-files.ts'
import { imageOptionsFor } from '../system/disk-surroundings.ts'
import type { ClaimedDisk } from './claimed-disk.ts'
import type { OperationControl } from './operation.ts'
import { partOf } from './pace.ts'
import { sameContent } from './same-content.ts'
import { writeLaidImage } from './write-image.ts'

export interface Replacement {
  readonly claimed: ClaimedDisk
  readonly layout: ImageLayout
  readonly source: DiskSource
  /** What the layout was made from. */
  readonly options: LayoutOptions
  /** Where the new image may show something else than the old one. */
  readonly free: Iterable<ByteRange>
}

/**
 * Writes the image anew beside the old one, opens it, compares the two, and puts the new one in the old one's place in
 * one step. Until then the old one is untouched.
 * @throws VivariumError kind `unsupported`, code `image-several-files`; like `writeImage`.
 */
export async function replaceImage(replacement: Replacement, control: OperationControl): Promise<void> {
  const { claimed, layout, source } = replacement
  demandOneFile(claimed, layout)
  const { progress } = partOf(control, 0.6, 1)
  await writeLaidImage(layout, source, {
    folder: claimed.folder,
    replace: 'each',
    control: partOf(control, 0, 0.6),
    *check([store]) {
      for (const at of verify(replacement, store!)) {
        progress(at / source.sizeBytes, `Comparing ${basename(claimed.path)}`)
        yield at
      }
    },
  })
  progress(1)
}

/** Several files cannot take the place of several others in one step. */
export function demandOneFile({ path }: ClaimedDisk, { files }: ImageLayout): void {
  if (files.length === 1 && files[0]!.name === basename(path)) return
  throw new VivariumError('unsupported', 'image-several-files', 'The image consists of several files.', {
    where: { path },
    next: `All of them cannot be replaced in one step. Convert it to a new image instead: vivarium disk convert ${quoted(path)} NEW, which leaves zeroes out.`,
  })
}

function* verify({ claimed, options, free, source }: Replacement, store: ByteStore): Generator<number> {
  const { path, layers, disk, facts } = claimed
  // Whoever closes a disk closes its stores; this one is closed by who made it.
  const kept: ByteStore = Object.create(store, { close: { value: () => undefined } })
  const image = readImage(kept, { format: facts.format }).facts
  if (
    image.id !== options.id ||
    image.sizeBytes !== source.sizeBytes ||
    image.parent?.id !== (options.parent && facts.parent?.id)
  )
    throw new VivariumError(
      'corrupt',
      'image-not-equal',
      'The new image has another identity; the old one was kept.',
      {
        where: { path },
        next: 'Report it: this must not be.',
      },
    )
  // One that was cut off its parents shows all by itself.
  const below = options.parent === undefined ? [] : layers.slice(1)
  const stores = below.map((layer) => openDiskStore(layer, false))
  const images = [{ format: facts.format }, ...below.map((layer) => imageOptionsFor(layer))]
  const fresh: Disk = openDiskChain([kept, ...stores], images)
  try {
    yield* sameContent(disk, fresh, free)
  } finally {
    fresh.close()
  }
}
