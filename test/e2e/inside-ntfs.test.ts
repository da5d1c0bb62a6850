import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { openDiskFile } from '../../src/system/index.ts'
import { copyOut, openInside } from '../../src/workshop/index.ts'
import { Volume } from '../../src/workshop/inside/volume.ts'

/** NTFS as ntfs-3g writes it: sparse files of any length, and the links of Interix. */
const MiB = 1 << 20
const folder = mkdtempSync(join(tmpdir(), 'vivarium-ntfs-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// Debian keeps the tools that make file systems where only root's path looks.
process.env.PATH += ':/usr/sbin:/sbin'

/** A volume filled through ntfs-3g; undefined = skipped, by name. */
function volumeWith(t: TestContext, name: string, fill: (root: string) => void): string | undefined {
  const absent = ['mkntfs', 'ntfs-3g', 'umount'].find(
    (tool) => spawnSync(tool, ['--help']).error !== undefined,
  )
  if (absent !== undefined) {
    t.skip(`${absent} is not installed`)
    return undefined
  }
  const [image, root] = [join(folder, `${name}.img`), join(folder, `${name}-mounted`)]
  writeFileSync(image, '')
  truncateSync(image, 64 * MiB)
  execFileSync('mkntfs', ['-q', '-F', '-Q', image], { stdio: 'ignore' })
  mkdirSync(root)
  if (spawnSync('ntfs-3g', [image, root]).status !== 0) {
    t.skip('the host lets nobody mount with ntfs-3g (it needs root and /dev/fuse)')
    return undefined
  }
  try {
    fill(root)
  } finally {
    execFileSync('umount', [root])
  }
  return image
}

const SIZE = 2 ** 40
const WRITTEN = [
  { at: 0, bytes: noise(10_000, 'first') },
  { at: 2 ** 35 + 12_288, bytes: noise(3 * MiB, 'second') },
  { at: SIZE - 5, bytes: noise(5, 'third') },
]

function noise(length: number, seed: string): Buffer {
  const parts: Buffer[] = []
  for (let count = 0; count * 32 < length; count++)
    parts.push(createHash('sha256').update(`${seed} ${count}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

function fillSparse(root: string): void {
  const fd = openSync(join(root, 'sparse disk.img'), 'w')
  for (const { at, bytes } of WRITTEN) writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
  // So many runs that they fill several records.
  const many = openSync(join(root, 'many'), 'w')
  for (let index = 0; index < 1500; index++) writeSync(many, `run ${index}`, index * 256 * 1024)
  ftruncateSync(many, 400 * MiB)
  closeSync(many)
  writeFileSync(join(root, 'small'), 'small')
}

test('of a sparse file in NTFS only what is stored is read, alone and in its folder, and it takes no room', async (t) => {
  const image = volumeWith(t, 'sparse', fillSparse)
  if (image === undefined) return
  const disk = openDiskFile(image)
  let read = 0
  const counted: typeof disk = Object.create(disk, {
    read: {
      value: (offset: number, into: Uint8Array) => {
        read += into.length
        disk.read(offset, into)
      },
    },
  })
  const volume = new Volume({ disk: counted, offset: 0, sizeBytes: disk.sizeBytes }, ['NTFS'])
  await volume.listed()
  read = 0
  let told = 0
  await volume.extract('sparse disk.img', ({ event }) => {
    told += event === 'data' || event === 'hole' ? 1 : 0
  })
  disk.close()
  assert.ok(read < 8 * MiB, `${read} bytes were read`)
  // 16 MiB of zeroes at a time would be sixty thousand.
  assert.ok(told < 100, `${told} pieces were told`)
  const out = join(folder, 'sparse-out')
  mkdirSync(out)
  const quiet = { signal: t.signal, roots: [folder], progress: () => undefined, note: () => undefined }
  const result = await copyOut.run({ path: image, volume: 0, inside: '', target: out, force: false }, quiet)
  assert.equal(result.files, 3)
  const copy = join(out, 'sparse disk.img')
  assert.equal(statSync(copy).size, SIZE)
  assert.ok(statSync(copy).blocks * 512 < 8 * MiB)
  const fd = openSync(copy, 'r')
  for (const { at, bytes } of WRITTEN) {
    const found = Buffer.alloc(bytes.length)
    readSync(fd, found, 0, found.length, at)
    assert.ok(found.equals(bytes), `what was written at ${at}`)
  }
  closeSync(fd)
  assert.equal(statSync(join(out, 'many')).size, 400 * MiB)
  const many = openSync(join(out, 'many'), 'r')
  for (let index = 0; index < 1500; index++) {
    const found = Buffer.alloc(12)
    readSync(many, found, 0, found.length, index * 256 * 1024)
    assert.equal(found.toString('latin1').replace(/\0+$/, ''), `run ${index}`)
  }
  closeSync(many)
})

test('links of Interix are links: in the list, and when they are copied', async (t) => {
  const targets: Record<string, string> = {
    short: 'hello.txt',
    'to nowhere': '../../ürgendwo/日本',
    long: `/${'long/'.repeat(200)}end`,
  }
  const image = volumeWith(t, 'links', (root) => {
    writeFileSync(join(root, 'hello.txt'), 'hello')
    for (const [name, target] of Object.entries(targets)) symlinkSync(target, join(root, name))
    // Without the attribute of a system file it is none.
    writeFileSync(join(root, 'looks like one'), Buffer.from('IntxLNK\x01a\0b\0', 'latin1'))
  })
  if (image === undefined) return
  const inside = openInside(image, { roots: [folder] })
  const { entries } = await inside.list(0, '')
  inside.close()
  const found = Object.fromEntries(
    entries.filter(({ kind }) => kind === 'link').map(({ name, target }) => [name, target]),
  )
  assert.deepEqual(found, targets)
  assert.equal(entries.find(({ name }) => name === 'looks like one')?.kind, 'file')
  const out = join(folder, 'links-out')
  mkdirSync(out)
  const quiet = { signal: t.signal, roots: [folder], progress: () => undefined, note: () => undefined }
  const result = await copyOut.run({ path: image, volume: 0, inside: '', target: out, force: false }, quiet)
  assert.deepEqual([result.files, result.links, result.skipped], [2, 3, 0])
  for (const [name, target] of Object.entries(targets)) assert.equal(readlinkSync(join(out, name)), target)
})
