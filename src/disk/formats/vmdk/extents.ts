import { type ByteStore, VivariumError } from '../../../base/index.ts'
import type { Layer, Run } from '../../format.ts'
import type { ContentIdUpdate } from './content-id.ts'

/**
 * A disk of one or more extents, each a layer of its own, one behind the other. For the runner they are one file:
 * the extents' files joined, each with a stretch of its own in the addresses of the whole.
 */
export interface OpenedExtent {
  readonly layer: Layer
  /** Guest bytes; the layer may have more. */
  readonly sizeBytes: number
}

/** No file of an extent is longer; 2048 extents fit into the safe integers. */
const STRETCH_BYTES = 2 ** 42

export interface ExtentsParts {
  /** A descriptor in a file of its own: closed with the disk. */
  readonly descriptorFile?: ByteStore
  readonly extents: readonly OpenedExtent[]
  readonly hasParent: boolean
  readonly contentId: ContentIdUpdate | undefined
}

export class ExtentsLayer implements Layer {
  readonly format = 'vmdk'
  readonly store: ByteStore
  readonly sizeBytes: number
  readonly allocationUnit?: number
  readonly #descriptorFile: ByteStore | undefined
  readonly #layers: readonly Layer[]
  /** Where each extent begins, and behind the last the disk's end. */
  readonly #starts: Float64Array
  readonly #contentId: ContentIdUpdate | undefined

  constructor({ descriptorFile, extents, hasParent, contentId }: ExtentsParts) {
    this.#layers = extents.map(({ layer }) => layer)
    this.#descriptorFile = descriptorFile
    this.#starts = new Float64Array(extents.length + 1)
    for (const [index, { sizeBytes }] of extents.entries())
      this.#starts[index + 1] = this.#starts[index]! + sizeBytes
    this.sizeBytes = this.#starts[extents.length]!
    this.store = extents.length === 1 ? extents[0]!.layer.store : joined(this.#layers)
    this.#contentId = contentId
    const unit = hasParent ? this.#commonUnit() : undefined
    if (unit !== undefined) this.allocationUnit = unit
  }

  /** Of the whole disk, where each extent has whole grains only. */
  #commonUnit(): number | undefined {
    const units = new Set(this.#layers.map((layer) => layer.allocationUnit))
    const [unit] = units
    if (unit === undefined || units.size > 1) return undefined
    return this.#layers.every((_, index) => this.#starts[index]! % unit === 0) ? unit : undefined
  }

  #indexOf(offset: number): number {
    let low = 0
    let high = this.#layers.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  locate(offset: number, length: number, into: Run): void {
    const index = this.#indexOf(offset)
    const start = this.#starts[index]!
    this.#layers[index]!.locate(offset - start, Math.min(length, this.#starts[index + 1]! - offset), into)
    into.at += index * STRETCH_BYTES
  }

  unpack(offset: number, into: Uint8Array): void {
    const index = this.#indexOf(offset)
    this.#layers[index]!.unpack!(offset - this.#starts[index]!, into)
  }

  write(offset: number, from: Uint8Array): void {
    this.#contentId?.renew()
    this.#eachPart(offset, from.length, (layer, at, length, done) =>
      layer.write(at, length === from.length ? from : from.subarray(done, done + length)),
    )
  }

  zero(offset: number, length: number): void {
    this.#contentId?.renew()
    this.#eachPart(offset, length, (layer, at, count) => layer.zero(at, count))
  }

  discard(offset: number, length: number): void {
    this.#contentId?.renew()
    this.#eachPart(offset, length, (layer, at, count) => layer.discard(at, count))
  }

  #eachPart(
    offset: number,
    length: number,
    action: (layer: Layer, at: number, length: number, done: number) => void,
  ): void {
    for (let done = 0; done < length; ) {
      const index = this.#indexOf(offset + done)
      const count = Math.min(length - done, this.#starts[index + 1]! - offset - done)
      action(this.#layers[index]!, offset + done - this.#starts[index]!, count, done)
      done += count
    }
  }

  flush(): void {
    for (const layer of this.#layers) layer.flush()
  }

  close(): void {
    closeAll(this.#descriptorFile === undefined ? this.#layers : [...this.#layers, this.#descriptorFile])
  }
}

/** Closes all of them, whatever the first ones answer. */
export function closeAll(closeables: Iterable<{ close(): void }>): void {
  let failure: unknown
  for (const each of closeables) {
    try {
      each.close()
    } catch (error) {
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
}

/** For reading at the addresses that `locate` gives; everything else goes to the extents themselves. */
function joined(layers: readonly Layer[]): ByteStore {
  const { name, writable } = layers[0]!.store
  const place = (at: number) => {
    const index = Math.floor(at / STRETCH_BYTES)
    return { store: layers[index]!.store, start: index * STRETCH_BYTES }
  }
  const knowsHoles = layers.every(({ store }) => store.nextData !== undefined && store.nextHole !== undefined)
  // Asked within one run, whose answer ends with its file.
  const holes: Pick<ByteStore, 'nextData' | 'nextHole'> = {
    nextData(at) {
      const { store, start } = place(at)
      return start + store.nextData!(at - start)
    },
    nextHole(at) {
      const { store, start } = place(at)
      return start + store.nextHole!(at - start)
    },
  }
  const cannot = (): never => {
    throw new VivariumError('unsupported', 'vmdk-joined', 'The extents can only be changed one by one.', {
      where: { path: name },
    })
  }
  return {
    name,
    writable,
    size: () => layers.reduce((sum, layer) => sum + layer.store.size(), 0),
    read(at, into) {
      const { store, start } = place(at)
      store.read(at - start, into)
    },
    ...(knowsHoles && holes),
    write: cannot,
    truncate: cannot,
    flush() {
      for (const layer of layers) layer.flush()
    },
    close() {
      for (const layer of layers) layer.close()
    },
  }
}
