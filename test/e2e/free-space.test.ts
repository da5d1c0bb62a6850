import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freeSpaceOf } from '../../src/disk/index.ts'
import { openDiskFile } from '../../src/system/index.ts'
import { newFolder } from './server-process.ts'
import { missing } from './tools.ts'

/**
 * What we call free is really free: file systems made, filled and emptied in part by their own tools have all their
 * free ranges overwritten, and then every file still reads back and the checking program is as happy as before.
 */
const MiB = 1 << 20

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function emptyImage(folder: string, sizeBytes: number): string {
  const path = join(folder, 'volume.img')
  writeFileSync(path, '')
  truncateSync(path, sizeBytes)
  return path
}

interface Files {
  /** Host's copies of what must still be there in the end. */
  readonly keep: ReadonlyMap<string, Buffer>
  readonly folder: string
}

/** Files of all sizes, every third of which is to be deleted again. */
function makeFiles(
  folder: string,
  count: number,
  largest: number,
): Files & { readonly drop: readonly string[] } {
  const from = join(folder, 'files')
  mkdirSync(from)
  const keep = new Map<string, Buffer>()
  const drop: string[] = []
  for (let index = 0; index < count; index++) {
    const name = `FILE${index}.BIN`
    const bytes = randomBytes(Math.floor((largest * (index + 1)) / count) + 1)
    writeFileSync(join(from, name), bytes)
    if (index % 3 === 1) drop.push(name)
    else keep.set(name, bytes)
  }
  return { folder: from, keep, drop }
}

/** Overwrites all that we call free, and returns how much it was. */
function spoilFree(image: string): number {
  const disk = openDiskFile(image)
  const free = freeSpaceOf(disk)
  assert.deepEqual(
    free.volumes.flatMap(({ doubt }) => doubt ?? []),
    [],
  )
  const ranges = [...free.ranges()]
  assertSameFromAnywhere(free.ranges, ranges)
  disk.close()
  const fd = openSync(image, 'r+')
  const rubbish = Buffer.alloc(MiB, 0xff)
  for (const { offset, length } of ranges)
    for (let done = 0; done < length; done += MiB)
      writeSync(fd, rubbish, 0, Math.min(MiB, length - done), offset + done)
  closeSync(fd)
  assert.equal(
    ranges.reduce((sum, { length }) => sum + length, 0),
    free.freeBytes,
  )
  return free.freeBytes
}

type Ranges = (from?: number) => Iterable<{ offset: number; length: number }>

function assertSameFromAnywhere(ranges: Ranges, all: readonly { offset: number; length: number }[]): void {
  for (const [index, { offset, length }] of all.entries()) {
    if (index > 20) return
    for (const from of [offset, offset + length - 1, offset + length]) {
      const [found] = ranges(from)
      const expected = all.find((range) => range.offset + range.length > from)
      assert.equal(found && found.offset + found.length, expected && expected.offset + expected.length)
    }
  }
}

/** `df` in the file system's own words. */
function freeBlocksOfExt(image: string): number {
  const text = run('dumpe2fs', '-h', image)
  return Number(/^Free blocks:\s+(\d+)/m.exec(text)![1]) * Number(/^Block size:\s+(\d+)/m.exec(text)![1])
}

