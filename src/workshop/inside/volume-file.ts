import { VivariumError } from '../../base/index.ts'
import type { Disk, FatReading } from '../../disk/index.ts'
import { attributesOf, type EmscriptenFs, ERRNO, FOLDER_MODE, type FsNode, seekIn } from './emscripten.ts'

/** Where a volume lies on its disk. */
export interface VolumePlace {
  readonly disk: Disk
  readonly offset: number
  readonly sizeBytes: number
  /** Where it is read otherwise than it is written. */
  readonly reading?: FatReading | undefined
}

/** What went wrong below 7-Zip, which knows of it only as "input/output error". */
export interface DiskTrouble {
  error?: VivariumError
}

/** A folder with one file in it, `volume`: the bytes of a partition, read from our disk as they are asked for. */
export function volumeFolder(fs: EmscriptenFs, place: VolumePlace, trouble: DiskTrouble) {
  const { disk, offset, sizeBytes, reading } = place
  const node_ops = {
    getattr: attributesOf,
    lookup: (): FsNode => {
      throw new fs.ErrnoError(ERRNO.notFound)
    },
  }
  function readVolume(buffer: Int8Array, at: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, sizeBytes - position))
    try {
      if (count > 0) {
        const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset + at, count)
        disk.read(offset + position, bytes)
        reading?.mend(position, bytes)
      }
      return count
    } catch (error) {
      if (!(error instanceof VivariumError)) throw error
      trouble.error ??= error
      throw new fs.ErrnoError(ERRNO.io)
    }
  }
  return {
    mount(): FsNode {
      const root = fs.createNode(null, '/', FOLDER_MODE, 0)
      root.node_ops = node_ops
      const file = fs.createNode(root, 'volume', 0o100444, 0)
      file.size = sizeBytes
      file.node_ops = node_ops
      file.stream_ops = {
        read: (_stream, buffer, at, length, position) => readVolume(buffer, at, length, position),
        llseek: (stream, distance, whence) => seekIn(fs, stream, distance, whence),
      }
      return root
    },
  }
}
