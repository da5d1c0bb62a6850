import { asciiOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import type { GuestReport, PartitionReport } from '../report.ts'
import { bytesAt, ifReadable } from './disk-bytes.ts'

interface Clue {
  readonly name: string
  readonly confidence: 'likely' | 'hint'
  readonly evidence: string
  /** Makes nothing likelier. */
  readonly isWeak?: boolean
}

/** Partitions whose first sectors are looked at. */
const MAX_PARTITIONS = 8

type Signature = readonly [needle: string, name: string, confidence: Clue['confidence'], what: string]

/** Texts in the first sectors of a volume, each of one loader; the more telling first. */
const VOLUME_CODE: readonly Signature[] = [
  ['BOOTMGR', 'Windows Vista or later', 'likely', 'BOOTMGR boot sector'],
  ['NTLDR', 'Windows NT, 2000, XP or Server 2003', 'likely', 'NTLDR boot sector'],
  ['FREELDR', 'ReactOS', 'likely', 'FreeLoader boot sector'],
  ['WINBOOT SYS', 'Windows 95, 98 or ME', 'likely', 'Windows 9x boot sector'],
  ['KERNEL  SYS', 'FreeDOS', 'likely', 'FreeDOS boot sector'],
  ['OS2BOOT', 'OS/2', 'likely', 'OS/2 boot sector'],
  ['IBMBIO  COM', 'PC DOS', 'likely', 'PC DOS boot sector'],
  ['DRBIOS  SYS', 'DR-DOS', 'likely', 'DR-DOS boot sector'],
  ['IO      SYS', 'MS-DOS', 'likely', 'MS-DOS boot sector'],
  ['EXTLINUX', 'Linux', 'likely', 'EXTLINUX boot sector'],
  ['SYSLINUX', 'Linux', 'likely', 'SYSLINUX boot sector'],
  ['LILO', 'Linux', 'likely', 'LILO boot sector'],
  ['GRUB ', 'Linux', 'hint', 'GRUB boot sector'],
  ['BSD', 'BSD', 'hint', 'BSD boot sector'],
]

/** The same of the code before the partition table. */
const DISK_CODE: readonly Signature[] = [
  ['GRUB ', 'Linux', 'hint', 'GRUB in the first sector'],
  ['LILO', 'Linux', 'likely', 'LILO in the first sector'],
  ['FreeBS', 'FreeBSD', 'likely', 'boot0 of FreeBSD in the first sector'],
  ['OpenBSD', 'OpenBSD', 'likely', 'boot code of OpenBSD in the first sector'],
  ['NetBSD', 'NetBSD', 'likely', 'boot code of NetBSD in the first sector'],
]

/** Partition ids of MBR tables that only one family of systems uses. */
const PARTITION_TYPES: Readonly<Record<string, readonly [name: string, what: string]>> = {
  '0a': ['OS/2', 'OS/2 Boot Manager partition'],
  '39': ['Plan 9', 'Plan 9 partition'],
  '4d': ['QNX', 'QNX partition'],
  '64': ['NetWare', 'NetWare partition'],
  '65': ['NetWare', 'NetWare partition'],
  '81': ['Minix', 'Minix partition'],
  '82': ['Linux', 'Linux swap partition'],
  '83': ['Linux', 'Linux partition'],
  '8e': ['Linux', 'Linux LVM partition'],
  a5: ['FreeBSD', 'FreeBSD partition'],
  a6: ['OpenBSD', 'OpenBSD partition'],
  a8: ['Mac OS X', 'Mac OS X partition'],
  a9: ['NetBSD', 'NetBSD partition'],
  bf: ['Solaris', 'Solaris partition'],
  eb: ['BeOS', 'BeOS partition'],
  fd: ['Linux', 'Linux RAID partition'],
}

const FILE_SYSTEMS: Readonly<Record<string, string>> = {
  ext2: 'Linux',
  ext3: 'Linux',
  ext4: 'Linux',
  XFS: 'Linux',
  btrfs: 'Linux',
  swap: 'Linux',
  LVM2: 'Linux',
  HPFS: 'OS/2',
  'HFS+': 'Mac OS X',
  APFS: 'macOS',
  ReFS: 'Windows Server',
  NTFS: 'Windows NT or later',
}

/** Labels that installers give. */
const LABELS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^cloudimg-rootfs$/, 'Ubuntu'],
  [/^(fedora|centos|rhel)/i, 'Linux'],
  [/^System Reserved$|^System-reserviert$/, 'Windows 7 or later'],
  [/^Windows RE tools$|^WinRE$/i, 'Windows 8 or later'],
]

