import assert from 'node:assert/strict'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB, type Problem } from '../base/index.ts'
import { ext4Sample } from '../disk/contents/free-space/testing.ts'
import { type Disk, freeSpaceOf } from '../disk/index.ts'
import { createDiskFile, inspectDisk, nativeFiles, openDiskFile } from '../system/index.ts'
import { compact } from './compact.ts'
import type { OperationControl } from './operation.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-compact-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function folder(): string {
  return mkdtempSync(join(root, `${folders++}-`))
}

function controlFor(notes: Problem[] = [], signal = new AbortController().signal): OperationControl {
  return { signal, roots: [root], progress: () => undefined, note: (problem) => notes.push(problem) }
}

function using<Result>(disk: Disk, work: (disk: Disk) => Result): Result {
  try {
    return work(disk)
  } finally {
    disk.close()
  }
}

function contentOf(path: string): Uint8Array {
  return using(openDiskFile(path), (disk) => {
    const bytes = new Uint8Array(disk.sizeBytes)
    disk.read(0, bytes)
    return bytes
  })
}

const VOLUME_AT = 64 * 512
const SIZE = 8 * MiB

/** A partition with an ext4 volume whose free blocks hold rubbish, rubbish behind it, and zeroes that are stored. */
function fill(path: string): void {
  using(openDiskFile(path, { writable: true }), (disk) => {
    const volume = ext4Sample.bytes.slice()
    const free = using(openDiskFile(rawOf(volume)), (raw) => [...freeSpaceOf(raw).ranges()])
    for (const { offset, length } of free) volume.fill(0xee, offset, offset + length)
    const table = new Uint8Array(512)
    table.set([0, 0, 0, 0, 0x83], 446)
    new DataView(table.buffer).setUint32(446 + 8, VOLUME_AT / 512, true)
    new DataView(table.buffer).setUint32(446 + 12, volume.length / 512, true)
    table.set([0x55, 0xaa], 510)
    disk.write(0, table)
    disk.write(VOLUME_AT, volume)
    disk.write(3 * MiB, new Uint8Array(2 * MiB))
    disk.write(6 * MiB + 4096, new Uint8Array(1024).fill(9))
  })
}

function rawOf(bytes: Uint8Array): string {
  const path = join(folder(), 'volume.img')
  writeFileSync(path, bytes)
  return path
}

/** Equal but in what the file system does not use. */
function assertSame(path: string, before: Uint8Array): void {
  const now = contentOf(path)
  const free = using(openDiskFile(path), (disk) => [...freeSpaceOf(disk).ranges()])
  for (const { offset, length } of free) {
    before.fill(0, offset, offset + length)
    now.fill(0, offset, offset + length)
  }
  assert.ok(Buffer.from(now).equals(before))
}

const KINDS = [
  { format: 'vhd', subformat: 'dynamic', blockSize: 16 << 10 },
  { format: 'vhdx', subformat: 'dynamic', blockSize: MiB },
  { format: 'qcow2', subformat: 'dynamic' },
  { format: 'vmdk', subformat: 'monolithicSparse' },
  { format: 'vdi', subformat: 'dynamic' },
] as const

for (const kind of KINDS) {
  test(`a ${kind.format} becomes smaller by zeroes and by free space, and stays the same disk`, async () => {
    const path = join(folder(), `disk.${kind.format}`)
    createDiskFile(path, { ...kind, sizeBytes: SIZE })
    fill(path)
    const before = contentOf(path)
    const report = inspectDisk(path)
    const bytes = statSync(path).size
    const planned = await compact.run({ path, zeroesOnly: false, dryRun: true }, controlFor())
    assert.equal(statSync(path).size, bytes)
    const notes: Problem[] = []
    const done = await compact.run({ path, zeroesOnly: false, dryRun: false }, controlFor(notes))
    assert.deepEqual({ ...planned, dryRun: false }, done)
    assert.equal(notes.length, 0)
    assert.equal(done.after, statSync(path).size)
    assert.equal(done.before, bytes)
    assert.equal(done.saved, done.savedByZeroes + done.savedByFreeSpace)
    assert.ok(done.savedByZeroes > 0)
    if (kind.format === 'vhd') assert.ok(done.savedByFreeSpace > 200_000)
    const now = inspectDisk(path)
    assert.deepEqual(now.problems, [])
    for (const key of ['id', 'subformat', 'virtualSize', 'blockSize', 'geometry'] as const)
      assert.deepEqual(now[key], report[key], key)
    assertSame(path, before)
    assert.deepEqual(readdirSync(join(path, '..')), [`disk.${kind.format}`])
    const again = await compact.run({ path, zeroesOnly: false, dryRun: false }, controlFor(notes))
    assert.deepEqual([again.saved, notes.at(-1)?.code], [0, 'compact-nothing-to-save'])
  })
}

