import { MiB, plural, VivariumError } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { qemuFormatOf } from './backing.ts'
import { l1EntriesFor, MAX_L1_ENTRIES, MAX_REFCOUNT_TABLE_BYTES } from './dimensions.ts'
import { formatExtensions } from './extensions.ts'
import { formatHeader, MAX_BACKING_NAME_BYTES } from './header.ts'
import type { TablePlan } from './table-plan.ts'

export const DEFAULT_CLUSTER_SIZE = 64 << 10
const MAX_CLUSTER_SIZE = 2 * MiB

export interface NewQcow2 {
  /** Capacity in bytes, a multiple of 512. */
  readonly sizeBytes: number
  /** Bytes of a cluster, a power of two from 512 to 2 MiB; 64 KiB when absent. */
  readonly clusterSize?: number
  /** The disk below; this one then stores what differs from it. */
  readonly backing?: NewBacking
  /** 3 when absent; 2 is for very old programs, and cannot hide a part of the backing file with zeroes. */
  readonly version?: 2 | 3
  /** Width of a refcount, a power of two from 1 to 64; 16 when absent, and always in version 2. */
  readonly refcountBits?: number
}

export interface NewBacking {
  /** With slashes; absolute, or relative to the folder of the new image. */
  readonly path: string
  /** Our name of its format: `raw`, `qcow2`, `vhd`. Recorded, so that nobody has to guess. */
  readonly format: string
}

/** The same with the defaults filled in. */
export type ImageShape = Required<Omit<NewQcow2, 'backing'>> & Pick<NewQcow2, 'backing'>

/** @throws VivariumError kind `invalid` for impossible sizes. */
export function shapeOf(options: NewQcow2, path: string): ImageShape {
  const { sizeBytes, clusterSize = DEFAULT_CLUSTER_SIZE, version = 3, refcountBits = 16, backing } = options
  const shape = { sizeBytes, clusterSize, version, refcountBits, ...(backing && { backing }) }
  const fail = (code: string, field: string, message: string, next: string): never => {
    throw new VivariumError('invalid', code, message, { where: { path, field }, next })
  }
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes % SECTOR !== 0)
    fail(
      'qcow2-size-invalid',
      'size',
      `A QCOW2 image cannot have ${plural(sizeBytes, 'byte')}.`,
      'Choose a positive multiple of 512 bytes.',
    )
  if (!isPowerOfTwo(clusterSize) || clusterSize < SECTOR || clusterSize > MAX_CLUSTER_SIZE)
    fail(
      'qcow2-cluster-size-invalid',
      'cluster size',
      `A cluster cannot have ${clusterSize} bytes.`,
      'Choose a power of two from 512 bytes to 2 MiB; everybody uses 64 KiB.',
    )
  if (!isPowerOfTwo(refcountBits) || refcountBits > 64 || (version === 2 && refcountBits !== 16))
    fail(
      'qcow2-refcount-width-invalid',
      'refcount bits',
      `A refcount cannot have ${refcountBits} bits in version ${version}.`,
      'Choose 16.',
    )
  if (l1EntriesFor(sizeBytes, clusterSize) > MAX_L1_ENTRIES) throw tooSmallClusters(shape, path)
  return shape
}

function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && 2 ** Math.floor(Math.log2(value)) === value
}

function tooSmallClusters({ sizeBytes, clusterSize }: ImageShape, path: string): VivariumError {
  return new VivariumError(
    'invalid',
    'qcow2-cluster-size-invalid',
    `Clusters of ${clusterSize} bytes are too small for a disk of ${sizeBytes} bytes.`,
    {
      where: { path, field: 'cluster size' },
      next: 'Choose larger clusters, of up to 2 MiB: --block-size 2M.',
    },
  )
}

/**
 * The first cluster's content: header, extensions, and the name of the backing file.
 * @throws VivariumError kind `invalid` where tables or that name would be too long.
 */
export function headerOf(shape: ImageShape, plan: TablePlan, path: string): Uint8Array<ArrayBuffer> {
  const { version, clusterSize, sizeBytes, refcountBits, backing } = shape
  if (plan.tableClusters * clusterSize > MAX_REFCOUNT_TABLE_BYTES) throw tooSmallClusters(shape, path)
  const name = new TextEncoder().encode(backing?.path ?? '')
  const header = formatHeader(
    {
      version,
      clusterBits: Math.log2(clusterSize),
      sizeBytes,
      l1Entries: plan.l1Entries,
      l1Offset: plan.l1First * clusterSize,
      refcountTableOffset: clusterSize,
      refcountTableClusters: plan.tableClusters,
      refcountBits,
    },
    formatExtensions(backing && qemuFormatOf(backing.format)),
    name,
  )
  if (backing !== undefined) checkName(backing, name.length, header.length, clusterSize, path)
  return header
}

/** Name and extensions have their place in the first cluster (specification, "Header extensions"). */
function checkName(
  backing: NewBacking,
  nameBytes: number,
  headerBytes: number,
  clusterSize: number,
  path: string,
): void {
  const fits = nameBytes <= MAX_BACKING_NAME_BYTES && headerBytes <= clusterSize
  if (fits && nameBytes > 0 && !backing.path.includes('\0')) return
  throw new VivariumError(
    'invalid',
    'qcow2-backing-name-invalid',
    `The name of the backing file has ${nameBytes} bytes; 1 to ${Math.min(MAX_BACKING_NAME_BYTES, clusterSize - headerBytes + nameBytes)} fit.`,
    { where: { path, field: 'backing file' }, next: 'Move the backing file nearer to the new one.' },
  )
}
