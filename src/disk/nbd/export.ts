import { VivariumError } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { NBD_ERROR, type NbdErrno } from './constants.ts'

/** A request that the disk could not carry out. The client got `errno`; a person needs `error`. */
export interface NbdFailure {
  readonly exportName: string
  readonly request: 'read' | 'write' | 'flush' | 'trim' | 'write-zeroes' | 'block-status'
  /** Byte offset and length in the guest's disk. */
  readonly offset: number
  readonly length: number
  readonly errno: NbdErrno
  readonly error: VivariumError
}

export interface NbdCounters {
  reads: number
  writes: number
  bytesRead: number
  bytesWritten: number
  flushes: number
  failures: number
}

/** One disk under one name, shared by all connections: they see each other's writes at once. */
export class NbdExport {
  readonly name: string
  readonly disk: Disk
  readonly writable: boolean
  readonly counters: NbdCounters = {
    reads: 0,
    writes: 0,
    bytesRead: 0,
    bytesWritten: 0,
    flushes: 0,
    failures: 0,
  }
  /** True from a write to the next flush, whoever asks for it. */
  unflushed = false

  readonly #onFailure: ((failure: NbdFailure) => void) | undefined

  constructor(
    name: string,
    disk: Disk,
    options: { writable?: boolean; onFailure?: (failure: NbdFailure) => void } = {},
  ) {
    this.name = name
    this.disk = disk
    this.writable = disk.writable && options.writable !== false
    this.#onFailure = options.onFailure
  }

  /** @throws VivariumError kind `io`; the export then stays unflushed. */
  flush(): void {
    this.disk.flush()
    this.unflushed = false
    this.counters.flushes++
  }

  /** Counts and reports what the disk threw, and says what the client is told. */
  fail(request: NbdFailure['request'], offset: number, length: number, thrown: unknown): NbdFailure {
    const error =
      thrown instanceof VivariumError
        ? thrown
        : new VivariumError('io', 'disk-failed', `The disk code failed: ${String(thrown)}.`, {
            cause: thrown,
          })
    const failure = { exportName: this.name, request, offset, length, errno: errnoOf(error), error }
    this.counters.failures++
    this.#onFailure?.(failure)
    return failure
  }
}

const FULL = new Set(['host-enospc', 'host-edquot', 'host-efbig'])

/** "Error values": quota and file size limits are ENOSPC too; a right that is missing is EPERM. */
export function errnoOf(error: VivariumError): NbdErrno {
  if (FULL.has(error.code)) return NBD_ERROR.nospc
  return error.kind === 'denied' ? NBD_ERROR.perm : NBD_ERROR.io
}
