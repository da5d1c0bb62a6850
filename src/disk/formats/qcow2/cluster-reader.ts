import type { VivariumError } from '../../../base/index.ts'
import type { Run } from '../../format.ts'
import { corrupt } from './damage.ts'
import type { Layout } from './dimensions.ts'
import { type EntryKind, kindOf, offsetOf } from './entries.ts'
import type { HostFile } from './host-file.ts'
import type { Mapping } from './mapping.ts'
import type { Packed } from './packed.ts'

/** The guest's clusters as the tables say they are: where each one lies, or what else it reads as. */
export class ClusterReader {
  readonly #host: HostFile
  readonly #layout: Layout
  readonly #mapping: Mapping
  readonly #packed: Packed
  readonly #absentKind: 'zero' | 'below'

  constructor(host: HostFile, layout: Layout, mapping: Mapping, packed: Packed) {
    this.#host = host
    this.#layout = layout
    this.#mapping = mapping
    this.#packed = packed
    this.#absentKind = layout.hasBacking ? 'below' : 'zero'
  }

  locate(offset: number, length: number, into: Run): void {
    const { clusterSize } = this.#layout
    const cluster = Math.floor(offset / clusterSize)
    const inCluster = offset - cluster * clusterSize
    const kind = this.find(cluster)
    const end = Math.ceil((offset + length) / clusterSize)
    if (kind === 'data') {
      const start = this.dataAt(cluster)
      const inFile = this.#host.size - (start + inCluster)
      into.at = start + inCluster
      into.kind = inFile > 0 ? 'data' : 'zero'
      into.length =
        inFile > 0
          ? Math.min(length, inFile, this.#dataEnd(cluster, end, start) - offset)
          : Math.min(length, clusterSize - inCluster)
      return
    }
    into.kind = kind === 'absent' ? this.#absentKind : kind
    into.at = 0
    into.length = Math.min(length, this.#endOf(kind, cluster, end) * clusterSize - offset)
  }

  /** Looks a cluster up; its entry is then in `mapping`. */
  find(cluster: number): EntryKind {
    this.#mapping.find(cluster)
    const { high, low } = this.#mapping
    const kind = kindOf(high, low)
    // Version 2 has no such flag; QEMU takes an image with it for damaged, too.
    if (kind === 'zero' && this.#layout.version === 2) throw this.#damagedEntry(cluster)
    return kind
  }

  /** Where the file keeps the cluster that was just found. */
  dataAt(cluster: number): number {
    const at = offsetOf(this.#mapping.high, this.#mapping.low)
    if (at % this.#layout.clusterSize === 0 && at < this.#host.size) return at
    throw this.#damagedEntry(cluster)
  }

  #damagedEntry(cluster: number): VivariumError {
    const { high, low } = this.#mapping
    return corrupt(
      this.#host.store,
      'qcow2-cluster-outside-file',
      `Cluster ${cluster} should lie at byte ${offsetOf(high, low)}, which is no cluster of the file of ${this.#host.size} bytes.`,
      { offset: offsetOf(high, low), field: 'L2 table' },
    )
  }

  /** The guest byte up to which clusters follow each other in the file as they do in the guest. */
  #dataEnd(cluster: number, end: number, start: number): number {
    const { clusterSize, l2Entries } = this.#layout
    const tableEnd = Math.min(end, (Math.floor(cluster / l2Entries) + 1) * l2Entries)
    let next = cluster + 1
    for (; next < tableEnd; next++) {
      const expected = start + (next - cluster) * clusterSize
      if (this.find(next) !== 'data' || offsetOf(this.#mapping.high, this.#mapping.low) !== expected) break
    }
    return next * clusterSize
  }

  /** The first cluster behind `cluster` that is of another kind, as far as is cheap to tell. */
  #endOf(kind: EntryKind, cluster: number, end: number): number {
    if (kind === 'packed') return cluster + 1
    const { l2Entries } = this.#layout
    if (kind === 'absent') {
      const next = this.#mapping.skipMissing(cluster, end)
      if (next > cluster) return next
    }
    const tableEnd = Math.min(end, (Math.floor(cluster / l2Entries) + 1) * l2Entries)
    let next = cluster + 1
    while (next < tableEnd && this.find(next) === kind) next++
    return next
  }

  unpack(offset: number, into: Uint8Array): void {
    const cluster = Math.floor(offset / this.#layout.clusterSize)
    const inCluster = offset - cluster * this.#layout.clusterSize
    this.#mapping.find(cluster)
    const bytes = this.#packed.read(cluster, this.#mapping.high, this.#mapping.low)
    into.set(bytes.subarray(inCluster, inCluster + into.length))
  }

  /** What this file says of the cluster; undefined = zeroes, or nothing. */
  content(cluster: number): Uint8Array<ArrayBuffer> | undefined {
    const kind = this.find(cluster)
    if (kind === 'packed') return this.#packed.read(cluster, this.#mapping.high, this.#mapping.low).slice()
    if (kind !== 'data') return undefined
    const bytes = new Uint8Array(this.#layout.clusterSize)
    this.#host.read(this.dataAt(cluster), bytes)
    return bytes
  }
}
