import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { BootFile } from '../../network/index.ts'
import { SYSTEM_BOOT_FILES } from './system-boot-files.ts'

/**
 * Files that guests load while they boot. A guest writes the path, so: nothing outside of the folder (links may point
 * to other places in it), and regular files only. What was opened is what is checked, so that a link that is changed
 * meanwhile leads nowhere.
 */

/** Neither waits for the other end of a pipe, nor makes a terminal ours. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY
const ENTRIES_LOOKED_AT = 20_000

/** Undefined when there is none, or none that may be served. */
export async function openBootFile(folder: string, path: string): Promise<BootFile | undefined> {
  const own = await openBelow(folder, path)
  if (own !== undefined) return own
  // iPXE and PXELINUX as the host's packages have them, under the names that firmware is told.
  const packaged = SYSTEM_BOOT_FILES.get(path.toLowerCase())
  return packaged === undefined
    ? undefined
    : openBelow(dirname(packaged), packaged.slice(dirname(packaged).length + 1))
}

async function openBelow(folder: string, path: string): Promise<BootFile | undefined> {
  try {
    const root = await realpath(folder)
    const found = (await isThere(join(root, path))) ? join(root, path) : await withoutCase(root, path)
    if (found === undefined || !(await stat(found)).isFile()) return undefined
    const handle = await open(found, READ_FLAGS)
    const size = await sizeWhenServed(handle, root, found)
    if (size !== undefined) return bootFile(handle, size)
    await handle.close()
    return undefined
  } catch {
    // Missing, forbidden, a broken link: to the guest all of it is "no such file".
    return undefined
  }
}

/** Undefined: what is open is no regular file below the folder. */
async function sizeWhenServed(handle: FileHandle, root: string, path: string): Promise<number | undefined> {
  const facts = await handle.stat()
  const real = await realpath(`/proc/self/fd/${handle.fd}`).catch(async () => {
    // A system without /proc: then the path has to lead to the very file that is open.
    const named = await stat(path)
    return named.dev === facts.dev && named.ino === facts.ino ? realpath(path) : ''
  })
  const isBelow = real.startsWith(root.endsWith(sep) ? root : root + sep)
  return facts.isFile() && isBelow ? facts.size : undefined
}

/** Windows' boot loaders write names in any case; of several that differ only there, the first by its bytes. */
async function withoutCase(root: string, path: string): Promise<string | undefined> {
  let folder = root
  for (const part of path.split('/')) {
    if (await isThere(join(folder, part))) folder = join(folder, part)
    else {
      const names = (await readdir(folder)).slice(0, ENTRIES_LOOKED_AT).sort()
      const name = names.find((each) => each.toLowerCase() === part.toLowerCase())
      if (name === undefined) return undefined
      folder = join(folder, name)
    }
  }
  return folder
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function bootFile(handle: FileHandle, size: number): BootFile {
  return {
    size,
    async read(offset, length) {
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      let filled = 0
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, offset + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return buffer.subarray(0, filled)
    },
    close() {
      handle.close().catch(() => undefined)
    },
  }
}
