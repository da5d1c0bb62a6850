import type { NtfsRun } from '../ntfs-volume.ts'

/** Bytes of a file of the file system's own. */
export interface NtfsFile {
  readonly sizeBytes: number
  readonly runs: readonly NtfsRun[]
  bytes(at: number, length: number): Uint8Array<ArrayBuffer>
}
