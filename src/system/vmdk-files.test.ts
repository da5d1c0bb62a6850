import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createVdi, openDiskChain } from '../disk/index.ts'
import { mergeIntoParent } from '../workshop/merge-into-parent.ts'
import { resolveChain } from './disk-chains.ts'
import { createDiskFile, type NewDiskFile } from './disk-create.ts'
import { inspectDisk } from './disk-inspect.ts'
import { openDiskFile } from './disks.ts'
import { openFileStore } from './files.ts'

const createVmdk = (path: string, options: Omit<NewDiskFile, 'format'>) =>
  createDiskFile(path, { format: 'vmdk', ...options })

/** Disks of several files, and parents known by content or by id alone, on a real file system. */
const MiB = 1 << 20
const root = realpathSync(mkdtempSync(join(tmpdir(), 'vivarium-vmdk-')))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  const path = join(root, String(folders++))
  mkdirSync(path)
  return path
}

function fill(path: string, at: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(at, new Uint8Array(4096).fill(value))
  disk.close()
}

function byteAt(path: string, at: number): number {
  const disk = openDiskFile(path)
  const into = new Uint8Array(1)
  disk.read(at, into)
  disk.close()
  return into[0]!
}

for (const subformat of [
  'monolithicSparse',
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
] as const) {
  test(`a ${subformat} disk is made, written and found again in another folder`, () => {
    const at = folder()
    const path = join(at, 'Windows XP.vmdk')
    createVmdk(path, { subformat, sizeBytes: 5 * 1024 * MiB })
    assert.throws(() => createVmdk(path, { subformat, sizeBytes: MiB }), { kind: 'conflict' })
    fill(path, 4500 * MiB, 7)
    fill(path, 2047 * MiB - 2048, 8)
    const moved = folder()
    for (const name of readdirSync(at)) renameSync(join(at, name), join(moved, name.toUpperCase()))
    const there = join(moved, 'WINDOWS XP.VMDK')
    assert.deepEqual([byteAt(there, 4500 * MiB), byteAt(there, 2047 * MiB + 1024)], [7, 8])
    const report = inspectDisk(there)
    assert.deepEqual([report.subformat, report.problems, report.virtualSize], [subformat, [], 5120 * MiB])
    const files = readdirSync(moved).map((name) => statSync(join(moved, name)))
    const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
    assert.equal(report.fileCount, files.length > 1 ? files.length : undefined)
    assert.equal(report.fileSize, sum(files.map(({ size }) => size)))
    assert.equal(report.hostBytes, sum(files.map(({ blocks }) => blocks * 512)))
  })
}

test('what could not be made leaves nothing behind', () => {
  const at = folder()
  writeFileSync(join(at, 'a-s002.vmdk'), 'taken')
  const make = () =>
    createVmdk(join(at, 'a.vmdk'), { subformat: 'twoGbMaxExtentSparse', sizeBytes: 5000 * MiB })
  assert.throws(make, { code: 'host-eexist' })
  assert.deepEqual(readdirSync(at), ['a-s002.vmdk'])
})

test('an extent is opened only beside its descriptor, and only where the roots allow it', () => {
  const at = folder()
  const path = join(at, 'a.vmdk')
  createVmdk(path, { subformat: 'monolithicFlat', sizeBytes: MiB })
  const elsewhere = folder()
  writeFileSync(join(elsewhere, 'secret.img'), new Uint8Array(MiB).fill(1))
  const text = readFileSync(path, 'utf8')
  const name = (to: string) => writeFileSync(path, text.replace('a-flat.vmdk', to))
  name(join(elsewhere, 'secret.img'))
  assert.throws(() => openDiskFile(path), { code: 'disk-extent-missing' })
  name('../secret.img')
  assert.throws(() => openDiskFile(path), { code: 'disk-extent-missing' })
  symlinkSync(join(elsewhere, 'secret.img'), join(at, 'link.img'))
  name('link.img')
  assert.throws(() => openDiskFile(path), { code: 'disk-extent-elsewhere' })
  assert.throws(() => openDiskFile(path, { roots: [at] }), { code: 'outside-roots' })
  name('a.vmdk')
  assert.throws(() => openDiskFile(path), { code: 'disk-extent-elsewhere' })
  mkdirSync(join(at, 'folder'))
  name('folder')
  assert.throws(() => openDiskFile(path), { code: 'not-a-regular-file' })
  // A path of the host it came from still names the file beside it.
  name('C:\\\\VMs\\\\a-flat.vmdk')
  openDiskFile(path, { roots: [at] }).close()
})

test('a raw disk that a guest made look like a descriptor reaches no other file', () => {
  const at = folder()
  const path = join(at, 'a.vmdk')
  createVmdk(path, { subformat: 'monolithicFlat', sizeBytes: 4 * MiB })
  const text = readFileSync(path, 'utf8')
  const disk = openDiskFile(path, { writable: true })
  disk.write(0, Buffer.from(text.replace('a-flat', 'other')))
  disk.close()
  writeFileSync(join(at, 'other.vmdk'), new Uint8Array(4 * MiB))
  assert.throws(() => openDiskFile(join(at, 'a-flat.vmdk')), { code: 'disk-format-not-recognised' })
  writeFileSync(join(at, 'floppy.img'), text)
  assert.throws(() => openDiskFile(join(at, 'floppy.img')), { code: 'disk-extent-out-of-reach' })
})

