import { createHash } from 'node:crypto'
import { MiB } from '../../base/index.ts'
import { readGuestSource } from '../guest-sources.ts'

/** What the Debian machine is made of. */

/** The last release of Debian with a kernel for processors without PAE, which is what v86 and Virtual PC have. */
export const DEFAULT_SUITE = 'bookworm'
export const DEBIAN_MEMORY_MB = 256

/** Sectors of 512 bytes. Both partitions begin at a whole megabyte. */
export const BOOT_START = 2048
export const BOOT_SECTORS = (24 * MiB) / 512
export const ROOT_START = BOOT_START + BOOT_SECTORS
export const ROOT_SECTORS = (288 * MiB) / 512
/** The last megabyte stays free: the geometry in a VHD's footer is rounded down, and partitions should lie inside it. */
export const DISK_BYTES = (ROOT_START + ROOT_SECTORS) * 512 + MiB

/** Partition types: FAT16 with LBA, Linux. */
export const BOOT_TYPE = 0x0e
export const ROOT_TYPE = 0x83
export const DISK_ID = 0x6e626544

/** Where the texts of samples/debian go in the new system. */
export const UPLOADS: Record<string, string> = {
  inittab: '/etc/inittab',
  rcS: '/etc/init.d/rcS',
  issue: '/etc/issue',
  'power-button': '/etc/acpi/PWRF/00000080',
  'initramfs-init': '/tmp/initramfs-init',
  'modules.txt': '/tmp/modules.txt',
  'customize.sh': '/tmp/customize.sh',
}

/** Not needed on a machine to look at, and most of the size. */
const EXCLUDED = ['doc', 'man', 'info', 'locale', 'lintian', 'bug'].map((name) => `/usr/share/${name}/*`)

export const dpkgOptions: readonly string[] = EXCLUDED.map((path) => `path-exclude=${path}`)

export function packages(): string[] {
  const lines = readGuestSource('debian/packages.txt').split('\n')
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
}

/** Changes when the same packages would make another disk. For caches of built disks. */
export function recipeHash(): string {
  const hash = createHash('sha256')
  const names = ['packages.txt', 'syslinux.cfg', ...Object.keys(UPLOADS)]
  for (const name of names) hash.update(readGuestSource(`debian/${name}`))
  hash.update(readGuestSource('hello/mbr.asm'))
  hash.update(JSON.stringify([DEFAULT_SUITE, BOOT_SECTORS, ROOT_SECTORS, dpkgOptions]))
  return hash.digest('hex').slice(0, 16)
}
