import { type ByteStore, VivariumError, viewOf } from '../../../base/index.ts'
import { corrupt } from './damage.ts'

/**
 * The header (QCOW2 specification, "Header"), big-endian; version 2 ends after byte 71.
 *
 *    0   4  "QFI" FB                        60   4  number of snapshots
 *    4   4  version                         64   8  offset of the snapshot table
 *    8   8  offset of the backing file name 72   8  incompatible features
 *   16   4  its length                      80   8  compatible features
 *   20   4  bits of a cluster's size        88   8  autoclear features
 *   24   8  virtual size                    96   4  refcount order: width = 1 << order
 *   32   4  encryption                     100   4  length of the header
 *   36   4  entries of the L1 table        104   1  compression type
 *   40   8  its offset
 *   48   8  offset of the refcount table
 *   56   4  its length in clusters
 */
const MAGIC = 0x5146_49fb
export const V2_HEADER_BYTES = 72
const V3_HEADER_BYTES = 104
const NEW_HEADER_BYTES = 112
export const REFCOUNT_TABLE_FIELD = 48
export const AUTOCLEAR_FIELD = 88
export const SIZE_FIELD = 24
const REFCOUNT_ORDER_V2 = 4

export const MIN_CLUSTER_BITS = 9
/** The limit of QEMU. */
export const MAX_CLUSTER_BITS = 21
export const MAX_BACKING_NAME_BYTES = 1023

export interface Header {
  readonly version: 2 | 3
  /** 0 = no backing file. */
  readonly backingOffset: number
  readonly backingLength: number
  readonly clusterBits: number
  readonly sizeBytes: number
  readonly cryptMethod: number
  readonly l1Entries: number
  readonly l1Offset: number
  readonly refcountTableOffset: number
  readonly refcountTableClusters: number
  readonly snapshots: number
  readonly snapshotsOffset: number
  readonly incompatible: bigint
  readonly autoclear: bigint
  readonly refcountBits: number
  readonly headerLength: number
  readonly compressionType: number
}

export function hasMagic(store: ByteStore): boolean {
  if (store.size() < V2_HEADER_BYTES) return false
  const bytes = new Uint8Array(8)
  store.read(0, bytes)
  const view = viewOf(bytes)
  return view.getUint32(0) === MAGIC && (view.getUint32(4) === 2 || view.getUint32(4) === 3)
}

/** How much of the file the header and its extensions may take. @param bytes The first 512. @throws VivariumError. */
export function firstClusterBytes(store: ByteStore, bytes: Uint8Array): number {
  requireMagic(store, bytes)
  return 2 ** clusterBitsAt(store, viewOf(bytes))
}

function requireMagic(store: ByteStore, bytes: Uint8Array): void {
  if (bytes.length < V2_HEADER_BYTES || viewOf(bytes).getUint32(0) !== MAGIC) {
    throw new VivariumError('malformed', 'qcow2-header-missing', 'There is no QCOW2 header ("QFI").', {
      where: { path: store.name, offset: 0 },
      next: 'It is no QCOW2 image, or its start is damaged.',
    })
  }
}

/** @param bytes The first cluster, as far as it is there. @throws VivariumError. */
export function parseHeader(store: ByteStore, bytes: Uint8Array): Header {
  requireMagic(store, bytes)
  const view = viewOf(bytes)
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) {
    throw new VivariumError(
      'unsupported',
      'qcow2-version',
      `The image is of version ${version}; 2 and 3 are known.`,
      {
        where: { path: store.name, offset: 4, field: 'version' },
        next: 'Convert it with the program that made it: qemu-img convert -O qcow2.',
      },
    )
  }
  const number = (at: number, field: string) => numberAt(store, view, at, field)
  return {
    version,
    backingOffset: number(8, 'backing file offset'),
    backingLength: view.getUint32(16),
    clusterBits: clusterBitsAt(store, view),
    sizeBytes: number(24, 'size'),
    cryptMethod: view.getUint32(32),
    l1Entries: view.getUint32(36),
    l1Offset: number(40, 'L1 table offset'),
    refcountTableOffset: number(48, 'refcount table offset'),
    refcountTableClusters: view.getUint32(56),
    snapshots: view.getUint32(60),
    snapshotsOffset: number(64, 'snapshot table offset'),
    ...(version === 2 ? VERSION_2 : version3Fields(store, view)),
  }
}

const VERSION_2 = {
  incompatible: 0n,
  autoclear: 0n,
  refcountBits: 1 << REFCOUNT_ORDER_V2,
  headerLength: V2_HEADER_BYTES,
  compressionType: 0,
} as const

