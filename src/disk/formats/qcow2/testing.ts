import type { MemoryStore } from '../../testing.ts'
import { COPIED, highOf, kindOf, lowOf, offsetOf } from './entries.ts'
import { parseHeader } from './header.ts'
import { readRefcount, writeRefcount } from './refcount-width.ts'

/**
 * What other programs do to an image, done by hand and by the specification: internal snapshots and compressed
 * clusters. Works on whole, closed images in memory; what it needs is put at the end of the file.
 */
class Image {
  readonly store: MemoryStore
  readonly bytes: DataView<ArrayBuffer>
  readonly clusterBits: number
  readonly clusterSize: number

  constructor(store: MemoryStore) {
    this.store = store
    this.bytes = new DataView(store.bytes().buffer)
    this.clusterBits = this.bytes.getUint32(20)
    this.clusterSize = 2 ** this.clusterBits
  }

  /** Adds to the refcount of a cluster. Its block must be there: images of tests are small. */
  refer(cluster: number, change: number): number {
    const { refcountBits, refcountTableOffset } = parseHeader(this.store, this.store.bytes())
    const perBlock = (this.clusterSize * 8) / refcountBits
    const block = Number(this.bytes.getBigUint64(refcountTableOffset + Math.floor(cluster / perBlock) * 8))
    if (block === 0) throw new Error('the test image has no refcount block there')
    const view = new DataView(this.bytes.buffer, block, this.clusterSize)
    const count = readRefcount(view, cluster % perBlock, refcountBits) + change
    writeRefcount(view, cluster % perBlock, refcountBits, count)
    return count
  }

  *entries(
    tableAt: number,
    count: number,
  ): Generator<{ at: number; high: number; low: number; offset: number }> {
    for (let at = tableAt; at < tableAt + count * 8; at += 8) {
      const high = this.bytes.getUint32(at)
      const low = this.bytes.getUint32(at + 4)
      if (high !== 0 || low !== 0) yield { at, high, low, offset: offsetOf(high, low) }
    }
  }

  /** Counts one user more of everything that the active L1 table leads to, which so becomes shared. */
  share(): void {
    const l1Offset = Number(this.bytes.getBigUint64(40))
    for (const table of [...this.entries(l1Offset, this.bytes.getUint32(36))]) {
      this.refer(table.offset / this.clusterSize, 1)
      this.bytes.setUint32(table.at, (table.high & ~COPIED) >>> 0)
      for (const entry of this.entries(table.offset, this.clusterSize / 8)) {
        if (kindOf(entry.high, entry.low) === 'packed') throw new Error('not for compressed clusters')
        if (entry.offset === 0) continue
        this.refer(entry.offset / this.clusterSize, 1)
        this.bytes.setUint32(entry.at, (entry.high & ~COPIED) >>> 0)
      }
    }
  }

  save(): void {
    this.store.write(0, new Uint8Array(this.bytes.buffer))
  }
}

/** Clusters for something new at the end of the file. Returns where they are. */
function append(store: MemoryStore, content: Uint8Array): number {
  const clusterSize = 2 ** new DataView(store.bytes().buffer).getUint32(20)
  const at = Math.ceil(store.size() / clusterSize) * clusterSize
  const whole = new Uint8Array(Math.ceil(content.length / clusterSize) * clusterSize)
  whole.set(content)
  store.write(at, whole)
  const image = new Image(store)
  for (let done = 0; done < whole.length; done += clusterSize) image.refer((at + done) / clusterSize, 1)
  image.save()
  return at
}

/** Takes an internal snapshot, the first one of the image. */
export function takeSnapshot(store: MemoryStore, name = 'one'): void {
  const before = new Image(store)
  const l1Entries = before.bytes.getUint32(36)
  const l1 = store
    .bytes()
    .slice(Number(before.bytes.getBigUint64(40)))
    .subarray(0, l1Entries * 8)
  const l1At = append(store, l1)
  const entry = new Uint8Array(Math.ceil((40 + 16 + 1 + name.length) / 8) * 8)
  const view = new DataView(entry.buffer)
  view.setBigUint64(0, BigInt(l1At))
  view.setUint32(8, l1Entries)
  view.setUint16(12, 1)
  view.setUint16(14, name.length)
  view.setUint32(36, 16)
  view.setBigUint64(48, before.bytes.getBigUint64(24))
  entry.set(new TextEncoder().encode(`1${name}`), 56)
  const tableAt = append(store, entry)
  const image = new Image(store)
  image.share()
  image.bytes.setUint32(60, 1)
  image.bytes.setBigUint64(64, BigInt(tableAt))
  image.save()
}

/** Goes back to the first snapshot, for looking at it: the image may not be written to afterwards. */
export function showSnapshot(store: MemoryStore): void {
  const image = new Image(store)
  const table = Number(image.bytes.getBigUint64(64))
  image.bytes.setBigUint64(40, image.bytes.getBigUint64(table))
  image.bytes.setUint32(36, image.bytes.getUint32(table + 8))
  image.bytes.setBigUint64(24, image.bytes.getBigUint64(table + 48))
  image.save()
}

/** Replaces guest clusters that hold data by compressed ones, packed one behind the other. */
export function packClusters(
  store: MemoryStore,
  clusters: readonly number[],
  deflate: (bytes: Uint8Array) => Uint8Array,
): void {
  const { clusterSize, clusterBits } = new Image(store)
  const packed = clusters.map((cluster) => {
    const { offset } = entryOf(new Image(store), cluster)
    return deflate(store.bytes().subarray(offset, offset + clusterSize))
  })
  const at = append(store, Uint8Array.from(packed.flatMap((bytes) => [...bytes])))
  const image = new Image(store)
  // Each cluster of the file counts the compressed clusters that touch it; `append` has counted one.
  const touched = new Set<number>()
  let start = at
  for (const [index, cluster] of clusters.entries()) {
    const end = start + packed[index]!.length
    const sectors = Math.ceil(end / 512) - Math.floor(start / 512)
    for (
      let held = Math.floor(start / clusterSize);
      held < ((Math.floor(start / 512) + sectors) * 512) / clusterSize;
      held++
    ) {
      if (touched.has(held)) image.refer(held, 1)
      touched.add(held)
    }
    const entry = entryOf(image, cluster)
    image.refer(entry.offset / clusterSize, -1)
    const extra = (sectors - 1) * 2 ** (62 - (clusterBits - 8) - 32)
    image.bytes.setUint32(entry.at, (0x4000_0000 + extra + highOf(start)) >>> 0)
    image.bytes.setUint32(entry.at + 4, lowOf(start))
    start = end
  }
  image.save()
}

function entryOf(image: Image, cluster: number): { at: number; offset: number } {
  const perTable = image.clusterSize / 8
  const l1 = Number(image.bytes.getBigUint64(40)) + Math.floor(cluster / perTable) * 8
  const at = offsetOf(image.bytes.getUint32(l1), image.bytes.getUint32(l1 + 4)) + (cluster % perTable) * 8
  return { at, offset: offsetOf(image.bytes.getUint32(at), image.bytes.getUint32(at + 4)) }
}
