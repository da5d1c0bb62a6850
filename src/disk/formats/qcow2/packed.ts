import { VivariumError } from '../../../base/index.ts'
import type { Inflate } from '../../format.ts'
import { corrupt } from './damage.ts'
import { packedRangeOf } from './entries.ts'
import type { HostFile } from './host-file.ts'

/**
 * Compressed clusters: raw DEFLATE, which ends when a cluster is full; the last sector may hold more than that. The
 * cluster unpacked last is kept, because a guest reads it in pieces.
 */
export class Packed {
  readonly #host: HostFile
  readonly #clusterBits: number
  readonly #inflate: Inflate
  readonly #foreign: string | undefined
  #cluster = -1
  #bytes: Uint8Array<ArrayBuffer> | undefined

  constructor(host: HostFile, clusterBits: number, inflate: Inflate, foreign: string | undefined) {
    this.#host = host
    this.#clusterBits = clusterBits
    this.#inflate = inflate
    this.#foreign = foreign
  }

  /** The content of a cluster by its entry; valid until the next call. */
  read(cluster: number, high: number, low: number): Uint8Array<ArrayBuffer> {
    this.#bytes ??= new Uint8Array(2 ** this.#clusterBits)
    if (cluster === this.#cluster) return this.#bytes
    this.#cluster = -1
    this.#unpack(cluster, high, low, this.#bytes)
    this.#cluster = cluster
    return this.#bytes
  }

  #unpack(cluster: number, high: number, low: number, into: Uint8Array): void {
    if (this.#foreign !== undefined) throw this.#foreignError(cluster)
    const { at, length } = packedRangeOf(high, low, this.#clusterBits)
    const inFile = Math.min(length, this.#host.size - at)
    if (inFile <= 0) throw this.#damaged(cluster, at, 'it lies behind the end of the file')
    const packed = new Uint8Array(inFile)
    this.#host.read(at, packed)
    let count: number
    try {
      count = this.#inflate(packed, into)
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
      throw this.#damaged(cluster, at, 'it cannot be unpacked', error)
    }
    if (count !== into.length) throw this.#damaged(cluster, at, `it holds ${count} bytes only`)
  }

  #damaged(cluster: number, at: number, what: string, cause?: unknown): VivariumError {
    const message = `Compressed cluster ${cluster} is damaged: ${what}.`
    return corrupt(this.#host.store, 'qcow2-compressed-damaged', message, { offset: at }, cause)
  }

  #foreignError(cluster: number): VivariumError {
    return new VivariumError(
      'unsupported',
      'qcow2-compression',
      `Cluster ${cluster} is compressed with ${this.#foreign}, which is not known here.`,
      {
        where: { path: this.#host.store.name },
        next: 'Convert the image with qemu-img convert -O qcow2, without compression.',
      },
    )
  }
}