function version3Fields(
  store: ByteStore,
  view: DataView,
): Pick<Header, 'incompatible' | 'autoclear' | 'refcountBits' | 'headerLength' | 'compressionType'> {
  const headerLength = view.byteLength < V3_HEADER_BYTES ? 0 : view.getUint32(100)
  if (headerLength < V3_HEADER_BYTES || headerLength % 8 !== 0 || headerLength > view.byteLength)
    throw corrupt(store, 'qcow2-header-length', `The header should have ${headerLength} bytes.`, {
      offset: 100,
      field: 'header length',
    })
  const order = view.getUint32(96)
  if (order > 6)
    throw corrupt(store, 'qcow2-refcount-width', `The refcount order is ${order}; 0 to 6 are possible.`, {
      offset: 96,
      field: 'refcount order',
    })
  return {
    incompatible: view.getBigUint64(72),
    autoclear: view.getBigUint64(AUTOCLEAR_FIELD),
    refcountBits: 1 << order,
    headerLength,
    compressionType: headerLength > 104 ? view.getUint8(104) : 0,
  }
}

function clusterBitsAt(store: ByteStore, view: DataView): number {
  const bits = view.getUint32(20)
  if (bits >= MIN_CLUSTER_BITS && bits <= MAX_CLUSTER_BITS) return bits
  throw corrupt(
    store,
    'qcow2-cluster-size',
    `A cluster has 2 to the power of ${bits} bytes; ${MIN_CLUSTER_BITS} to ${MAX_CLUSTER_BITS} are possible.`,
    { offset: 20, field: 'cluster bits' },
  )
}

function numberAt(store: ByteStore, view: DataView, at: number, field: string): number {
  const value = view.getBigUint64(at)
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw corrupt(store, 'qcow2-number-too-large', `The ${field} is 0x${value.toString(16)}.`, {
    offset: at,
    field,
  })
}

export type NewHeader = Pick<
  Header,
  | 'version'
  | 'clusterBits'
  | 'sizeBytes'
  | 'l1Entries'
  | 'l1Offset'
  | 'refcountTableOffset'
  | 'refcountTableClusters'
  | 'refcountBits'
>

/** Header, extensions, and the backing file's name behind them. */
export function formatHeader(
  header: NewHeader,
  extensions: Uint8Array,
  backingName: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const length = header.version === 2 ? V2_HEADER_BYTES : NEW_HEADER_BYTES
  const nameAt = length + extensions.length
  const bytes = new Uint8Array(nameAt + backingName.length)
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC)
  view.setUint32(4, header.version)
  view.setBigUint64(8, BigInt(backingName.length === 0 ? 0 : nameAt))
  view.setUint32(16, backingName.length)
  view.setUint32(20, header.clusterBits)
  view.setBigUint64(24, BigInt(header.sizeBytes))
  view.setUint32(36, header.l1Entries)
  view.setBigUint64(40, BigInt(header.l1Offset))
  view.setBigUint64(REFCOUNT_TABLE_FIELD, BigInt(header.refcountTableOffset))
  view.setUint32(56, header.refcountTableClusters)
  if (header.version === 3) {
    view.setUint32(96, Math.log2(header.refcountBits))
    view.setUint32(100, length)
  }
  bytes.set(extensions, length)
  bytes.set(backingName, nameAt)
  return bytes
}

/** What a larger disk changes, for byte 24 on: one sector, so that it changes together. `old` begins at byte 24. */
export function withLargerDisk(
  old: Uint8Array,
  {
    version,
    sizeBytes,
    l1Entries,
    l1Offset,
  }: Pick<Header, 'version' | 'sizeBytes' | 'l1Entries' | 'l1Offset'>,
): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(old)
  const view = viewOf(bytes)
  view.setBigUint64(0, BigInt(sizeBytes))
  view.setUint32(12, l1Entries)
  view.setBigUint64(16, BigInt(l1Offset))
  // What these bits promise (bitmaps, for one) is true of the old size only.
  if (version === 3) view.setBigUint64(AUTOCLEAR_FIELD - SIZE_FIELD, 0n)
  return bytes
}

/** Offset and length of the refcount table: 12 bytes in one sector, so that they change together. */
export function formatRefcountTableField(offset: number, clusters: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12)
  const view = viewOf(bytes)
  view.setBigUint64(0, BigInt(offset))
  view.setUint32(8, clusters)
  return bytes
}
