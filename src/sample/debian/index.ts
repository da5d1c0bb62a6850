import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeFolder, systemError } from '../../system/index.ts'
import { makeMachine } from '../machine-folder.ts'
import type { BuiltSample, Sample, SampleOptions } from '../sample.ts'
import { bootstrap } from './bootstrap.ts'
import { debianContent } from './content.ts'
import { makeBootPartition, makeRootPartition } from './file-systems.ts'
import { DEBIAN_MEMORY_MB, DEFAULT_SUITE } from './recipe.ts'
import { checkRequirements } from './requirements.ts'

export { recipeHash } from './recipe.ts'
export { obstacles } from './requirements.ts'

export interface DebianOptions extends SampleOptions {
  /** The release; it must have a kernel for i386 without PAE. Absent: bookworm. */
  readonly suite?: string
  /** Where fetched packages are kept. Absent: vivarium/debian in the user's cache folder (XDG_CACHE_HOME). */
  readonly cacheFolder?: string
}

export const debian: Sample = {
  name: 'debian',
  title: 'Debian',
  description: 'A small Debian for i386 with a login on the screen and on COM1, built from Debian packages.',
  build: buildDebian,
}

/**
 * Builds a bootable Debian as a machine file and a disk, with the tools and the package mirror of the host.
 * @throws VivariumError kind `unavailable`, code `debian-tools-missing`, naming the packages to install; `io`, code
 * `program-failed`; `conflict` when a file exists; the signal's reason when it is aborted.
 */
export async function buildDebian(folder: string, options: DebianOptions = {}): Promise<BuiltSample> {
  const { name = debian.title, diskType = 'dynamic', suite = DEFAULT_SUITE, onProgress, signal } = options
  checkRequirements()
  signal?.throwIfAborted()
  const abort = signal && { signal }
  const workFolder = newWorkFolder()
  try {
    const system = await bootstrap({
      suite,
      workFolder,
      cacheFolder: options.cacheFolder ?? defaultCacheFolder(),
      onStep: (fraction, text) => onProgress?.(fraction * 70, text),
      ...abort,
    })
    onProgress?.(70, 'Making the file systems')
    const boot = await makeBootPartition(system, workFolder, signal)
    const root = await makeRootPartition(system, workFolder, signal)
    const built = await makeMachine(folder, {
      name,
      diskType,
      memoryMB: DEBIAN_MEMORY_MB,
      content: debianContent(boot, root),
      guestOs: 'Other',
      notes: `Debian ${suite} for i386, built by Vivarium. Sign in as root with the password vivarium.`,
      onProgress: (fraction) => onProgress?.(80 + fraction * 20, 'Writing the disk'),
      ...abort,
    })
    onProgress?.(100, 'Debian is ready')
    return built
  } finally {
    rmSync(workFolder, { recursive: true, force: true })
  }
}

function newWorkFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'vivarium-debian-'))
  } catch (error) {
    throw systemError(error, tmpdir())
  }
}

function defaultCacheFolder(): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vivarium', 'debian')
  makeFolder(folder, 0o777)
  return folder
}
