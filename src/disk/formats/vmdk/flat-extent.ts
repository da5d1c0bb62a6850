import { type ByteStore, VivariumError } from '../../../base/index.ts'
import { openFlat } from '../../flat.ts'
import { type Layer, type Run, SECTOR } from '../../format.ts'
import type { ExtentLine } from './descriptor.ts'

/** The file of a flat extent holds the guest's bytes as they are, from the sector that the descriptor says. */
export function openFlatExtent(file: ByteStore, line: ExtentLine, writable: boolean): Layer {
  const at = line.offset * SECTOR
  const sizeBytes = line.sectors * SECTOR
  const dataEnd = Math.max(0, Math.min(sizeBytes, file.size() - at))
  const cutShort = (): never => {
    throw new VivariumError(
      'corrupt',
      'vmdk-extent-cut-short',
      `The extent should hold ${sizeBytes} bytes, and its file has ${dataEnd}.`,
      {
        where: { path: file.name, offset: at + dataEnd },
        next: `Copy the file again from its source. Where that is gone, let what is lost read as zeroes: truncate --size=${at + sizeBytes} ${JSON.stringify(file.name)}`,
      },
    )
  }
  if (writable && dataEnd < sizeBytes) cutShort()
  const store = at === 0 ? file : shifted(file, at)
  return openFlat({ format: 'vmdk', store, sizeBytes, dataEnd, behindEnd: cutShort })
}

function shifted(file: ByteStore, by: number): ByteStore {
  const { punch } = file
  return {
    name: file.name,
    writable: file.writable,
    size: () => file.size() - by,
    read: (at, into) => file.read(by + at, into),
    write: (at, from) => file.write(by + at, from),
    truncate: (size) => file.truncate(by + size),
    flush: () => file.flush(),
    ...(punch && { punch: (at: number, length: number) => punch.call(file, by + at, length) }),
    close: () => file.close(),
  }
}

/** Sectors that no file stores; they can be read only. */
export function openZeroExtent(store: ByteStore, line: ExtentLine): Layer {
  const readOnly = (): never => {
    throw new VivariumError(
      'denied',
      'vmdk-extent-read-only',
      'The extent holds only zeroes and stores nothing.',
      {
        where: { path: store.name },
      },
    )
  }
  return {
    format: 'vmdk',
    store,
    sizeBytes: line.sectors * SECTOR,
    locate(_offset: number, length: number, into: Run) {
      into.kind = 'zero'
      into.length = length
    },
    write: readOnly,
    zero: () => undefined,
    discard: () => undefined,
    flush: () => undefined,
    close: () => undefined,
  }
}
