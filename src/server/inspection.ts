import { closeSync, readSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { asciiOf, VivariumError } from '../base/index.ts'
import type { DiskReport } from '../disk/index.ts'
import type { MachineReport, NetworkReport } from '../machine/index.ts'
import { inspectDisk, inspectMachineFile, openRegularFile, systemError } from '../system/index.ts'

export interface InspectOptions {
  readonly roots: readonly string[]
  /** Folders to look in for a parent by its id. */
  readonly searchFolders?: readonly string[]
  /** What a disk is, where a person knows it and the file does not show it. */
  readonly format?: string
}

/** Text files of the dialect, by name; what they really are is decided by their content. */
const TEXT_EXTENSIONS = new Set(['.vmc', '.vmcx', '.vnc', '.xml', '.vpcbackup'])

/** Opens any file that Vivarium knows, and tells what it is and what is wrong with it. @throws VivariumError. */
export function inspectFile(
  path: string,
  options: InspectOptions,
): DiskReport | MachineReport | NetworkReport {
  return options.format === undefined && isMachineText(path)
    ? inspectMachineFile(path, options)
    : inspectDisk(path, options)
}

/** Whether a file is a machine's or a network's text: by its first bytes, so that a VHD that is called .vmc still opens as the disk it is. */
export function isMachineText(path: string): boolean {
  const head = firstBytes(path)
  if (/^(conectix|KDMV|QFI\xfb|vhdxfile|<<< |MZ)/.test(asciiOf(head))) return false
  if (TEXT_EXTENSIONS.has(extname(path).toLowerCase())) return true
  const text = asciiOf(head).replaceAll('\0', '')
  return /^(\xff\xfe|\xfe\xff|\xef\xbb\xbf)?\s*<(\?xml|preferences|vm_description|!--)/.test(text)
}

function firstBytes(path: string): Uint8Array {
  try {
    if (statSync(path).isDirectory()) throw isFolder(path)
    const fd = openRegularFile(path)
    try {
      const head = new Uint8Array(256)
      return head.subarray(0, readSync(fd, head, 0, head.length, 0))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw systemError(error, path)
  }
}

function isFolder(path: string): VivariumError {
  return new VivariumError('invalid', 'is-a-folder', 'It is a folder.', {
    where: { path },
    next: 'Name the .vmc or disk file in it.',
  })
}
