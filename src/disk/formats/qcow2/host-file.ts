import type { ByteStore } from '../../../base/index.ts'

const ZEROES = new Uint8Array(1 << 18)

/**
 * The image file under its clusters. The last cluster need not be in the file to its end (QEMU does not write
 * zeroes that nobody wrote): what is missing reads as zero.
 */
export class HostFile {
  readonly store: ByteStore
  readonly clusterSize: number
  #size: number
  /** Where the last cluster in use ends. */
  #end: number

  constructor(store: ByteStore, clusterSize: number) {
    this.store = store
    this.clusterSize = clusterSize
    this.#size = store.size()
    this.#end = 0
  }

  get size(): number {
    return this.#size
  }

  /** Behind every cluster that is in the file or in use. */
  get endCluster(): number {
    return Math.ceil(Math.max(this.#size, this.#end) / this.clusterSize)
  }

  read(at: number, into: Uint8Array): void {
    const inside = Math.min(into.length, Math.max(0, this.#size - at))
    if (inside === into.length) this.store.read(at, into)
    else {
      if (inside > 0) this.store.read(at, into.subarray(0, inside))
      into.fill(0, inside)
    }
  }

  write(at: number, from: Uint8Array): void {
    try {
      this.store.write(at, from)
      this.#size = Math.max(this.#size, at + from.length)
    } catch (error) {
      // A part of it may be there: what is not known to be zero is not taken for zero.
      this.#size = Math.max(this.#size, this.store.size())
      throw error
    }
  }

  /** Whether a cluster lies behind the end of the file, where everything is zero until it is written. */
  isFresh(at: number): boolean {
    return at >= this.#size
  }

  use(at: number, length: number): void {
    this.#end = Math.max(this.#end, at + length)
  }

  zeroCluster(at: number): void {
    if (this.isFresh(at)) return
    for (let done = 0; done < this.clusterSize; done += ZEROES.length)
      this.write(at + done, ZEROES.subarray(0, Math.min(ZEROES.length, this.clusterSize - done)))
  }

  /** Clusters in use are in the file to their end, as other readers may expect. */
  pad(): void {
    if (this.#end <= this.#size) return
    this.store.truncate(this.#end)
    this.#size = this.#end
  }
}
