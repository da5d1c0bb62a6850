import { VivariumError } from '../../../base/index.ts'
import { openDiskLayers, openFileStore } from '../../../system/index.ts'
import type { DiskLayers } from '../../engine.ts'
import type { Medium } from './guest-disk.ts'

/** The sizes of floppies that PCs had; v86 knows these and some odd ones between. */
const FLOPPY_SIZES = [160, 180, 320, 360, 640, 720, 1200, 1440, 1680, 2880].map(
  (kilobytes) => kilobytes * 1024,
)

/** A virtual disk. A read-only one refuses the guest's writes as a failure of the host. @throws VivariumError. */
export function openDiskMedium(layers: DiskLayers): Medium {
  const disk = openDiskLayers(layers)
  return {
    path: layers.layers[0]!,
    sizeBytes: disk.sizeBytes,
    writable: layers.writable,
    read: (offset, into) => disk.read(offset, into),
    write: (offset, from) => disk.write(offset, from),
    flush: () => disk.flush(),
    close: () => disk.close(),
  }
}

/** An ISO image, read where it lies. @throws VivariumError. */
export function openCdMedium(path: string): Medium {
  const store = openFileStore(path)
  return {
    path,
    sizeBytes: store.size(),
    writable: false,
    read: (offset, into) => store.read(offset, into),
    write: (offset, from) => store.write(offset, from),
    flush: () => {},
    close: () => store.close(),
  }
}

/**
 * A floppy image, written where it lies. An image that was cut short counts as the next larger floppy and reads
 * as zeroes past its end. @throws VivariumError; kind `unsupported` for a size that no floppy had.
 */
export function openFloppyMedium(path: string, writable: boolean): Medium {
  const store = openFileStore(path, { writable })
  const stored = store.size()
  const sizeBytes = FLOPPY_SIZES.find((size) => stored <= size)
  if (sizeBytes === undefined || stored === 0) {
    store.close()
    throw new VivariumError(
      'unsupported',
      'floppy-size-unknown',
      `The floppy image has ${stored} bytes; a floppy has at most ${FLOPPY_SIZES.at(-1)}.`,
      { where: { path }, next: 'Name the image of a floppy disk.' },
    )
  }
  return {
    path,
    sizeBytes,
    writable,
    read(offset, into) {
      const length = Math.max(0, Math.min(into.length, store.size() - offset))
      store.read(offset, into.subarray(0, length))
      into.fill(0, length)
    },
    write: (offset, from) => store.write(offset, from),
    flush: () => store.flush(),
    close: () => store.close(),
  }
}
