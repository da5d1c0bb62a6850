import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { LINUX } from './guests/boot-guest.ts'

// Debian keeps many tools (of file systems, of networks) where only root's path looks.
process.env.PATH = [process.env.PATH ?? '', '/usr/sbin', '/sbin'].join(delimiter)

/** Files that tests use and that are no commands: Debian's package of each. */
const PACKAGES: Readonly<Record<string, string>> = {
  '/usr/lib/ipxe/qemu/pxe-e1000.rom': 'ipxe-qemu',
  '/usr/lib/ipxe/ipxe.iso': 'ipxe',
  [LINUX]: 'debian-installer-12-netboot-i386',
  '/usr/lib/PXELINUX/pxelinux.0': 'pxelinux',
  '/usr/lib/syslinux/modules/bios/ldlinux.c32': 'syslinux-common',
}

/**
 * Skips the test where one of the tools is missing, and says which: a command of the path, or the full path of a file.
 *
 *     if (missing(t, 'qemu-img', '/usr/lib/ipxe/ipxe.iso')) return
 */
export function missing(t: Pick<TestContext, 'skip'>, ...tools: readonly string[]): boolean {
  const absent = tools.find((tool) => !isThere(tool))
  if (absent === undefined) return false
  const from = PACKAGES[absent]
  t.skip(`${absent} is not installed${from === undefined ? '' : ` (Debian package ${from})`}`)
  return true
}

function isThere(tool: string): boolean {
  if (tool.startsWith('/')) return existsSync(tool)
  return process.env.PATH!.split(delimiter).some((folder) => isProgram(join(folder, tool)))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
