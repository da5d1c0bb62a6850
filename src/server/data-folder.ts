import { createHash } from 'node:crypto'
import { accessSync, constants, realpathSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { VivariumError } from '../base/index.ts'
import { makeFolder, makePrivateFolder, ownUid, systemError } from '../system/index.ts'

/**
 * Every file the server keeps, named once. docs/data-folder.md describes each; a test compares the two.
 */
export interface DataFolder {
  readonly root: string
  /** Machines made here, one folder each: "Virtual Machines/NAME/NAME.vmc". */
  readonly library: string
  /** Accounts, sessions, registrations, events, tasks. */
  readonly database: string
  /** Undo disks of machines that lie elsewhere: "undo/MACHINE-ID/*.vud". */
  readonly undo: string
  /** The virtual networks, a VNC file each, as Virtual Server's folder of that name. */
  readonly sharedNetworks: string
  /** DHCP leases, DNS and WINS registrations of the virtual networks, a journal each. */
  readonly networks: string
  /** Recorded traffic of virtual networks, pcapng. */
  readonly captures: string
  /** Bearer token of this user's command line. */
  readonly cliToken: string
  /** Address and process of the running server. */
  readonly serverRecord: string
  /** Downloads and half-built samples. */
  readonly cache: string
  /** Unix sockets; outside the data folder, because their paths may only be about 100 bytes long. */
  readonly run: string
}

export function defaultDataFolder(): string {
  const { VIVARIUM_DATA, XDG_DATA_HOME } = process.env
  if (VIVARIUM_DATA) return resolve(VIVARIUM_DATA)
  return join(XDG_DATA_HOME || join(homeFolder(), '.local', 'share'), 'vivarium')
}

/** HOME may be set and empty, as under some service managers; the account knows better. */
function homeFolder(): string {
  try {
    const home = homedir() || userInfo().homedir
    if (home !== '') return home
  } catch {
    // A container may have no account of this number.
  }
  throw new VivariumError('not-found', 'no-home-folder', 'This user has no home folder.', {
    where: { field: 'HOME' },
    next: 'Name a data folder with --data, or in the variable VIVARIUM_DATA.',
  })
}

/** Names the files; nothing is made. */
export function dataFolderAt(path: string): DataFolder {
  const root = resolve(path)
  const key = createHash('sha256').update(root).digest('hex').slice(0, 8)
  return {
    root,
    library: join(root, 'Virtual Machines'),
    database: join(root, 'vivarium.sqlite'),
    undo: join(root, 'undo'),
    sharedNetworks: join(root, 'Shared Virtual Networks'),
    networks: join(root, 'networks'),
    captures: join(root, 'captures'),
    cliToken: join(root, 'cli-token'),
    serverRecord: join(root, 'server.json'),
    cache: join(root, 'cache'),
    run: runFolder(`vivarium-${ownUid()}-${key}`),
  }
}

/**
 * The path of a Unix socket has at most 107 bytes (unix(7)). "/xxxxxxxx-XXXXXX/disks-control.sock" must follow, and
 * this leaves as much room again.
 */
const RUN_FOLDER_BYTES = 60

function runFolder(name: string): string {
  const fits = (base: string) => isAbsolute(base) && Buffer.byteLength(join(base, name)) < RUN_FOLDER_BYTES
  const { XDG_RUNTIME_DIR = '' } = process.env
  const base = [XDG_RUNTIME_DIR, tmpdir()].find((each) => fits(each) && isWritable(each))
  return join(base ?? '/tmp', name)
}

/** After `su`, the variables still name the folder of the user before. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Makes the folders, closed to other users, and answers them by their real paths: the folder may be reached
 * through a link, and where a file lies is decided by comparing paths.
 * @throws VivariumError kind `denied`, `conflict` or `io`.
 */
export function makeDataFolder(asked: DataFolder): DataFolder {
  makeFolder(asked.root)
  const folder = dataFolderAt(realPath(asked.root))
  const { library, undo, sharedNetworks, networks, captures, cache } = folder
  for (const path of [library, undo, sharedNetworks, networks, captures, cache]) makeFolder(path)
  // In /tmp somebody else could have made it, to catch our sockets.
  makePrivateFolder(
    folder.run,
    'Set XDG_RUNTIME_DIR to a folder of your own; or, if this one is yours, remove it while no machine runs.',
  )
  return { ...folder, library: realPath(folder.library), undo: realPath(folder.undo) }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw systemError(error, path)
  }
}
