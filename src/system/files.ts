import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type ByteStore, VivariumError } from '../base/index.ts'
import { HoleMap } from './hole-map.ts'
import { nativeFiles } from './native.ts'
import { processExists } from './processes.ts'
import { systemError } from './system-error.ts'

export interface OpenFileOptions {
  readonly writable?: boolean
  /** Fails when the file exists. */
  readonly create?: boolean
  /** What to call it in errors, where that is not its path: a file that will get another name. */
  readonly name?: string
}

/** Opens a regular file as a ByteStore. Devices, pipes and folders are refused. @throws VivariumError. */
export function openFileStore(path: string, options: OpenFileOptions = {}): ByteStore {
  const writable = options.writable === true || options.create === true
  const { O_CREAT, O_EXCL, O_RDWR, O_RDONLY } = constants
  const flags = options.create ? O_RDWR | O_CREAT | O_EXCL : writable ? O_RDWR : O_RDONLY
  return fileStore(options.name ?? path, openRegularFile(path, flags, options.name), writable)
}

/**
 * Opens a file that must be a regular one. Answers at once for a pipe or a device too: without O_NONBLOCK the
 * opening itself would wait for somebody at the pipe's other end.
 * @returns The file descriptor. @throws VivariumError kind `unsupported`, code `not-a-regular-file` ...
 */
export function openRegularFile(path: string, flags: number = constants.O_RDONLY, name = path): number {
  let fd: number
  try {
    fd = openSync(path, flags | constants.O_NONBLOCK, 0o600)
  } catch (error) {
    throw (flags & constants.O_CREAT) !== 0 && isDenied(error)
      ? folderClosed(dirname(path), error)
      : systemError(error, name)
  }
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw notRegular(name)
}

function isDenied(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EACCES' || code === 'EPERM'
}

/** A file that is not there yet denies nothing: its folder does. */
function folderClosed(folder: string, cause: unknown): VivariumError {
  return new VivariumError('denied', 'folder-not-writable', 'This user may not make files in the folder.', {
    where: { path: folder },
    next: 'Choose another folder, or give the user that runs Vivarium the right to write to it.',
    cause,
  })
}

/** Looks before a file is handed to another program. @throws VivariumError like `openRegularFile`. */
export function demandRegularFile(path: string): void {
  closeSync(openRegularFile(path))
}

function notRegular(path: string): VivariumError {
  return new VivariumError('unsupported', 'not-a-regular-file', 'It is not a regular file.', {
    where: { path },
    next: 'Name a disk image, not a folder or a device.',
  })
}

/** The descriptor of each store that is a file, so that the kernel can copy between two. */
const descriptors = new WeakMap<ByteStore, number>()

/** The descriptor of a store that is a file and is open. */
export function descriptorOf(store: ByteStore): number | undefined {
  return descriptors.get(store)
}

function fileStore(path: string, fd: number, writable: boolean): ByteStore {
  const guard = <Result>(action: () => Result): Result => {
    try {
      return action()
    } catch (error) {
      throw systemError(error, path)
    }
  }
  let flushFailure: VivariumError | undefined
  let punch: ByteStore['punch'] | 'not-asked' = 'not-asked'
  const holes = new HoleMap(fd, writable)
  const store: ByteStore = {
    name: path,
    writable,
    size: () => guard(() => fstatSync(fd).size),
    read(at, into) {
      let done = 0
      while (done < into.length) {
        const count = guard(() => readSync(fd, into, done, into.length - done, at + done))
        if (count === 0) {
          throw new VivariumError(
            'corrupt',
            'store-short-read',
            'The file ends before the data it promises.',
            {
              where: { path, offset: at + done },
              next: 'It was cut short: copy it again from its source.',
            },
          )
        }
        done += count
      }
    },
    write(at, from) {
      let done = 0
      while (done < from.length) done += guard(() => writeSync(fd, from, done, from.length - done, at + done))
    },
    truncate: (size) => guard(() => ftruncateSync(fd, size)),
    flush() {
      // The kernel may forget pages that it could not write: a later fdatasync would then succeed and lie.
      if (flushFailure !== undefined) throw flushFailure
      try {
        fdatasyncSync(fd)
      } catch (error) {
        flushFailure = systemError(error, path)
        throw flushFailure
      }
    },
    // Asked for on the first use, not before: whoever only looks does not pay for loading what it takes.
    get punch() {
      if (punch === 'not-asked') punch = writable ? punchOf(path, fd, guard) : undefined
      return punch
    },
    copyFrom(source, sourceAt, at, length) {
      const from = descriptors.get(source)
      if (from === undefined) return 0
      return guard(() => nativeFiles()?.copyRange(from, sourceAt, fd, at, length) ?? 0)
    },
    nextData: (at) => guard(() => holes.nextData(at)),
    nextHole: (at) => guard(() => holes.nextHole(at)),
    allocatedBytes: () => guard(() => fstatSync(fd).blocks * 512),
    close() {
      descriptors.delete(store)
      guard(() => closeSync(fd))
    },
  }
  descriptors.set(store, fd)
  return store
}

const PUNCH_PROBE_BYTES = 4096

/** Undefined where the host, or the file system that the file lies on, makes no holes. */
function punchOf(
  path: string,
  fd: number,
  guard: <Result>(action: () => Result) => Result,
): ByteStore['punch'] {
  const native = nativeFiles()
  // Behind the end of the file there is nothing to lose, and the answer is the same.
  const probeAt = Math.ceil(fstatSync(fd).size / PUNCH_PROBE_BYTES) * PUNCH_PROBE_BYTES
  if (native === undefined || !guard(() => native.punch(fd, probeAt, PUNCH_PROBE_BYTES))) return undefined
  return (at, length) => {
    if (length <= 0 || guard(() => native.punch(fd, at, length))) return
    throw new VivariumError('io', 'host-no-holes', 'The host no longer makes holes in the file.', {
      where: { path, offset: at },
    })
  }
}

/**
 * Writes a whole small file so that a crash at any point leaves the old or the new. What a killed process left of it
 * beside it is removed by the next writing.
 */
export function writeFileAtomically(path: string, content: Uint8Array | string, mode = 0o600): void {
  // Short: the file's own name may be as long as a name can be.
  const start = `.${createHash('sha256').update(basename(path)).digest('hex').slice(0, 16)}.`
  const temporary = join(dirname(path), `${start}${process.pid}${NEW}`)
  try {
    removeLeftovers(dirname(path), start)
    writeFileSync(temporary, content, { mode, flush: true })
    renameSync(temporary, path)
    syncFolder(dirname(path))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw systemError(error, path)
  }
}

const NEW = '.new'

function removeLeftovers(folder: string, start: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(start) || !name.endsWith(NEW)) continue
    const pid = Number(name.slice(start.length, -NEW.length))
    if (Number.isInteger(pid) && !processExists(pid)) rmSync(join(folder, name), { force: true })
  }
}

/** Makes a rename or a removal in a folder durable. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
