import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes } from '../../base/index.ts'
import { openDisk } from '../open.ts'
import type { GuestReport, PartitionReport } from '../report.ts'
import { memoryStore } from '../testing.ts'
import { guessGuest } from './guest.ts'
import { guestFromFiles } from './guest-files.ts'

interface Volume {
  readonly type?: string
  readonly fileSystem?: string
  readonly label?: string
  readonly active?: boolean
  /** Text of its boot sector. */
  readonly boot?: string | Uint8Array
}

function guess(volumes: readonly Volume[], first = ''): GuestReport | undefined {
  const bytes = new Uint8Array((1 + volumes.length) * 64 * 512)
  bytes.set(asciiBytes(first), 100)
  const partitions = volumes.map((volume, index): PartitionReport => {
    const offset = (1 + index) * 64 * 512
    const { boot = '' } = volume
    bytes.set(typeof boot === 'string' ? asciiBytes(boot) : boot, offset + 300)
    return {
      number: index + 1,
      scheme: 'mbr',
      type: volume.type ?? '07',
      typeName: '',
      active: volume.active ?? false,
      offset,
      sizeBytes: 64 * 512,
      fileSystem: volume.fileSystem,
      label: volume.label,
    }
  })
  return guessGuest(openDisk(memoryStore(bytes), { format: 'raw' }), partitions)
}

test('boot code names the system, that of the active partition first', () => {
  const xp = { fileSystem: 'NTFS', boot: 'A disk read error occurred NTLDR is missing', active: true }
  const vista = { fileSystem: 'NTFS', boot: 'BOOTMGR is missing' }
  assert.deepEqual(guess([vista, xp]), {
    name: 'Windows NT, 2000, XP or Server 2003',
    confidence: 'likely',
    evidence: ['NTLDR boot sector'],
  })
  assert.equal(guess([{ ...vista, active: true }])?.name, 'Windows Vista or later')
  assert.deepEqual(guess([vista]), {
    name: 'Windows NT or later',
    confidence: 'hint',
    evidence: ['formatted by Windows Vista or later', 'NTFS file system'],
  })
  assert.equal(
    guess([{ type: '0b', boot: 'Invalid system disk IO      SYSMSDOS   SYS WINBOOT SYS' }])?.name,
    'Windows 95, 98 or ME',
  )
  assert.equal(guess([{ type: '06', boot: 'Non-System disk IO      SYSMSDOS   SYS' }])?.name, 'MS-DOS')
  const wide = Uint8Array.from([...'NTLDR'].flatMap((letter) => [letter.charCodeAt(0), 0]))
  assert.equal(guess([{ boot: wide, active: true }])?.name, 'Windows NT, 2000, XP or Server 2003')
})

test('a partition id or a file system is a hint, and two of them for one system are more', () => {
  assert.deepEqual(guess([{ type: 'a6' }]), {
    name: 'OpenBSD',
    confidence: 'hint',
    evidence: ['OpenBSD partition'],
  })
  assert.deepEqual(guess([{ type: '83', fileSystem: 'ext4' }], 'GRUB Geom'), {
    name: 'Linux',
    confidence: 'likely',
    evidence: ['GRUB in the first sector', 'Linux partition', 'ext4 file system'],
  })
  assert.equal(guess([{ type: '0c', fileSystem: 'FAT32' }]), undefined)
})

function filesOf(content: Readonly<Record<string, string>>) {
  return {
    has: (path: string) => Object.keys(content).some((name) => name === path || name.startsWith(`${path}/`)),
    read: async (path: string, limit: number) => {
      const text = content[path]
      return text === undefined || text.length > limit ? undefined : new TextEncoder().encode(text)
    },
  }
}

for (const [files, name, version, confidence] of [
  [
    { 'usr/lib/os-release': 'NAME="Debian GNU/Linux"\nVERSION="12 (bookworm)"\nID=debian\n' },
    'Debian GNU/Linux',
    '12 (bookworm)',
    'certain',
  ],
  [{ 'etc/os-release': "NAME='Alpine Linux'\nVERSION_ID=3.20.1\n" }, 'Alpine Linux', '3.20.1', 'certain'],
  [{ 'etc/debian_version': '3.1\n' }, 'Debian GNU/Linux', '3.1', 'certain'],
  [{ 'etc/redhat-release': 'Red Hat Linux release 9 (Shrike)\n' }, 'Red Hat Linux', '9', 'certain'],
  [
    { 'MSDOS.SYS': ';FORMAT\r\n[Paths]\r\nWinDir=C:\\WINDOWS\r\n[Options]\r\nWinVer=4.10.2222\r\n' },
    'Windows 98 Second Edition',
    '4.10.2222',
    'certain',
  ],
  [{ 'MSDOS.SYS': '[Paths]\r\n' }, 'Windows 95, 98 or ME', undefined, 'likely'],
  [{ 'IO.SYS': '', 'MSDOS.SYS': 'MZ', 'COMMAND.COM': '' }, 'MS-DOS', undefined, 'likely'],
  [{ 'KERNEL.SYS': '', 'COMMAND.COM': '' }, 'FreeDOS', undefined, 'certain'],
  [{ 'reactos/system32/a': '' }, 'ReactOS', undefined, 'certain'],
  [{ 'WINDOWS/system32/config/software': 'regf, but cut' }, 'Windows NT or later', undefined, 'likely'],
] as const) {
  test(`files of ${name} ${version ?? ''} are known`, async () => {
    const found = await guestFromFiles(filesOf(files))
    assert.deepEqual([found?.name, found?.version, found?.confidence], [name, version, confidence])
  })
}

test('files that say nothing give nothing', async () => {
  assert.equal(await guestFromFiles(filesOf({ 'readme.txt': 'hello' })), undefined)
})
