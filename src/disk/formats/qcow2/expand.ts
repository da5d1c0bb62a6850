import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { requireLarger, writeZeroes } from '../../expand.ts'
import { isCopied, kindOf, offsetOf } from './entries.ts'
import { SIZE_FIELD, V2_HEADER_BYTES, withLargerDisk } from './header.ts'
import { HostFile } from './host-file.ts'
import { Mapping } from './mapping.ts'
import { shapeOf } from './new-image.ts'
import { type Parsed, parse } from './parsed-image.ts'
import type { Allocation, Refcounts } from './refcounts.ts'
import { prepareToWrite } from './writing.ts'

/** The header's fields up to the autoclear bits, from the size on. */
const V3_FIELDS_END = 96

/**
 * Makes an image larger in its file. The L1 table grows within its clusters or moves; then one sector of the header
 * changes, which holds the size and where that table is. A failure before that leaves the old disk, with at worst
 * some wasted clusters. False for a damaged image; for one with a backing file, which may be longer than it and
 * would come to light; and where entries behind the old end are not empty.
 * @throws VivariumError kind `invalid` for a size that is smaller or impossible, `unsupported` for an image of
 * version 2 with snapshots, which do not record their size.
 */
export function expandQcow2(store: ByteStore, sizeBytes: number): boolean {
  const parsed = parse(store)
  const { header, layout, snapshots } = parsed
  requireLarger(store, layout.sizeBytes, sizeBytes)
  const { clusterSize, version, refcountBits } = layout
  const shape = shapeOf({ sizeBytes, clusterSize, version, refcountBits }, store.name)
  if (version === 2 && header.snapshots > 0) throw hasSnapshots(store)
  if (layout.hasBacking || snapshots === undefined || header.sizeBytes !== layout.sizeBytes) return false
  if (sizeBytes === layout.sizeBytes) return true
  const host = new HostFile(store, clusterSize)
  const mapping = new Mapping(host, layout)
  const refcounts = refcountsOf(parsed, host, mapping)
  if (refcounts === undefined) return false
  const l1Entries = Math.max(header.l1Entries, Math.ceil(shape.sizeBytes / (clusterSize * layout.l2Entries)))
  if (!isEmptyBehind(parsed, host, mapping) || !clearLastCluster(parsed, host, mapping)) return false
  const l1Offset = growL1(parsed, host, refcounts, l1Entries)
  if (l1Offset === undefined) return false
  const fields = new Uint8Array((version === 2 ? V2_HEADER_BYTES : V3_FIELDS_END) - SIZE_FIELD)
  store.read(SIZE_FIELD, fields)
  store.write(SIZE_FIELD, withLargerDisk(fields, { version, sizeBytes, l1Entries, l1Offset }))
  store.flush()
  if (l1Offset !== header.l1Offset) {
    for (const cluster of clustersOfL1(parsed)) refcounts.release(cluster)
    refcounts.settle()
    store.flush()
  }
  return true
}

function hasSnapshots(store: ByteStore): VivariumError {
  return new VivariumError(
    'unsupported',
    'qcow2-snapshots-without-size',
    'The image is of version 2 and has snapshots, which would be of an unknown size then.',
    {
      where: { path: store.name, field: 'snapshots' },
      next: 'Delete the snapshots, or bring the image to version 3: qemu-img amend -o compat=1.1.',
    },
  )
}

/** Undefined for an image that must not be written to. */
function refcountsOf(parsed: Parsed, host: HostFile, mapping: Mapping): Refcounts | undefined {
  try {
    return prepareToWrite(parsed, host, mapping).refcounts
  } catch (error) {
    if (error instanceof VivariumError && error.kind === 'corrupt') return undefined
    throw error
  }
}

function* clustersOfL1({ header, layout }: Parsed): Generator<number> {
  const first = header.l1Offset / layout.clusterSize
  const count = Math.ceil((header.l1Entries * 8) / layout.clusterSize)
  for (let cluster = first; cluster < first + count; cluster++) yield cluster
}

/** A disk that was once larger may have left entries behind its end, in L1 and in the last L2 table. */
function isEmptyBehind({ header, layout }: Parsed, host: HostFile, mapping: Mapping): boolean {
  const rest = new Uint8Array((header.l1Entries - layout.l1Entries) * 8)
  host.read(header.l1Offset + layout.l1Entries * 8, rest)
  if (rest.some((value) => value !== 0)) return false
  const clusters = Math.ceil(layout.sizeBytes / layout.clusterSize)
  for (let cluster = clusters; cluster % layout.l2Entries !== 0; cluster++) {
    mapping.find(cluster)
    if (mapping.high !== 0 || mapping.low !== 0) return false
  }
  return true
}

/** What the last cluster holds behind the end of the disk comes to light; in a compressed one it cannot be changed. */
function clearLastCluster({ layout }: Parsed, host: HostFile, mapping: Mapping): boolean {
  const used = layout.sizeBytes % layout.clusterSize
  if (used === 0) return true
  mapping.find(Math.floor(layout.sizeBytes / layout.clusterSize))
  const kind = kindOf(mapping.high, mapping.low)
  // Compressed, or a snapshot's too.
  if (kind === 'packed' || (kind === 'data' && !isCopied(mapping.high))) return false
  if (kind !== 'data') return true
  const at = offsetOf(mapping.high, mapping.low) + used
  const inFile = Math.min(layout.clusterSize - used, host.size - at)
  if (inFile <= 0) return true
  writeZeroes(host.store, at, inFile)
  host.store.flush()
  return true
}

/** Where the longer table is once it is on stable storage with its refcounts; undefined = there is no place. */
function growL1(parsed: Parsed, host: HostFile, refcounts: Refcounts, l1Entries: number): number | undefined {
  const { header, layout } = parsed
  const { clusterSize } = layout
  const oldBytes = header.l1Entries * 8
  const wanted = Math.ceil((l1Entries * 8) / clusterSize)
  const old = Math.ceil(oldBytes / clusterSize)
  if (wanted <= old) {
    const added = l1Entries * 8 - oldBytes
    if (added > 0) writeZeroes(host.store, header.l1Offset + oldBytes, added)
    host.store.flush()
    return header.l1Offset
  }
  // Each refcount block takes a place among the clusters it counts, so longer runs may not be found.
  if (wanted > (clusterSize * 8) / layout.refcountBits / 2) return undefined
  const { at } = allocateRun(refcounts, wanted)
  const table = new Uint8Array(wanted * clusterSize)
  host.read(header.l1Offset, table.subarray(0, oldBytes))
  host.write(at, table)
  host.pad()
  refcounts.writeBlocks()
  host.store.flush()
  if (refcounts.hasNewBlocks) {
    refcounts.writeTable()
    host.store.flush()
  }
  return at
}

/** That many clusters in a row; shorter gaps on the way stay free. */
function allocateRun(refcounts: Refcounts, clusters: number): Allocation {
  const short: Allocation[] = []
  for (;;) {
    const allocation = refcounts.allocate(clusters)
    if (allocation.clusters === clusters) {
      for (const gap of short) refcounts.cancel(gap)
      return allocation
    }
    short.push(allocation)
  }
}
