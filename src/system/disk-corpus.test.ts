import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { after, test } from 'node:test'
import unbzip2 from 'unbzip2-stream'
import type { Disk } from '../disk/index.ts'
import { inspectDisk } from './disk-inspect.ts'
import { openDiskFile } from './disks.ts'

/** Every real VHD we have reads to the content that was recorded for it, and its report says what is known of it. */
const corpus = process.env.VIVARIUM_CORPUS ?? resolve(import.meta.dirname, '../../../shared/corpus')
const here = existsSync(join(corpus, 'manifest.json'))
const scratch = mkdtempSync(join(tmpdir(), 'vivarium-corpus-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

interface Entry {
  readonly file: string
  readonly guest_sha256?: string
  readonly guest_bytes?: number
  readonly chs?: readonly number[]
  readonly chs_bytes?: number
  readonly unpacked_sha256?: string
}

const entries: Entry[] = here ? JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) : []
const vhds = entries.filter(({ file }) => /\.vhd(\.bz2)?$/.test(file))

async function fileOf({ file, unpacked_sha256 }: Entry): Promise<string> {
  if (!file.endsWith('.bz2')) return join(corpus, file)
  const path = join(scratch, basename(file, '.bz2'))
  await pipeline(createReadStream(join(corpus, file)), unbzip2(), createWriteStream(path))
  assert.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), unpacked_sha256)
  return path
}

/** Large empty disks are not hashed byte by byte: that no extent holds data says the same. */
const MAX_HASHED_BYTES = 1 << 30

function hashOf(disk: Disk): string {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(1 << 20)
  for (let at = 0; at < disk.sizeBytes; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, disk.sizeBytes - at))
    disk.read(at, piece)
    hash.update(piece)
  }
  return hash.digest('hex')
}

test('the corpus is here', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  assert.ok(vhds.length >= 8)
})

for (const entry of vhds) {
  test(`${entry.file} reads to its recorded content`, async () => {
    const path = await fileOf(entry)
    const disk = openDiskFile(path)
    assert.equal(disk.sizeBytes, entry.guest_bytes)
    if (disk.sizeBytes <= MAX_HASHED_BYTES) assert.equal(hashOf(disk), entry.guest_sha256)
    else
      assert.deepEqual(
        [...disk.extents(0, disk.sizeBytes)].map(({ kind }) => kind),
        ['zero'],
      )
    disk.close()
    const { geometry, virtualSize, problems } = inspectDisk(path)
    assert.equal(virtualSize, entry.guest_bytes)
    if (entry.chs_bytes !== undefined) assert.equal(geometry?.sizeBytes, entry.chs_bytes)
    const isParent = entry.file.endsWith('parent.vhd')
    assert.deepEqual(
      problems.map(({ code }) => code),
      isParent ? ['disk-is-a-parent'] : [],
    )
  })
}

const EXPECTED: Readonly<Record<string, readonly [subformat: string, product: string, volumes: string[]]>> = {
  'vhd/cosmos-hda.vhd': ['dynamic', 'Virtual PC 2007', []],
  'vhd/ext2.vhd': ['dynamic', 'QEMU', ['ext2 ext2_test']],
  'vhd/fat-differential.vhd': ['differencing', 'Windows 10 or later', ['FAT12 TESTVOLUME']],
  'vhd/fat-parent.vhd': ['fixed', 'Windows 10 or later', ['FAT12 TESTVOLUME']],
  'vhd/ntfs-fixed.vhd': ['fixed', 'Windows 10 or later', ['NTFS TestVolume']],
}

test('reports name the kind, the maker and the file systems', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  for (const [file, expected] of Object.entries(EXPECTED)) {
    const { subformat, creator, partitions } = inspectDisk(join(corpus, file))
    const volumes = partitions.map(({ fileSystem, label }) => `${fileSystem} ${label}`)
    assert.deepEqual([subformat, creator?.product, volumes], expected, file)
  }
})

test('the Windows differencing disk stores 18 sectors and finds its parent beside it', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const report = inspectDisk(join(corpus, 'vhd/fat-differential.vhd'))
  assert.equal(report.allocated, 18 * 512)
  assert.deepEqual([report.parent?.state, report.parent?.foundBy], ['found', 'relative'])
  assert.equal(report.parent?.recordedAs[0], 'C:\\Projects\\dfvfs\\test_data\\fat-parent.vhd')
})

test('sector 186 comes from the parent, where another reader takes the child’s', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const child = openDiskFile(join(corpus, 'vhd/fat-differential.vhd'))
  const parent = openDiskFile(join(corpus, 'vhd/fat-parent.vhd'))
  const [a, b] = [new Uint8Array(512), new Uint8Array(512)]
  child.read(186 * 512, a)
  parent.read(186 * 512, b)
  assert.deepEqual(a, b)
  child.close()
  parent.close()
})

test('floppy images open as raw', (t) => {
  if (!here) return t.skip('corpus not here: set VIVARIUM_CORPUS')
  const { format, virtualSize, partitions } = inspectDisk(join(corpus, 'vfd/techos.ima'))
  assert.deepEqual(
    [format, virtualSize, partitions[0]?.fileSystem, partitions[0]?.label],
    ['raw', 1_474_560, 'FAT12', 'TECHOS'],
  )
})
