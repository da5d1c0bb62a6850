import { type ByteStore, VivariumError } from '../base/index.ts'

/** A file in memory, for tests and for images that are made on the fly. */
export interface MemoryStore extends ByteStore {
  /** The content now. */
  bytes(): Uint8Array<ArrayBuffer>
}

export function memoryStore(initial: Uint8Array = new Uint8Array(0), name = 'memory'): MemoryStore {
  let buffer = Uint8Array.from(initial)
  let size = initial.length

  function resize(wanted: number): void {
    if (wanted > buffer.length) {
      const larger = new Uint8Array(Math.max(wanted, buffer.length * 2))
      larger.set(buffer.subarray(0, size))
      buffer = larger
    }
    if (wanted < size) buffer.fill(0, wanted, size)
    size = wanted
  }

  return {
    name,
    writable: true,
    size: () => size,
    read(at, into) {
      if (at + into.length > size) {
        throw new VivariumError('corrupt', 'store-short-read', 'The file ends before the data it promises.', {
          where: { path: name, offset: size },
        })
      }
      into.set(buffer.subarray(at, at + into.length))
    },
    write(at, from) {
      if (at + from.length > size) resize(at + from.length)
      buffer.set(from, at)
    },
    truncate: resize,
    flush: () => undefined,
    close: () => undefined,
    bytes: () => buffer.slice(0, size),
  }
}
