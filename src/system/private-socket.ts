import { accessSync, constants, lstatSync, rmSync } from 'node:fs'
import net from 'node:net'
import { dirname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { systemError } from './system-error.ts'

/** unix(7): sun_path has 108 bytes, the last of them zero. */
const PATH_BYTES = 107

/**
 * Listens on a Unix socket that only this user can open, in place of one that a dead process left behind.
 * @throws VivariumError kind `invalid` when the path is too long, `busy` when somebody listens there already,
 * `denied` or `not-found` for the folder.
 */
export async function listenPrivately(server: net.Server, path: string): Promise<void> {
  checkSocketPath(path)
  checkFolder(dirname(path))
  await removeStaleSocket(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(systemError(error, path)))
    // The socket is made while `listen` runs, with the rights that the mask leaves; there is no moment of 0777.
    const mask = process.umask(0o177)
    server.listen(path, resolve)
    process.umask(mask)
  })
  server.removeAllListeners('error')
  server.on('error', () => undefined)
}

/** @throws VivariumError kind `invalid` when no socket can have this path: connecting would only say EINVAL. */
export function checkSocketPath(path: string): void {
  const length = Buffer.byteLength(path)
  if (length > PATH_BYTES) {
    throw new VivariumError(
      'invalid',
      'socket-path-too-long',
      `The path of the socket has ${length} bytes; Unix allows ${PATH_BYTES}.`,
      { where: { path }, next: 'Choose a shorter folder.' },
    )
  }
}

/** libuv answers EACCES to a folder that is missing as to one that is closed, so look ourselves. */
function checkFolder(folder: string): void {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw systemError(error, folder)
  }
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  // A connection to a plain file is refused just like one to a socket that nobody serves.
  if (!found.isSocket()) {
    throw new VivariumError('conflict', 'socket-path-taken', 'There is a file of this name already.', {
      where: { path },
      next: 'Choose another name for the socket.',
    })
  }
  if (!(await hasListener(path))) {
    rmSync(path, { force: true })
    return
  }
  throw new VivariumError('busy', 'socket-in-use', 'Another process listens on this socket.', {
    where: { path },
    next: 'Stop it, or choose another socket.',
  })
}

async function hasListener(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = net.connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    // Whatever else than a refusal it is, somebody may still be there.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
  })
}
