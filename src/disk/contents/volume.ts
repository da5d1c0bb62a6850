import type { Disk } from '../disk.ts'
import { bytesAt } from './disk-bytes.ts'

/** What a volume says about itself. */
export interface FileSystem {
  readonly kind: string
  readonly label?: string
}

/** One volume of a disk; offsets are bytes from its start. Undefined beyond its end or the disk's. */
export interface Volume {
  readonly sizeBytes: number
  bytes(offset: number, length: number): Uint8Array<ArrayBuffer> | undefined
}

export function volumeOf(disk: Disk, offset: number, sizeBytes: number): Volume {
  return {
    sizeBytes,
    bytes: (at, length) =>
      at >= 0 && at + length <= sizeBytes ? bytesAt(disk, offset + at, length) : undefined,
  }
}

/** Labels are padded with spaces or end at a zero; an empty one is none. No label needs a control character. */
export function withLabel(kind: string, text: string): FileSystem {
  const label = text
    .split('\0')[0]!
    .replace(/\p{Cc}/gu, '\ufffd')
    .trim()
  return label === '' ? { kind } : { kind, label }
}