test('extents are claimed with their disk', () => {
  const at = folder()
  const path = join(at, 'a.vmdk')
  createVmdk(path, { subformat: 'monolithicFlat', sizeBytes: MiB })
  const other = join(at, 'b.vmdk')
  copyFileSync(path, other)
  const writer = openDiskFile(path, { writable: true })
  assert.throws(() => openDiskFile(other, { writable: true }), { code: 'disk-in-use' })
  openDiskFile(other).close()
  writer.close()
  openDiskFile(other, { writable: true }).close()
})

test('a chain of VMDKs goes by content ids, which unrelated disks may share', () => {
  const at = folder()
  const [base, child, stranger] = ['base.vmdk', 'child.vmdk', 'stranger.vmdk'].map((name) => join(at, name))
  const id = 'fffffffe'
  createVmdk(base!, { subformat: 'twoGbMaxExtentSparse', sizeBytes: 8 * MiB, id })
  // VMware gives a snapshot its parent's id.
  createVmdk(child!, { subformat: 'differencing', parent: base!, id })
  createVmdk(stranger!, { subformat: 'monolithicSparse', sizeBytes: 8 * MiB, id })
  fill(child!, 70_000, 5)
  assert.deepEqual([byteAt(child!, 70_000), byteAt(child!, 69_000)], [5, 0])
  const [link] = inspectDisk(child!).chain
  assert.deepEqual([link?.state, link?.path, link?.foundBy], ['found', base, 'relative'])
  const away = folder()
  for (const name of readdirSync(at).filter((file) => file.startsWith('base')))
    renameSync(join(at, name), join(away, name))
  assert.equal(resolveChain(child!, { searchFolders: [at] }).links[0]?.state, 'missing')
  assert.equal(resolveChain(child!, { searchFolders: [at, away] }).links[0]?.path, join(away, 'base.vmdk'))
  fill(join(away, 'base.vmdk'), 0, 1)
  assert.equal(resolveChain(child!, { searchFolders: [away] }).links[0]?.state, 'id-mismatch')
})

test('a merge can be stopped and run again, because the parent keeps its content id meanwhile', async () => {
  const at = folder()
  const [base, child] = ['base.vmdk', 'child.vmdk'].map((name) => join(at, name))
  createVmdk(base!, { subformat: 'monolithicSparse', sizeBytes: 64 * MiB })
  createVmdk(child!, { subformat: 'differencing', parent: base! })
  const disk = openDiskFile(child!, { writable: true })
  disk.write(100, new Uint8Array(60 * MiB).fill(4))
  disk.close()
  const stop = new AbortController()
  const onProgress = () => stop.abort()
  await assert.rejects(mergeIntoParent([child!, base!], { signal: stop.signal, onProgress }), {
    name: 'AbortError',
  })
  assert.equal(byteAt(child!, 59 * MiB), 4)
  await mergeIntoParent([child!, base!])
  assert.equal(byteAt(base!, 59 * MiB), 4)
  assert.equal(byteAt(child!, 59 * MiB), 4)
  fill(base!, 0, 1)
  assert.throws(() => openDiskFile(child!), { code: 'parent-id-mismatch' })
})

test('the parent of a VirtualBox snapshot is found by its id, above the folder of snapshots', () => {
  const at = folder()
  mkdirSync(join(at, 'Snapshots'))
  const base = join(at, 'disk.vdi')
  const child = join(at, 'Snapshots', '{1}.vdi')
  for (const [path, options] of [
    [base, { type: 'dynamic' as const }],
    [child, { type: 'differencing' as const }],
  ] as const) {
    const store = openFileStore(path, { create: true })
    const parent = options.type === 'differencing' ? { id: inspectDisk(base).id! } : undefined
    createVdi(store, { ...options, sizeBytes: 4 * MiB, ...(parent && { parent }) })
    store.close()
  }
  fill(child, MiB, 3)
  assert.equal(byteAt(child, MiB + 1), 3)
  const [link] = inspectDisk(child).chain
  assert.deepEqual([link?.state, link?.path, link?.foundBy], ['found', base, 'search-id'])
  rmSync(base)
  assert.throws(() => openDiskFile(child), { code: 'parent-missing' })
  assert.ok(!existsSync(base))
})

test('a layer that fails to open takes the files of the others with it', () => {
  const at = folder()
  createVmdk(join(at, 'a.vmdk'), { subformat: 'monolithicFlat', sizeBytes: MiB })
  const open = () => readdirSync('/proc/self/fd').length
  const before = existsSync('/proc/self/fd') ? open() : undefined
  rmSync(join(at, 'a-flat.vmdk'))
  for (let i = 0; i < 5; i++) {
    assert.throws(() => openDiskFile(join(at, 'a.vmdk'), { writable: true }), { code: 'disk-extent-missing' })
    assert.throws(() => openDiskChain([openFileStore(join(at, 'a.vmdk'))], []), {
      code: 'disk-extent-out-of-reach',
    })
  }
  if (before !== undefined) assert.equal(open(), before)
})
