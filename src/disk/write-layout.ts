import { type ByteStore, MiB, VivariumError } from '../base/index.ts'
import type { DiskSource, ImageLayout, LaidFile } from './layout.ts'

const PIECE_BYTES = 4 * MiB

/**
 * Writes a laid-out file into an empty store, from its first byte to its last, and flushes it. Zeroes are left out:
 * they are holes where the store can have them. The plain way, for images in memory and small new ones.
 * @throws VivariumError kind `corrupt` when the source cannot be read; what the store throws when the disk is full.
 */
export function writeLayout(file: LaidFile, source: DiskSource, store: ByteStore): void {
  if (store.size() > 0)
    throw new VivariumError('invalid', 'store-not-empty', 'A new image is written into an empty file only.', {
      where: { path: store.name },
    })
  let at = 0
  let buffer: Uint8Array | undefined
  for (const segment of file.segments()) {
    if (segment.kind === 'bytes') {
      store.write(at, segment.bytes)
      at += segment.bytes.length
      continue
    }
    if (segment.kind === 'guest') {
      buffer ??= new Uint8Array(PIECE_BYTES)
      copyGuest(source, segment, store, at, buffer)
    }
    at += segment.length
  }
  if (store.size() < at) store.truncate(at)
  store.flush()
}

function copyGuest(
  source: DiskSource,
  { offset, length }: { readonly offset: number; readonly length: number },
  store: ByteStore,
  at: number,
  buffer: Uint8Array,
): void {
  for (let done = 0; done < length; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, length - done))
    source.read(offset + done, piece)
    store.write(at + done, piece)
  }
}

/** The one file of an image that can only have one. */
export function onlyFile({ files: [file, ...others] }: ImageLayout): LaidFile {
  if (file !== undefined && others.length === 0) return file
  throw new VivariumError('unsupported', 'layout-several-files', 'The image consists of several files.', {
    next: 'Choose a kind of image that is one file.',
  })
}
