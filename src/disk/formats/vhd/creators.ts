import type { Creator } from '../../format.ts'
import type { Footer } from './footer.ts'

/**
 * Who wrote a file. Sources: real files (Virtual PC 2007, Windows, Hyper-V, Disk2vhd, QEMU) and the tables of
 * QEMU and Aaru for the rest.
 *
 * Vivarium writes `win ` with version 86.1. The application must be one for which everybody takes the CURRENT
 * size as the capacity: QEMU cuts disks of `vpc ` and of unknown creators down to cylinders x heads x sectors
 * and so loses their last sectors, and honours the current size of `win `, `qem2`, `tap` and `CTXS` only.
 * No Windows has the version 86.1, so our own files can still be told apart.
 */
export const OWN_CREATOR = { application: 'win ', version: 0x0056_0001, os: 'Wi2k' } as const

const BY_VERSION: Readonly<Record<string, string>> = {
  'vpc 5.0': 'Virtual PC 2004',
  'vpc 5.3': 'Virtual PC 2007',
  'vpc 1.0': 'a later Virtual PC writer',
  'vs  1.0': 'Virtual Server 2005',
  'win 6.1': 'Windows 7 or Server 2008 R2',
  'win 6.2': 'Windows 8 or Server 2012',
  'win 6.3': 'Windows 8.1 or Hyper-V Server 2012 R2',
  'win 10.0': 'Windows 10 or later',
  'win 86.1': 'Vivarium',
}

const BY_APPLICATION: Readonly<Record<string, string>> = {
  'vpc ': 'Virtual PC',
  'vs  ': 'Virtual Server',
  'win ': 'Windows',
  'd2v\0': 'Disk2vhd',
  'd2v ': 'Disk2vhd',
  qemu: 'QEMU',
  qem2: 'QEMU (exact size)',
  vbox: 'VirtualBox',
  'tap\0': 'Xen',
  CTXS: 'XenConvert',
  aaru: 'Aaru',
  'dic ': 'DiscImageCreator',
}

const HOSTS: Readonly<Record<string, string>> = {
  Wi2k: 'Windows',
  'Mac ': 'Mac OS',
  '\0\0\0\0': 'none given',
}

export function creatorOf(footer: Footer): Creator {
  const version = `${footer.creatorVersion >>> 16}.${footer.creatorVersion & 0xffff}`
  const application = footer.creatorApplication
  return {
    application: printable(application),
    version,
    hostOs: isOurs(footer)
      ? 'marked as from Windows, for compatibility'
      : (HOSTS[footer.creatorOs] ?? printable(footer.creatorOs)),
    product: productOf(application, version, footer.creatorOs),
  }
}

/** Ours name Windows wherever they were made, so that says nothing. */
function isOurs({ creatorApplication, creatorVersion }: Footer): boolean {
  return creatorApplication === OWN_CREATOR.application && creatorVersion === OWN_CREATOR.version
}

function productOf(application: string, version: string, os: string): string {
  // Virtual PC for Mac 5 to 7 wrote version 4.0 and the host "Mac " or nothing (Aaru's notes).
  if (application === 'vpc ' && version === '4.0' && os !== 'Wi2k') return 'Virtual PC for Mac'
  return BY_VERSION[`${application}${version}`] ?? BY_APPLICATION[application] ?? 'unknown'
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '').trim()
}
