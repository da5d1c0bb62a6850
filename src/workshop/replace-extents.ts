import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { ByteStore } from '../base/index.ts'
import {
  type ByteRange,
  type DiskSource,
  type LaidExtent,
  openDiskChain,
  type Surroundings,
} from '../disk/index.ts'
import { openDiskStore } from '../system/disk-files.ts'
import { imageOptionsFor, siblingPath, surroundingsOf } from '../system/disk-surroundings.ts'
import type { ClaimedDisk } from './claimed-disk.ts'
import { union } from './equal-ranges.ts'
import type { OperationControl } from './operation.ts'
import { paceOf, partOf } from './pace.ts'
import { sameContent } from './same-content.ts'
import { writeLaidImage } from './write-image.ts'

/** One file of a disk of several: what it would be, and how many bytes it has now. */
export interface RewrittenExtent extends LaidExtent {
  /** Real. */
  readonly path: string
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/**
 * Lays out the growing files of a disk of several, each for itself; undefined for a disk in one file.
 * @throws VivariumError kind `unsupported` for extents that cannot be written anew one by one.
 */
export async function layOutExtents(
  { format, path, facts }: ClaimedDisk,
  source: DiskSource,
  control: OperationControl,
): Promise<RewrittenExtent[] | undefined> {
  if (format.layoutExtents === undefined) return undefined
  const store = openDiskStore(path, false)
  try {
    const { roots } = control
    const options = { subformat: facts.subformat, name: basename(path) }
    const unit = format.layoutUnit?.(options, source.sizeBytes)
    const pace = paceOf(control)
    for (const at of unit === undefined ? [] : source.scan(unit)) {
      control.progress(at / source.sizeBytes)
      await pace()
    }
    return format.layoutExtents(store, source, surroundingsOf(path, { roots }))?.map((laid) => {
      const real = siblingPath(path, laid.file.name, roots)
      const bytesBefore = statSync(real).size
      const bytesAfter = Math.min(bytesBefore, laid.file.sizeBytes ?? bytesBefore)
      return { ...laid, path: real, bytesBefore, bytesAfter }
    })
  } finally {
    store.close()
  }
}

/**
 * Writes those files that become smaller anew, compares what the disk shows with them, and puts one after the other in
 * the old one's place. Each shows what its old one did, so that the disk is whole whichever of them are there.
 */
export async function replaceExtents(
  claimed: ClaimedDisk,
  extents: readonly RewrittenExtent[],
  { source, free }: { readonly source: DiskSource; readonly free: Iterable<ByteRange> },
  control: OperationControl,
): Promise<void> {
  const smaller = extents.filter(({ bytesBefore, bytesAfter }) => bytesAfter < bytesBefore)
  const { progress } = partOf(control, 0.6, 1)
  const files = smaller.map(({ file, path }) => ({ ...file, name: basename(path) }))
  await writeLaidImage({ files }, source, {
    folder: claimed.folder,
    replace: 'each',
    control: partOf(control, 0, 0.6),
    *check(stores) {
      const fresh = new Map(smaller.map(({ path }, index) => [path, stores[index]!]))
      for (const at of compared(claimed, fresh, union(free, outside(smaller, source.sizeBytes)))) {
        progress(at / source.sizeBytes, `Comparing ${basename(claimed.path)}`)
        yield at
      }
    },
  })
  progress(1)
}

/** What is not written anew need not be compared. */
function* outside(extents: readonly LaidExtent[], sizeBytes: number): Generator<ByteRange> {
  let at = 0
  for (const { offset, length } of extents) {
    if (offset > at) yield { offset: at, length: offset - at }
    at = offset + length
  }
  if (at < sizeBytes) yield { offset: at, length: sizeBytes - at }
}

/** The disk with the new files in the place of the old ones, beside the disk as it is. */
function* compared(
  { path, layers, disk, facts }: ClaimedDisk,
  fresh: ReadonlyMap<string, ByteStore>,
  free: Iterable<ByteRange>,
): Generator<number> {
  const own = surroundingsOf(path, {})
  const surroundings: Surroundings = {
    ...own,
    openSibling(name, writable) {
      const store = fresh.get(siblingPath(path, name, undefined))
      // Whoever closes a disk closes its stores; these are closed by who made them.
      return store === undefined ? own.openSibling!(name, writable) : kept(store)
    },
  }
  const stores = layers.map((layer) => openDiskStore(layer, false))
  const below = layers.slice(1).map((layer) => imageOptionsFor(layer))
  const after = openDiskChain(stores, [{ format: facts.format, surroundings }, ...below])
  try {
    yield* sameContent(disk, after, free)
  } finally {
    after.close()
  }
}

function kept(store: ByteStore): ByteStore {
  return Object.create(store, { close: { value: () => undefined } })
}
