import { type ByteStore, type Problem, problemFrom } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { type Backing, backingOf } from './backing.ts'
import { corrupt } from './damage.ts'
import { type Layout, layoutOf } from './dimensions.ts'
import { parseExtensions } from './extensions.ts'
import { requireReadable, writingProblems } from './features.ts'
import { firstClusterBytes, type Header, MAX_BACKING_NAME_BYTES, parseHeader } from './header.ts'
import { readSnapshots, type SnapshotTable } from './snapshots.ts'

/** What was read of one file before anything was looked up in its tables. */
export interface Parsed {
  readonly store: ByteStore
  readonly header: Header
  readonly layout: Layout
  readonly hasBitmaps: boolean
  readonly bitmaps: number
  readonly backing: Backing | undefined
  /** Undefined when it is damaged; then only the active disk can be shown. */
  readonly snapshots: SnapshotTable | undefined
  readonly problems: readonly Problem[]
}

/** @throws VivariumError kind `malformed`, `corrupt` or `unsupported`. */
export function parse(store: ByteStore): Parsed {
  const start = new Uint8Array(Math.min(store.size(), SECTOR))
  store.read(0, start)
  const cluster = new Uint8Array(Math.min(store.size(), firstClusterBytes(store, start)))
  store.read(0, cluster)
  const header = parseHeader(store, cluster)
  const extensionEnd =
    header.backingOffset > 0 ? Math.min(header.backingOffset, cluster.length) : cluster.length
  const extensions = parseExtensions(store, cluster.subarray(0, extensionEnd), header.headerLength)
  requireReadable(store, header, extensions.featureNames)
  const layout = layoutOf(store, header, usableSize(store, header))
  const backing = layout.hasBacking
    ? backingOf(backingNameOf(store, header, cluster), extensions.backingFormat, store.name)
    : undefined
  const problems = [...writingProblems(store, header), ...(backing?.problems ?? [])]
  const snapshots = trySnapshots(store, header, problems)
  const { hasBitmaps, bitmaps } = extensions
  return { store, header, layout, hasBitmaps, bitmaps, backing, snapshots, problems }
}

function usableSize(store: ByteStore, { sizeBytes }: Header): number {
  const rounded = Math.ceil(sizeBytes / SECTOR) * SECTOR
  if (rounded > 0 && Number.isSafeInteger(rounded)) return rounded
  throw corrupt(store, 'qcow2-size-zero', `The header says that the disk has ${sizeBytes} bytes.`, {
    offset: 24,
    field: 'size',
  })
}

function backingNameOf(store: ByteStore, header: Header, cluster: Uint8Array): string {
  const { backingOffset: at, backingLength: length } = header
  if (length <= MAX_BACKING_NAME_BYTES && at + length <= cluster.length)
    return new TextDecoder().decode(cluster.subarray(at, at + length))
  throw corrupt(
    store,
    'qcow2-backing-name-damaged',
    `The name of the backing file (${length} bytes at byte ${at}) does not lie in the first cluster.`,
    { offset: 8, field: 'backing file' },
  )
}

/** A damaged table of snapshots leaves the active disk readable. */
function trySnapshots(store: ByteStore, header: Header, problems: Problem[]): SnapshotTable | undefined {
  try {
    return readSnapshots(store, header)
  } catch (error) {
    problems.push(problemFrom(error))
    return undefined
  }
}