/**
 * Guesses from boot code, partition ids, file systems and labels: a few sectors, and no file. Undefined when nothing
 * of it is telling. Never throws for a damaged disk.
 */
export function guessGuest(disk: Disk, partitions: readonly PartitionReport[]): GuestReport | undefined {
  const clues: Clue[] = []
  const byBoot = [...partitions].sort((a, b) => Number(b.active) - Number(a.active)).slice(0, MAX_PARTITIONS)
  for (const { offset, scheme, active } of byBoot) {
    const found = clueIn(disk, offset, 2 * 512, VOLUME_CODE)
    // Formatting writes the code too; only an active partition is there to be started from, and none of a GPT.
    const isStarted = scheme === 'none' || active
    clues.push(...(isStarted ? found : found.map(asFormatted)))
  }
  if (partitions.some(({ scheme }) => scheme !== 'none')) clues.push(...clueIn(disk, 0, 440, DISK_CODE))
  for (const { scheme, type, label = '', name = '', fileSystem = '' } of partitions) {
    const known = scheme === 'mbr' ? PARTITION_TYPES[type] : undefined
    if (known !== undefined) clues.push({ name: known[0], confidence: 'hint', evidence: known[1] })
    for (const [pattern, system] of LABELS)
      if (pattern.test(label) || pattern.test(name))
        clues.push({ name: system, confidence: 'hint', evidence: `label "${label || name}"` })
    const system = FILE_SYSTEMS[fileSystem]
    if (system !== undefined)
      clues.push({ name: system, confidence: 'hint', evidence: `${fileSystem} file system` })
  }
  return verdict(clues)
}

/** What wrote a boot sector that nothing starts: the system that formatted a disk for data. */
function asFormatted(clue: Clue): Clue {
  if (!clue.name.startsWith('Windows')) return { ...clue, confidence: 'hint' }
  return {
    name: clue.name.includes('95') ? clue.name : 'Windows NT or later',
    confidence: 'hint',
    evidence: `formatted by ${clue.name}`,
    isWeak: true,
  }
}

/** The first likely one, else the first hint; two kinds of evidence for one system make a hint likely. */
function verdict(clues: readonly Clue[]): GuestReport | undefined {
  const best = clues.find(({ confidence }) => confidence === 'likely') ?? clues[0]
  if (best === undefined) return undefined
  const alike = clues.filter(({ name }) => name === best.name)
  const evidence = [...new Set(alike.map((clue) => clue.evidence))]
  const telling = new Set(alike.filter(({ isWeak }) => isWeak !== true).map((clue) => clue.evidence))
  const likely = best.confidence === 'likely' || telling.size > 1
  return { name: best.name, confidence: likely ? 'likely' : 'hint', evidence }
}

function clueIn(disk: Disk, offset: number, length: number, signatures: readonly Signature[]): Clue[] {
  const bytes = ifReadable(() => bytesAt(disk, offset, length))
  if (bytes === undefined) return []
  const text = asciiOf(bytes)
  const found = signatures.find(([needle]) => text.includes(needle) || text.includes(wide(needle)))
  return found === undefined ? [] : [{ name: found[1], confidence: found[2], evidence: found[3] }]
}

/** NTFS keeps the name of its loader in the second sector, in UTF-16. */
function wide(needle: string): string {
  return [...needle].join('\0')
}
