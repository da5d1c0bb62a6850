import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'

/**
 * What the Linux kernel can do to files and Node does not offer: holes, where they are, copies within the kernel.
 * Called through koffi, which is optional: where it cannot be loaded, or the host is another, all of it is absent
 * and everything goes on by reading and writing. Loaded at the first use, for that takes some 50 ms.
 *
 * All of these throw an error with Node's `code` (ENOSPC ...) when the host refuses for a reason of the moment, and
 * answer `undefined` or 0 when it cannot do the thing at all.
 */
export interface NativeFiles {
  /** fallocate(2), PUNCH_HOLE and KEEP_SIZE: the range reads as zero and takes no room. False = not possible here. */
  punch(fd: number, at: number, length: number): boolean
  /** copy_file_range(2): a shared copy where the file system can (reflink). Returns bytes; 0 = not possible. */
  copyRange(from: number, fromAt: number, to: number, toAt: number, length: number): number
  /** lseek(2), SEEK_DATA: the first stored byte from `at` on; undefined when only a hole follows. */
  seekData(fd: number, at: number): number | undefined
  /** lseek(2), SEEK_HOLE: the first byte from `at` on that is not stored, at the latest the end of the file. */
  seekHole(fd: number, at: number): number
  /** posix_fadvise(2): the kernel reads the range already while we do something else. A hint. */
  readAhead(fd: number, at: number, length: number): void
  /** posix_fadvise(2): forgets what it holds of the (flushed) range. For measurements. A hint. */
  forget(fd: number, at: number, length: number): void
  /** sync_file_range(2): starts to write the range out, and does not wait. A hint. */
  startWriting(fd: number, at: number, length: number): void
}

const FALLOC_KEEP_SIZE_PUNCH_HOLE = 0x03
const SEEK_DATA = 3
const SEEK_HOLE = 4
const POSIX_FADV_WILLNEED = 3
const POSIX_FADV_DONTNEED = 4
const SYNC_FILE_RANGE_WRITE = 2

/** Where `off_t` has 64 bits under the plain names, whichever C library it is. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64', 's390x', 'ppc64']
/** This file system, or this pair of files, or this kernel cannot. */
const CANNOT = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EXDEV', 'EINVAL', 'EBADF', 'EPERM', 'ETXTBSY'])

let loaded: { readonly files: NativeFiles | undefined } | undefined

/** Undefined where there is none, or while VIVARIUM_NO_NATIVE is set. Looked for once. */
export function nativeFiles(): NativeFiles | undefined {
  if (process.env.VIVARIUM_NO_NATIVE !== undefined) return undefined
  loaded ??= { files: isPossible() ? load() : undefined }
  return loaded.files
}

function isPossible(): boolean {
  return process.platform === 'linux' && ARCHITECTURES.includes(process.arch)
}

type Koffi = typeof import('koffi')

function load(): NativeFiles | undefined {
  try {
    // Not imported: it need not be installed, and costs time that most commands have no use for.
    return bind(createRequire(import.meta.url)('koffi') as Koffi)
  } catch {
    return undefined
  }
}

function bind(koffi: Koffi): NativeFiles {
  const libc = koffi.load(null)
  const fallocate = libc.func('int fallocate(int, int, int64_t, int64_t)')
  const lseek = libc.func('int64_t lseek(int, int64_t, int)')
  const copyFileRange = libc.func(
    'int64_t copy_file_range(int, _Inout_ int64_t *, int, _Inout_ int64_t *, size_t, unsigned int)',
  )
  const fadvise = libc.func('int posix_fadvise(int, int64_t, int64_t, int)')
  const syncFileRange = libc.func('int sync_file_range(int, int64_t, int64_t, unsigned int)')

  /** The name of the last call's error, where it is one that says "never here". */
  function cannot(call: string): string {
    const code = getSystemErrorName(-koffi.errno())
    if (CANNOT.has(code)) return code
    throw Object.assign(new Error(`${code}: ${call}`), { code })
  }

  return {
    punch(fd, at, length) {
      for (;;) {
        if (fallocate(fd, FALLOC_KEEP_SIZE_PUNCH_HOLE, at, length) === 0) return true
        if (koffi.errno() === koffi.os.errno.EINTR) continue
        cannot('fallocate')
        return false
      }
    },
    copyRange(from, fromAt, to, toAt, length) {
      const count = Number(copyFileRange(from, [fromAt], to, [toAt], length, 0))
      if (count >= 0) return count
      if (koffi.errno() !== koffi.os.errno.EINTR) cannot('copy_file_range')
      return 0
    },
    seekData(fd, at) {
      const found = Number(lseek(fd, at, SEEK_DATA))
      if (found >= 0) return found
      // Nothing but a hole, or a file system that does not tell: then everything is data.
      if (koffi.errno() === koffi.os.errno.ENXIO) return undefined
      cannot('lseek')
      return at
    },
    seekHole(fd, at) {
      const found = Number(lseek(fd, at, SEEK_HOLE))
      if (found >= 0) return found
      if (koffi.errno() !== koffi.os.errno.ENXIO) cannot('lseek')
      return Number.MAX_SAFE_INTEGER
    },
    readAhead: (fd, at, length) => void fadvise(fd, at, length, POSIX_FADV_WILLNEED),
    forget: (fd, at, length) => void fadvise(fd, at, length, POSIX_FADV_DONTNEED),
    startWriting: (fd, at, length) => void syncFileRange(fd, at, length, SYNC_FILE_RANGE_WRITE),
  }
}