test('zeroes only: every byte stays', async () => {
  const path = join(folder(), 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', blockSize: 16 << 10, sizeBytes: SIZE })
  fill(path)
  const before = contentOf(path)
  const { savedByZeroes, savedByFreeSpace } = await compact.run(
    { path, zeroesOnly: true, dryRun: false },
    controlFor(),
  )
  assert.ok(savedByZeroes > MiB)
  assert.equal(savedByFreeSpace, 0)
  assert.ok(Buffer.from(contentOf(path)).equals(before))
})

test('a child gives up what its parent shows too, and its parent only zeroes', async () => {
  const at = folder()
  const [base, child] = [join(at, 'base.vhd'), join(at, 'child.vhd')]
  createDiskFile(base, { subformat: 'dynamic', blockSize: 16 << 10, sizeBytes: SIZE })
  fill(base)
  createDiskFile(child, { subformat: 'differencing', parent: base, blockSize: 16 << 10 })
  using(openDiskFile(child, { writable: true }), (disk) => {
    disk.write(6 * MiB + 4096, new Uint8Array(1024).fill(9))
    disk.write(7 * MiB, new Uint8Array(512).fill(5))
    disk.write(2 * MiB, new Uint8Array(MiB))
    disk.write(VOLUME_AT + 200 * 1024, new Uint8Array(50 * 1024).fill(0xab))
  })
  const [shown, below] = [contentOf(child), contentOf(base)]
  const upper = await compact.run({ path: child, zeroesOnly: false, dryRun: false }, controlFor())
  assert.ok(upper.saved > MiB && upper.savedByFreeSpace > 48 * 1024)
  assertSame(child, shown.slice())
  const stored = using(openDiskFile(child), (disk) =>
    [...disk.extents(0, SIZE)].filter(({ kind, layer }) => kind === 'data' && layer === 0),
  )
  assert.deepEqual(
    stored.map(({ offset, length }) => [offset, length]),
    [[7 * MiB, 512]],
  )
  const childNow = contentOf(child)
  const notes: Problem[] = []
  const lower = await compact.run({ path: base, zeroesOnly: false, dryRun: false }, controlFor(notes))
  assert.deepEqual([lower.savedByFreeSpace, notes[0]?.code], [0, 'compact-zeroes-only'])
  assert.ok(lower.savedByZeroes > MiB)
  assert.ok(Buffer.from(contentOf(base)).equals(below))
  assert.ok(Buffer.from(contentOf(child)).equals(childNow))
  assert.deepEqual(inspectDisk(child).problems, [])
})

for (const [name, subformat] of [
  ['disk.img', 'flat'],
  ['disk.vhd', 'fixed'],
] as const) {
  test(`a ${subformat} image keeps its length, and the host stores less of it`, async (t) => {
    const path = join(folder(), name)
    if (subformat === 'fixed') createDiskFile(path, { subformat, sizeBytes: SIZE })
    else {
      writeFileSync(path, '')
      truncateSync(path, SIZE)
    }
    fill(path)
    const before = contentOf(path)
    const { size, blocks } = statSync(path)
    const done = await compact.run({ path, zeroesOnly: false, dryRun: false }, controlFor())
    assert.equal(statSync(path).size, size)
    assertSame(path, before)
    if (nativeFiles() === undefined) return t.skip('this host makes no holes')
    assert.ok(statSync(path).blocks < blocks)
    assert.ok(done.savedByZeroes >= 2 * MiB && done.savedByFreeSpace > 200_000)
  })
}

test('a disk in use, in a saved state or stopped half-way stays as it is', async () => {
  const path = join(folder(), 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: SIZE })
  fill(path)
  const before = readFileSync(path)
  const spec = { path, zeroesOnly: false, dryRun: false }
  const user = openDiskFile(path, { writable: true })
  await assert.rejects(compact.run(spec, controlFor()), { kind: 'busy', code: 'disk-in-use' })
  user.close()
  await assert.rejects(compact.run(spec, controlFor([], AbortSignal.abort())), { name: 'AbortError' })
  assert.ok(readFileSync(path).equals(before))
  const saved = Buffer.from(before)
  for (const at of [0, saved.length - 512]) {
    saved[at + 84] = 1
    saved.writeUInt32BE(saved.readUInt32BE(at + 64) - 1, at + 64)
  }
  writeFileSync(path, saved)
  await assert.rejects(compact.run(spec, controlFor()), { code: 'disk-in-saved-state' })
  await assert.rejects(compact.run({ ...spec, path: '/etc/hostname' }, controlFor()), {
    code: 'outside-roots',
  })
  assert.deepEqual(readdirSync(join(path, '..')), ['disk.vhd'])
})