const EXT: readonly (readonly [what: string, sizeBytes: number, args: readonly string[]])[] = [
  ['ext2', 48 * MiB, ['-t', 'ext2']],
  ['ext2 of revision 0', 40 * MiB, ['-t', 'ext2', '-r', '0']],
  ['ext3 with 1 KiB blocks', 100 * MiB, ['-t', 'ext3', '-b', '1024']],
  ['ext4 with flexible groups and groups never written', 300 * MiB, ['-t', 'ext4']],
  ['ext4 without 64 bit', 120 * MiB, ['-t', 'ext4', '-O', '^64bit', '-b', '1024']],
  ['ext4 with CRC-16', 280 * MiB, ['-t', 'ext4', '-O', '^metadata_csum,uninit_bg']],
  ['ext4 with meta groups', 260 * MiB, ['-t', 'ext4', '-O', 'meta_bg,^resize_inode', '-b', '1024']],
  ['ext4 with two copies of the superblock', 300 * MiB, ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode']],
  ['ext4 with clusters', 200 * MiB, ['-t', 'ext4', '-O', 'bigalloc']],
  ['ext4 with an odd number of blocks', 100 * MiB + 5 * 1024, ['-t', 'ext4', '-b', '1024', '-O', 'bigalloc']],
]

for (const [what, sizeBytes, args] of EXT) {
  test(`free blocks of ${what}`, (t) => {
    if (missing(t, 'mke2fs', 'debugfs', 'e2fsck')) return
    const folder = newFolder(t)
    const image = emptyImage(folder, Math.ceil(sizeBytes / 512) * 512)
    const { folder: from, keep, drop } = makeFiles(folder, 30, MiB)
    const small = args.includes('-r') ? ['-I', '128'] : []
    run('mke2fs', '-q', '-F', ...args, ...small, '-d', from, image)
    for (const name of drop) run('debugfs', '-w', '-R', `rm ${name}`, image)
    writeFileSync(join(folder, 'late'), randomBytes(3 * MiB))
    run('debugfs', '-w', '-R', `write ${join(folder, 'late')} LATE.BIN`, image)
    // debugfs leaves counters for the checking program to put right, where it does not keep all of them.
    spawnSync('e2fsck', ['-fy', image])
    const expected = freeBlocksOfExt(image)
    const freed = spoilFree(image)
    // A last cluster that the disk cuts short is not given away.
    assert.ok(expected - freed >= 0 && expected - freed < 65_536, `${freed} of ${expected}`)
    run('e2fsck', '-fn', image)
    for (const [name, bytes] of [...keep, ['LATE.BIN', readFileSync(join(folder, 'late'))] as const]) {
      run('debugfs', '-R', `dump ${name} ${join(folder, 'out')}`, image)
      assert.ok(readFileSync(join(folder, 'out')).equals(bytes), name)
    }
  })
}

const FAT: readonly (readonly [what: string, sizeBytes: number, args: readonly string[]])[] = [
  ['FAT12 of a floppy', 1440 << 10, []],
  ['FAT12', 8 * MiB, ['-F', '12']],
  ['FAT16', 60 * MiB, ['-F', '16']],
  ['FAT32', 300 * MiB, ['-F', '32']],
  ['FAT32 with sectors of 4 KiB', 400 * MiB, ['-F', '32', '-S', '4096']],
]

for (const [what, sizeBytes, args] of FAT) {
  test(`free clusters of ${what}`, (t) => {
    if (missing(t, 'mkfs.fat', 'mcopy', 'fsck.fat')) return
    const folder = newFolder(t)
    const image = emptyImage(folder, sizeBytes)
    run('mkfs.fat', ...args, image)
    const { folder: from, keep, drop } = makeFiles(folder, 24, sizeBytes / 40)
    run('mcopy', '-i', image, ...readdirSync(from).map((name) => join(from, name)), '::')
    run('mdel', '-i', image, ...drop.map((name) => `::${name}`))
    const freed = spoilFree(image)
    const listing = run('fsck.fat', '-nv', image)
    assert.doesNotMatch(listing, /orphan|reclaim|differ|Leaving file system unchanged/i)
    const [, used, clusters] = /(\d+)\/(\d+) clusters/.exec(listing)!
    const [, clusterBytes] = /(\d+) bytes per cluster/.exec(listing)!
    assert.equal(freed, (Number(clusters) - Number(used)) * Number(clusterBytes))
    for (const [name, bytes] of keep) {
      const out = execFileSync('mtype', ['-i', image, `::${name}`], { maxBuffer: 64 * MiB })
      assert.ok(out.equals(bytes), name)
    }
  })
}

for (const clusterBytes of [512, 4096, 65_536]) {
  test(`free clusters of NTFS with clusters of ${clusterBytes} bytes`, (t) => {
    if (missing(t, 'mkntfs', 'ntfscp', 'ntfscat', 'ntfsfix', 'ntfsinfo')) return
    const folder = newFolder(t)
    const image = emptyImage(folder, 80 * MiB)
    run('mkntfs', '-q', '-F', '-Q', '-c', `${clusterBytes}`, image)
    const { folder: from, keep, drop } = makeFiles(folder, 24, MiB)
    for (const name of [...drop, ...keep.keys()]) run('ntfscp', '-q', '-f', image, join(from, name), name)
    // Shorter content in place of a file gives clusters back.
    writeFileSync(join(folder, 'short'), 'short')
    for (const name of drop) run('ntfscp', '-q', '-f', image, join(folder, 'short'), name)
    const info = run('ntfsinfo', '-m', '-f', image)
    const expected = Number(/Free Clusters: (\d+)/.exec(info)![1]) * clusterBytes
    assert.equal(spoilFree(image), expected)
    run('ntfsfix', '-n', image)
    for (const [name, bytes] of keep) {
      const out = execFileSync('ntfscat', ['-f', image, name], { maxBuffer: 8 * MiB })
      assert.ok(out.equals(bytes), name)
    }
  })
}

test('free clusters of exFAT', (t) => {
  if (missing(t, 'mkfs.exfat', 'fsck.exfat')) return
  const image = emptyImage(newFolder(t), 64 * MiB)
  run('mkfs.exfat', image)
  const expected = Number(/Free Clusters:\s+(\d+)/.exec(run('dump.exfat', image))![1]) * 4096
  assert.equal(spoilFree(image), expected)
  run('fsck.exfat', '-n', image)
})

test('partitions with two kinds of file systems and a swap space', (t) => {
  if (missing(t, 'sfdisk', 'mke2fs', 'mkfs.fat', 'mkswap')) return
  const folder = newFolder(t)
  const image = emptyImage(folder, 130 * MiB)
  const table = 'label: gpt\nsize=40M, type=L\nsize=40M, type=S\nsize=40M, type=U\n'
  execFileSync('sfdisk', ['-q', image], { input: table })
  const volumes = ['ext4', 'swap', 'fat'].map((kind, index) => {
    const path = join(folder, kind)
    writeFileSync(path, '')
    truncateSync(path, 40 * MiB)
    if (kind === 'ext4') run('mke2fs', '-q', '-F', '-t', kind, path)
    else if (kind === 'swap') spawnSync('mkswap', [path])
    else run('mkfs.fat', path)
    const fd = openSync(image, 'r+')
    writeSync(fd, readFileSync(path), 0, 40 * MiB, MiB + index * 40 * MiB)
    closeSync(fd)
    return path
  })
  const before = readFileSync(image)
  const freed = spoilFree(image)
  assert.ok(freed > 110 * MiB)
  const disk = openDiskFile(image)
  const [, swap] = freeSpaceOf(disk).volumes
  disk.close()
  assert.equal(swap?.freeBytes, 40 * MiB - 4096)
  const after = readFileSync(image)
  assert.ok(after.subarray(0, MiB).equals(before.subarray(0, MiB)))
  assert.ok(after.subarray(121 * MiB).equals(before.subarray(121 * MiB)))
  for (const [index, path] of volumes.entries())
    writeFileSync(path, after.subarray(MiB + index * 40 * MiB, MiB + (index + 1) * 40 * MiB))
  run('e2fsck', '-fn', volumes[0]!)
  run('fsck.fat', '-n', volumes[2]!)
})

test('what was not left in order, or is part of something larger, keeps its free space', (t) => {
  if (missing(t, 'mke2fs', 'debugfs', 'mkfs.fat')) return
  const folder = newFolder(t)
  const image = join(folder, 'volume.img')
  const doubts = (prepare: () => void) => {
    rmSync(image, { force: true })
    emptyImage(folder, 20 * MiB)
    prepare()
    const disk = openDiskFile(image)
    const { freeBytes, volumes } = freeSpaceOf(disk)
    disk.close()
    assert.equal(freeBytes, 0)
    return volumes.map(({ doubt }) => doubt?.code)
  }
  const patch = (at: number, ...bytes: number[]) => {
    const fd = openSync(image, 'r+')
    writeSync(fd, Uint8Array.from(bytes), 0, bytes.length, at)
    closeSync(fd)
  }
  const ext = (...commands: string[]) => {
    run('mke2fs', '-q', '-F', '-t', 'ext4', image)
    for (const command of commands) run('debugfs', '-w', '-R', command, image)
  }
  assert.deepEqual(
    doubts(() => ext('feature needs_recovery')),
    ['file-system-not-clean'],
  )
  assert.deepEqual(
    doubts(() => ext('ssv state 0')),
    ['file-system-not-clean'],
  )
  assert.deepEqual(
    doubts(() => ext('ssv state 3')),
    ['file-system-not-clean'],
  )
  assert.deepEqual(
    doubts(() => ext('feature shared_blocks')),
    ['file-system-feature'],
  )
  assert.deepEqual(
    doubts(() => ext('set_bg 1 free_blocks_count 17')),
    ['file-system-damaged'],
  )
  const fat = (at: number, ...bytes: number[]) => {
    run('mkfs.fat', '-F', '16', image)
    patch(at, ...bytes)
  }
  assert.deepEqual(
    doubts(() => fat(37, 1)),
    ['file-system-not-clean'],
  )
  // The first table begins behind four reserved sectors at most; its first free entry differs from its copy's.
  const reserved = () => readFileSync(image).readUInt16LE(14) * 512
  assert.deepEqual(
    doubts(() => {
      fat(37, 0)
      patch(reserved() + 100, 0xff, 0xff)
    }),
    ['file-system-damaged'],
  )
  assert.deepEqual(
    doubts(() => {
      fat(37, 0)
      patch(reserved() + 3, 0x7f)
      patch(reserved() + readFileSync(image).readUInt16LE(22) * 512 + 3, 0x7f)
    }),
    ['file-system-not-clean'],
  )
  assert.deepEqual(
    doubts(() => fat(1024 + 56, 0x53, 0xef)),
    ['file-system-ambiguous'],
  )
})

test('an NTFS volume that is open, dirty or keeps shadow copies keeps its free space', (t) => {
  if (missing(t, 'mkntfs')) return
  const folder = newFolder(t)
  const image = emptyImage(folder, 20 * MiB)
  run('mkntfs', '-q', '-F', '-Q', image)
  const sound = readFileSync(image)
  const doubtOf = (at: number, bytes: Uint8Array) => {
    const changed = Buffer.from(sound)
    changed.set(bytes, at)
    writeFileSync(image, changed)
    const disk = openDiskFile(image)
    const [volume] = freeSpaceOf(disk).volumes
    disk.close()
    assert.equal(volume?.freeBytes === 0, volume?.doubt !== undefined)
    return volume?.doubt?.code
  }
  assert.equal(doubtOf(0, new Uint8Array(0)), undefined)
  const shadows = Buffer.alloc(56)
  Buffer.from('6b87083876c1484eb7ae04046e6cc752', 'hex').copy(shadows)
  assert.equal(doubtOf(0x1e00, shadows), undefined)
  shadows.writeBigUInt64LE(0x4000n, 48)
  assert.equal(doubtOf(0x1e00, shadows), 'ntfs-shadow-copies')
  const table = Number(sound.readBigUInt64LE(48)) * 4096
  const volume = sound.subarray(table + 3 * 1024, table + 4 * 1024)
  const information = volume.indexOf(Buffer.from([0x70, 0, 0, 0]))
  const flags = table + 3 * 1024 + information + volume.readUInt16LE(information + 20) + 10
  assert.equal(doubtOf(flags, Uint8Array.of(1)), 'file-system-not-clean')
  // The log's first bytes, found by its content: an empty one is all FF.
  const log = sound.indexOf(Buffer.alloc(64 << 10, 0xff))
  assert.equal(doubtOf(log, restartPages(false)), 'file-system-not-clean')
  assert.equal(doubtOf(log, restartPages(true)), undefined)
})

/** Two restart pages of a log as Windows leaves it: one client, and the volume clean or not. */
function restartPages(clean: boolean): Buffer {
  const pages = Buffer.alloc(8192)
  for (const at of [0, 4096]) {
    pages.write('RSTR', at, 'latin1')
    pages.writeUInt16LE(30, at + 4)
    pages.writeUInt16LE(9, at + 6)
    pages.writeUInt32LE(4096, at + 16)
    pages.writeUInt32LE(4096, at + 20)
    pages.writeUInt16LE(48, at + 24)
    pages.writeUInt16LE(0, at + 48 + 12)
    pages.writeUInt16LE(clean ? 2 : 0, at + 48 + 14)
  }
  return pages
}
