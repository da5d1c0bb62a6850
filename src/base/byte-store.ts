/**
 * Random access to one file-like thing. Synchronous, because the runner of a machine's disks lives in a process
 * of its own; a browser reaches the same format code through an asynchronous adapter in the disk room.
 */
export interface ByteStore {
  /** What to call it in an error, usually the path. */
  readonly name: string
  readonly writable: boolean
  /** Size in bytes, now. */
  size(): number
  /** Fills `into` from byte `at`. @throws VivariumError kind `corrupt`, code `store-short-read`, past the end. */
  read(at: number, into: Uint8Array): void
  /** Writes all of `from` at byte `at`; a write past the end extends the store. @throws kind `io` or `denied`. */
  write(at: number, from: Uint8Array): void
  /** Cuts or extends with zeroes. */
  truncate(size: number): void
  /** Everything written so far is on stable storage when this returns. */
  flush(): void
  /** Gives the bytes of a range back to the host and makes them read as zero. Absent: not possible here. */
  punch?(at: number, length: number): void
  /**
   * Copies from another store without the bytes passing through this program, as far as the host can do it at once.
   * Returns how many bytes it copied; 0 = not possible between these two: read and write instead.
   */
  copyFrom?(source: ByteStore, sourceAt: number, at: number, length: number): number
  /** The first byte from `at` on that the host has really stored, or the size; below it all reads as zero. */
  nextData?(at: number): number
  /** The first byte from `at` on that the host has not stored, or the size. */
  nextHole?(at: number): number
  /** Bytes that the host has really allocated for it; for reports. Absent: unknown. */
  allocatedBytes?(): number
  close(): void
}
