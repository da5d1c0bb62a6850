import fc from 'fast-check'
import type { ByteStore } from '../base/index.ts'
import type { Disk } from './disk.ts'
import { createVhd } from './formats/vhd/create.ts'
import type { DiskSource, LaidFile, LayoutParent } from './layout.ts'
import { openDiskChain, readImage } from './open.ts'
import { memoryStore } from './testing.ts'
import { writeLayout } from './write-layout.ts'

/** For the tests of layouts: disks with random content, and what every list must keep to. */

export interface Stretch {
  readonly sector: number
  readonly sectors: number
  /** 0: zeroes, written as data. */
  readonly value: number
}

export function stretches(diskSectors: number, maxSectors: number, maxLength = 10): fc.Arbitrary<Stretch[]> {
  return fc.array(
    fc.record({
      sector: fc.nat(diskSectors - 1),
      sectors: fc.integer({ min: 1, max: maxSectors }),
      value: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
    }),
    { maxLength },
  )
}

/** Dynamic VHDs in memory, the last list's on top; blocks of 4 KiB. Each stretch is written, zeroes too. */
export function chainOf(sizeBytes: number, layers: readonly (readonly Stretch[])[]): ByteStore[] {
  let stores: ByteStore[] = []
  for (const content of layers) {
    const store = memoryStore(undefined, `layer-${stores.length}.vhd`)
    const below = stores[0] && readImage(stores[0]).facts
    createVhd(store, {
      type: below ? 'differencing' : 'dynamic',
      sizeBytes,
      blockSize: 4096,
      ...(below && { parent: { id: below.id!, stamp: below.stamp!, absolutePath: `/${stores[0]!.name}` } }),
    })
    stores = [store, ...stores]
    const disk = openDiskChain(stores, [], { writable: true })
    for (const { sector, sectors, value } of content) {
      const length = Math.min(sectors * 512, sizeBytes - sector * 512)
      disk.write(sector * 512, new Uint8Array(length).fill(value))
    }
    disk.close()
  }
  return stores
}

export function parentOf(store: ByteStore): LayoutParent {
  const { id, diskId, stamp, format, sizeBytes, sectorSize, geometry } = readImage(store).facts
  return {
    ...{ format, sizeBytes, relativePath: `.\\${store.name}`, absolutePath: `/disks/${store.name}` },
    ...(id !== undefined && { id }),
    ...(diskId !== undefined && { diskId }),
    ...(sectorSize !== undefined && { sectorSize }),
    ...(stamp !== undefined && { stamp }),
    ...(geometry !== undefined && { geometry }),
  }
}

/** Writes the file into the store, and checks the list: its sum, its ranges, and that it is the same twice. */
export function writeChecked<Store extends ByteStore>(
  file: LaidFile,
  source: DiskSource,
  store: Store,
): Store {
  const first = digestOf(file, source)
  writeLayout(file, source, store)
  demand(store.size() === first.total, 'the file is as long as its list')
  demand((file.sizeBytes ?? first.total) === first.total, 'the size is that of the list')
  const again = digestOf(file, source)
  demand(
    again.sum === first.sum && again.total === first.total,
    'the list is the same when it is asked for again',
  )
  return store
}

function demand(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

/** A checksum of the list, without keeping it. @throws Error for a range that may not be. */
export function digestOf(
  file: LaidFile,
  source: DiskSource,
): { total: number; sum: number; longest: number } {
  let total = 0
  let sum = 0
  let longest = 0
  let guestAt = 0
  for (const segment of file.segments()) {
    const length = segment.kind === 'bytes' ? segment.bytes.length : segment.length
    demand(length > 0, 'no empty segments')
    if (segment.kind === 'guest') {
      demand(segment.offset >= guestAt, 'guest ranges are in order and apart')
      guestAt = segment.offset + length
      demand(guestAt <= source.sizeBytes, 'guest ranges lie within the disk')
    }
    if (segment.kind === 'bytes') {
      longest = Math.max(longest, length)
      for (const value of segment.bytes) sum = (Math.imul(sum, 31) + value) >>> 0
    } else sum = (Math.imul(sum, 31) + length + (segment.kind === 'guest' ? segment.offset : 7)) >>> 0
    total += length
  }
  return { total, sum, longest }
}

export function bytesOf(disk: Disk): Uint8Array {
  const bytes = new Uint8Array(disk.sizeBytes)
  disk.read(0, bytes)
  return bytes
}
