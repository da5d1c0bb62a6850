import type { ByteStore } from '../base/index.ts'
import type { Layer, ParentReference, Run, StoredTable } from './format.ts'
import { parentOptions, type ReadImageOptions, readImage } from './open.ts'

/** What one file of a chain stores of a range, whatever lies below it. One object is used again and again. */
export interface OwnRun {
  /** Guest byte. */
  offset: number
  length: number
  /** `zero`: the file itself says that it reads as zero; a parent that shows something else is covered by it. */
  kind: 'data' | 'packed' | 'zero'
  /** Only with `data`: byte `at` of this store. */
  store: ByteStore
  at: number
}

/** The topmost files of a chain, without those below: what a merge has to carry down. */
export interface UpperLayers {
  /** Capacity of the topmost in bytes. */
  readonly sizeBytes: number
  /** Some of it is stored in less room than it takes as it is. */
  readonly packed: boolean
  /** Bytes that the host has allocated for the files, or their sizes; without those that they name. */
  allocatedBytes(): number
  /** Every range that one of them stores or says to be zero, in order; what they leave to lower files is skipped. */
  runs(): Iterable<OwnRun>
  /** What of the files' tables `runs` will have to read for the range; to read it ahead. */
  tables(offset: number, length: number): Iterable<StoredTable>
  /** Fills `into` from guest byte `offset`, within one run. */
  read(offset: number, into: Uint8Array): void
  close(): void
}

/**
 * Opens the topmost files of a chain for reading, topmost first; that they belong together has been checked before.
 * Takes over the stores. @throws VivariumError when one of them is no image or is damaged.
 */
export function openUpperLayers(
  stores: readonly ByteStore[],
  images: readonly ReadImageOptions[],
): UpperLayers {
  const layers: Layer[] = []
  try {
    let above: ParentReference | undefined
    for (const [index, store] of stores.entries()) {
      const image = readImage(store, above ? parentOptions(above, images[index]) : images[index])
      above = image.facts.parent
      layers.push(image.open(false))
    }
    return upperLayers(layers)
  } catch (error) {
    for (const open of [...layers, ...stores.slice(layers.length)]) open.close()
    throw error
  }
}

function upperLayers(layers: readonly Layer[]): UpperLayers {
  const top = layers[0]!
  const run: Run = { kind: 'below', at: 0, length: 0 }

  /** The layer that answers for `offset`, in `run`; -1 where all pass on. */
  function resolve(offset: number, length: number): number {
    let wanted = length
    for (const [index, layer] of layers.entries()) {
      // A file smaller than its child shows zeroes behind its end, whatever lies below it.
      if (offset >= layer.sizeBytes) {
        run.kind = 'zero'
        run.length = wanted
        return index
      }
      layer.locate(offset, Math.min(wanted, layer.sizeBytes - offset), run)
      if (run.kind !== 'below') return index
      wanted = run.length
    }
    return -1
  }

  function* runs(): Generator<OwnRun> {
    const found: OwnRun = { offset: 0, length: 0, kind: 'zero', store: top.store, at: 0 }
    for (let offset = 0; offset < top.sizeBytes; offset += found.length) {
      const index = resolve(offset, top.sizeBytes - offset)
      found.length = run.length
      if (index === -1 || run.kind === 'below') continue
      found.offset = offset
      found.kind = run.kind
      found.store = layers[index]!.store
      found.at = run.at
      yield found
    }
  }

  return {
    sizeBytes: top.sizeBytes,
    packed: layers.some((layer) => layer.unpack !== undefined),
    allocatedBytes: () =>
      layers.reduce((sum, { store }) => sum + (store.allocatedBytes?.() ?? store.size()), 0),
    runs,
    *tables(offset, length) {
      for (const layer of layers)
        if (offset < layer.sizeBytes && layer.tables !== undefined)
          yield* layer.tables(offset, Math.min(length, layer.sizeBytes - offset))
    },
    read(offset, into) {
      const index = resolve(offset, into.length)
      if (run.kind === 'data') layers[index]!.store.read(run.at, into)
      else if (run.kind === 'packed') layers[index]!.unpack!(offset, into)
      else into.fill(0)
    },
    close() {
      for (const layer of layers) layer.close()
    },
  }
}
