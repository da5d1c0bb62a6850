import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { getuid } from 'node:process'
import { VivariumError } from '../../base/index.ts'
import { canRunI386 } from './i386.ts'
import { findProgram } from './programs.ts'

/** What the host needs, and the Debian packages that have it. */
const PROGRAMS: Record<string, string> = {
  mmdebstrap: 'mmdebstrap',
  'apt-config': 'apt',
  tar: 'tar',
  mke2fs: 'e2fsprogs',
  'mkfs.fat': 'dosfstools',
  mcopy: 'mtools',
  syslinux: 'syslinux',
}

export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Without root's rights: files that belong to root in the image, and a user namespace to install packages in. */
const UNPRIVILEGED_PROGRAMS: Record<string, string> = { fakeroot: 'fakeroot', newuidmap: 'uidmap' }

/** Root makes files of root's; everybody else needs fakeroot for it. */
export const needsFakeroot = (): boolean => getuid?.() !== 0

/** In a few words each: what keeps this host from building it; none when it can. */
export function obstacles(): string[] {
  return [
    ...missingPackages().map((name) => `the package ${name}`),
    ...(canRunI386() ? [] : ['i386 programs']),
  ]
}

/** The packages to install, none when everything is there. */
function missingPackages(): string[] {
  const programs = { ...PROGRAMS, ...(needsFakeroot() && UNPRIVILEGED_PROGRAMS) }
  const missing = Object.entries(programs).filter(([program]) => findProgram(program) === undefined)
  const packages = missing.map(([, name]) => name)
  return existsSync(KEYRING) ? packages : [...packages, 'debian-archive-keyring']
}

/** @throws VivariumError kind `unavailable`, naming the packages to install. */
export function checkRequirements(): void {
  const packages = missingPackages()
  if (packages.length === 0) {
    if (needsFakeroot()) checkUserIds()
    if (!canRunI386()) throw cannotRun()
    return
  }
  throw new VivariumError(
    'unavailable',
    'debian-tools-missing',
    `A Debian machine is built with Debian's own tools, and this host lacks: ${packages.join(', ')}.`,
    { next: `Run: sudo apt-get install ${packages.join(' ')}` },
  )
}

function cannotRun(): VivariumError {
  return new VivariumError(
    'unavailable',
    'debian-no-i386',
    'The packages of an i386 Debian are set up by their own programs, and the kernel of this host runs no 32-bit programs.',
    {
      next: 'Start it with ia32_emulation=on, or let QEMU run them: sudo apt-get install qemu-user-static, then sudo sh scripts/run-i386.sh in a checkout.',
    },
  )
}

/** mmdebstrap maps the new system's users to a range of ids that the host has set aside for this user. */
function checkUserIds(): void {
  const { username, uid } = userInfo()
  const lines = existsSync('/etc/subuid') ? readFileSync('/etc/subuid', 'utf8').split('\n') : []
  if (lines.some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))) return
  throw new VivariumError(
    'unavailable',
    'debian-no-subuids',
    `The user ${username} has no range of user ids in /etc/subuid, and packages cannot be installed without one.`,
    { next: `Run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}` },
  )
}
