import {
  type DiskFormat,
  diskFormats,
  emptySource,
  type LayoutOptions,
  onlyFile,
  openDiskChain,
  type ReadImageOptions,
  readImage,
  reportOnDisk,
  writeLayout,
} from '../../src/disk/index.ts'
import type { Subject } from './exercise.ts'
import { type PagedStore, pagedStore } from './pages.ts'

export interface Sample {
  readonly name: string
  readonly store: PagedStore
  /** Ranges of the file that are read before any data is: its structures. */
  readonly structures: readonly { at: number; length: number }[]
  readonly subject: Subject
}

const MiB = 1 << 20
/** Several blocks of every format, the last one cut short. */
const SIZE = 5 * MiB + 512 * 24
const FLOPPY_SIZE = 1440 << 10

/** A small image of every kind that the format can be, with some data in it. */
export function samplesOf(name: string): Sample[] {
  const format = diskFormats.find((each) => each.name === name)
  if (format?.layout === undefined || format.subformats === undefined)
    throw new Error(`there is no format "${name}" to make samples of`)
  const kinds = format.subformats.filter(({ severalFiles }) => severalFiles !== true).map((each) => each.name)
  const base = make(format, kinds.find((kind) => kind !== 'differencing')!, [])
  return kinds.map((kind) => make(format, kind, kind === 'differencing' ? [base.store] : []))
}

function make(format: DiskFormat, subformat: string, parents: readonly PagedStore[]): Sample {
  const store = pagedStore(`${subformat}.${format.name}`)
  const options = layoutOptions(format, subformat, store.name, parents)
  const sizeBytes = subformat === 'floppy' ? FLOPPY_SIZE : SIZE
  const source = emptySource(sizeBytes, parents.length > 0 ? 'below' : 'zero')
  writeLayout(onlyFile(format.layout!(source, options)), source, store)
  const image: ReadImageOptions = { format: format.name }
  fill(store, parents, image)
  store.keep()
  const subject: Subject = { format, store, parents, options: image }
  return { name: `${format.name} ${subformat}`, store, subject, structures: structuresOf(subject, store) }
}

function layoutOptions(
  format: DiskFormat,
  subformat: string,
  name: string,
  [parent]: readonly PagedStore[],
): LayoutOptions {
  if (parent === undefined) return { subformat, name }
  const { id, diskId, stamp, sizeBytes } = readImage(parent, { format: format.name }).facts
  return {
    subformat,
    name,
    parent: {
      format: format.name,
      sizeBytes,
      relativePath: `.\\${parent.name}`,
      absolutePath: `/disks/${parent.name}`,
      ...(id !== undefined && { id }),
      ...(diskId !== undefined && { diskId }),
      ...(stamp !== undefined && { stamp }),
    },
  }
}

/** Data in the first, a middle and the last block, and a partition table, so that contents are read too. */
function fill(store: PagedStore, parents: readonly PagedStore[], image: ReadImageOptions): void {
  if (readImage(store, image).facts.subformat === 'streamOptimized') return
  const disk = openDiskChain([store, ...parents], [image], { writable: true })
  const table = new Uint8Array(512)
  table.set([0x80, 1, 1, 0, 6, 254, 63, 10, 63, 0, 0, 0, 0, 32, 0, 0], 446)
  table.set([0x55, 0xaa], 510)
  disk.write(0, table)
  disk.write(63 * 512, new Uint8Array(2048).fill(0x11))
  disk.write(Math.min(3 * MiB, disk.sizeBytes / 2) - 1024, new Uint8Array(4096).fill(0x22))
  disk.write(disk.sizeBytes - 4096, new Uint8Array(4096).fill(0x33))
  disk.close()
}

function structuresOf({ format, options, parents }: Subject, store: PagedStore): Sample['structures'] {
  store.watch()
  const image = format.read(store, options.surroundings)
  const openDisk = () => openDiskChain([store, ...parents], [options])
  reportOnDisk({ path: store.name, fileSize: store.size(), image, chain: [], chainProblems: [], openDisk })
  const disk = openDiskChain([store, ...parents], [options])
  for (const _ of disk.extents(0, disk.sizeBytes));
  return store.watch()
}
