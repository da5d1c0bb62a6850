import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readGuestSource } from '../guest-sources.ts'
import type { NewSystem } from './bootstrap.ts'
import { runProgram } from './programs.ts'
import { BOOT_SECTORS, BOOT_START, ROOT_SECTORS } from './recipe.ts'
import { needsFakeroot } from './requirements.ts'

/**
 * Makes the image of the boot partition: FAT16 with syslinux, kernel and initramfs. mtools and syslinux work on the
 * file itself, so neither a loop device nor root's rights are needed.
 */
export async function makeBootPartition(
  system: NewSystem,
  folder: string,
  signal?: AbortSignal,
): Promise<string> {
  const image = join(folder, 'boot.img')
  const configuration = join(folder, 'syslinux.cfg')
  const run = (name: string, ...args: string[]) => runProgram(name, args, signal && { signal })
  writeFileSync(image, '')
  truncateSync(image, BOOT_SECTORS * 512)
  writeFileSync(configuration, readGuestSource('debian/syslinux.cfg'))
  const layout = ['-F', '16', '-n', 'VIVARIUM', '-g', '16/63', '-h', String(BOOT_START)]
  await run('mkfs.fat', ...layout, image)
  await run('mcopy', '-i', image, configuration, system.kernel, system.initramfs, '::/')
  await run('syslinux', '--install', image)
  return image
}

/** Makes the image of the root partition: the file tree in ext4, filled by mke2fs itself. */
export async function makeRootPartition(
  system: NewSystem,
  folder: string,
  signal?: AbortSignal,
): Promise<string> {
  const image = join(folder, 'root.img')
  const tree = join(folder, 'root')
  mkdirSync(tree)
  const script = [
    'tar --extract --numeric-owner --file "$1" --directory "$2"',
    // mmdebstrap left out /dev and all device files in it: the kernel makes them at every start.
    'mkdir "$2/dev"',
    // No backup of a journal that is replayed in milliseconds, no blocks kept back for root.
    'mke2fs -q -t ext4 -L vivarium-root -m 0 -J size=4 -E nodiscard,root_owner=0:0 -d "$2" "$3" "$4"',
  ].join(' && ')
  const shell = ['sh', '-c', script, 'sh', system.tar, tree, image, `${(ROOT_SECTORS * 512) / 1024}k`]
  const [program, ...args] = needsFakeroot() ? ['fakeroot', ...shell] : shell
  await runProgram(program!, args, signal && { signal })
  rmSync(tree, { recursive: true })
  return image
}
