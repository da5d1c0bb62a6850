import type { ByteStore } from '../base/index.ts'
import type { Layer, Run } from './format.ts'

/** A layer whose guest bytes lie in the file as they are, from its start: fixed VHDs, raw images. */
export interface FlatOptions {
  readonly format: string
  readonly store: ByteStore
  readonly sizeBytes: number
  /** Where the guest's bytes end in the file. */
  readonly dataEnd: number
  /** What a read behind `dataEnd` does; absent = it finds zeroes, and a write makes the file longer. */
  readonly behindEnd?: () => never
}

const ZEROES = new Uint8Array(1 << 20)

export function openFlat({ format, store, sizeBytes, dataEnd: end, behindEnd }: FlatOptions): Layer {
  let dataEnd = end
  let dirty = false

  function write(offset: number, from: Uint8Array): void {
    dirty = true
    store.write(offset, from)
    dataEnd = Math.max(dataEnd, offset + from.length)
  }

  function zero(offset: number, length: number): void {
    dirty = true
    if (store.punch !== undefined && offset + length <= dataEnd) {
      store.punch(offset, length)
      return
    }
    for (let done = 0; done < length; done += ZEROES.length)
      write(offset + done, ZEROES.subarray(0, Math.min(ZEROES.length, length - done)))
  }

  return {
    format,
    store,
    sizeBytes,
    locate(offset: number, length: number, into: Run) {
      if (offset < dataEnd) {
        into.kind = 'data'
        into.at = offset
        into.length = Math.min(length, dataEnd - offset)
        return
      }
      behindEnd?.()
      into.kind = 'zero'
      into.length = length
    },
    write,
    zero,
    discard(offset, length) {
      if (store.punch !== undefined && offset + length <= dataEnd) zero(offset, length)
    },
    flush() {
      if (!dirty) return
      store.flush()
      dirty = false
    },
    close: () => store.close(),
  }
}
