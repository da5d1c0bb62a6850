import { VivariumError } from '../../base/index.ts'
import type { Disk } from '../disk.ts'

/** Bytes of a disk, or undefined where they are not all within it: tables on old disks point anywhere. */
export function bytesAt(disk: Disk, offset: number, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > disk.sizeBytes) return undefined
  const bytes = new Uint8Array(length)
  disk.read(offset, bytes)
  return bytes
}

/** Runs a look into a damaged file: an unreadable spot gives undefined, anything else is thrown on. */
export function ifReadable<Result>(look: () => Result | undefined): Result | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof VivariumError && error.kind === 'corrupt') return undefined
    throw error
  }
}
