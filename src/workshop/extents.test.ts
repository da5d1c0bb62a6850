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
import { GiB, MiB } from '../base/index.ts'
import { createDiskFile, inspectDisk, nativeFiles, openDiskFile } from '../system/index.ts'
import { check, clone, compact, convert, expand, repair } from './index.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-extents-'))
after(() => rmSync(root, { recursive: true, force: true }))

const control = {
  ...{ signal: new AbortController().signal, roots: [root] },
  ...{ progress: () => undefined, note: () => undefined },
}
const checked = (path: string) => check.run({ path, deep: true }, control)
const repaired = (path: string) => repair.run(repair.schema.parse({ path }), control)

test('an image of several files is checked in all of them, and each of them is repaired by itself', async () => {
  const path = join(root, 'split.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentSparse', sizeBytes: 5 * GiB })
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  assert.equal((await repaired(path)).outcome, 'nothing')
  const second = join(root, 'split-s002.vmdk')
  const bytes = readFileSync(second)
  const whole = Buffer.from(bytes)
  // The copy of a grain table, behind the copy of the directory.
  bytes.fill(0xff, (bytes.readUInt32LE(0x30) + 20) * 512, (bytes.readUInt32LE(0x30) + 20) * 512 + 3)
  writeFileSync(second, bytes)
  const { problems, repairable } = await checked(path)
  assert.ok(repairable > 0)
  assert.ok(problems.some(({ where, next }) => where?.path === second && next?.includes(second)))
  await assert.rejects(repaired(path), {
    code: 'repair-in-extents',
    next: new RegExp(`disk repair ${second}`),
  })
  assert.equal((await repaired(second)).outcome, 'repaired')
  assert.ok(readFileSync(second).equals(whole))
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
})

const spec = (path: string, rest: object = {}) => ({ path, dryRun: false, zeroesOnly: false, ...rest })

/** Written to on both sides of the border of two extents, and with zeroes. */
function write(path: string): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(2047 * MiB - 3 * MiB, new Uint8Array(6 * MiB).fill(7))
  disk.write(2047 * MiB - 2 * MiB, new Uint8Array(MiB))
  disk.write(2047 * MiB + MiB, new Uint8Array(MiB))
  disk.close()
}

function requireWritten(path: string): void {
  const disk = openDiskFile(path)
  const bytes = new Uint8Array(8 * MiB)
  disk.read(2047 * MiB - 4 * MiB, bytes)
  disk.close()
  const found = Array.from({ length: 8 }, (_, index) => [bytes[index * MiB], bytes[(index + 1) * MiB - 1]])
  const [zero, data] = [
    [0, 0],
    [7, 7],
  ]
  assert.deepEqual(found, [zero, data, zero, data, data, zero, data, zero])
}

test('an image of several sparse files is compacted file by file, and one that has nothing to give stays', async () => {
  const folder = mkdtempSync(join(root, 'compact-'))
  const path = join(folder, 'disk.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentSparse', sizeBytes: 5 * GiB })
  write(path)
  const sizes = () => [1, 2, 3].map((number) => statSync(join(folder, `disk-s00${number}.vmdk`)).size)
  const before = sizes()
  const third = statSync(join(folder, 'disk-s003.vmdk')).ino
  const report = inspectDisk(path)
  const descriptor = readFileSync(path)
  const planned = await compact.run(spec(path, { dryRun: true }), control)
  assert.deepEqual(sizes(), before)
  const done = await compact.run(spec(path), control)
  assert.deepEqual(done, { ...planned, dryRun: false })
  assert.equal(done.after, descriptor.length + sizes().reduce((sum, size) => sum + size))
  assert.deepEqual([done.saved, done.measured], [2 * MiB, 'file-length'])
  assert.deepEqual(sizes(), [before[0]! - MiB, before[1]! - MiB, before[2]!])
  assert.equal(statSync(join(folder, 'disk-s003.vmdk')).ino, third)
  assert.ok(readFileSync(path).equals(descriptor))
  const now = inspectDisk(path)
  for (const key of ['id', 'subformat', 'virtualSize', 'geometry', 'problems'] as const)
    assert.deepEqual(now[key], report[key], key)
  requireWritten(path)
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  assert.equal(readdirSync(folder).length, 4)
  assert.equal((await compact.run(spec(path), control)).saved, 0)
})

test('a flat image of several files gives its zeroes back to the host', async (t) => {
  const path = join(mkdtempSync(join(root, 'flat-')), 'disk.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentFlat', sizeBytes: 3 * GiB })
  write(path)
  if (nativeFiles() === undefined) return t.skip('this host makes no holes')
  const { before, after, measured } = await compact.run(spec(path), control)
  assert.deepEqual([before, after, measured], [6 * MiB, 4 * MiB, 'room-on-host'])
  requireWritten(path)
})

for (const [subformat, letter] of [
  ['twoGbMaxExtentSparse', 's'],
  ['twoGbMaxExtentFlat', 'f'],
] as const)
  test(`a ${subformat} grows in its last file and in further ones`, async () => {
    const folder = mkdtempSync(join(root, 'expand-'))
    const path = join(folder, 'disk.vmdk')
    createDiskFile(path, { format: 'vmdk', subformat, sizeBytes: 3 * GiB })
    write(path)
    const { id } = inspectDisk(path)
    const taken = join(folder, `disk-${letter}003.vmdk`)
    writeFileSync(taken, 'somebody else wrote this')
    await assert.rejects(expand.run({ path, sizeBytes: 5 * GiB }, control), {
      code: 'expand-file-exists',
      where: { path: taken },
    })
    assert.equal(readFileSync(taken, 'utf8'), 'somebody else wrote this')
    assert.equal(inspectDisk(path).virtualSize, 3 * GiB)
    rmSync(taken)
    const done = await expand.run({ path, sizeBytes: 5 * GiB }, control)
    assert.deepEqual([done.after, done.how], [5 * GiB, 'in-place'])
    const report = inspectDisk(path)
    assert.deepEqual([report.virtualSize, report.id, report.problems], [5 * GiB, id, []])
    requireWritten(path)
    const disk = openDiskFile(path, { writable: true })
    disk.write(5 * GiB - 512, new Uint8Array(512).fill(1))
    disk.close()
    assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
    const letters = [1, 2, 3].map((number) => `disk-${letter}00${number}.vmdk`)
    assert.deepEqual(readdirSync(folder), [...letters, 'disk.vmdk'])
  })

test('a file of an image of several that is in use keeps it from being changed', async () => {
  const path = join(root, 'used.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'twoGbMaxExtentSparse', sizeBytes: 3 * GiB })
  write(path)
  const user = openDiskFile(join(root, 'used-s002.vmdk'), { writable: true })
  await assert.rejects(compact.run(spec(path), control), { code: 'disk-in-use' })
  await assert.rejects(expand.run({ path, byBytes: GiB }, control), { code: 'disk-in-use' })
  user.close()
  assert.equal((await compact.run(spec(path), control)).saved, 2 * MiB)
})

test('a VMDK that is written anew keeps its adapter and its hardware version', async () => {
  const [path, copy] = [join(root, 'scsi.vmdk'), join(root, 'copy.vmdk')]
  createDiskFile(path, { format: 'vmdk', subformat: 'monolithicSparse', sizeBytes: 8 * MiB })
  const told = (file: string) =>
    readFileSync(file, 'latin1').match(/ddb\.(adapterType|virtualHWVersion) = .*/g)
  const text = readFileSync(path, 'latin1')
    .replace(/adapterType = "ide"\n\0{5}/, 'adapterType = "lsilogic"\n')
    .replace('HWVersion = "4"', 'HWVersion = "9"')
  writeFileSync(path, text, 'latin1')
  const disk = openDiskFile(path, { writable: true })
  disk.write(0, new Uint8Array(MiB))
  disk.close()
  const expected = ['ddb.virtualHWVersion = "9"', 'ddb.adapterType = "lsilogic"']
  assert.deepEqual(told(path), expected)
  assert.equal((await compact.run(spec(path), control)).saved, MiB)
  assert.deepEqual(told(path), expected)
  await expand.run({ path, sizeBytes: 2 * GiB }, control)
  assert.deepEqual([told(path), inspectDisk(path).geometry?.heads], [expected, 255])
  await convert.run(convert.schema.parse({ source: path, target: copy }), control)
  assert.deepEqual(told(copy), expected)
})

test('a VMDK child gives up what its parent shows too', async () => {
  const [base, child] = [join(root, 'base.vmdk'), join(root, 'child.vmdk')]
  createDiskFile(base, { format: 'vmdk', subformat: 'twoGbMaxExtentSparse', sizeBytes: 3 * GiB })
  write(base)
  await clone.run(clone.schema.parse({ base, target: child }), control)
  write(child)
  const { before, after } = await compact.run(spec(child), control)
  assert.ok(before - after >= 6 * MiB, `${before} ${after}`)
  requireWritten(child)
})

test('nothing is looked for in a flat extent; one that was cut short can be filled up', async () => {
  const path = join(root, 'flat.vmdk')
  createDiskFile(path, { format: 'vmdk', subformat: 'monolithicFlat', sizeBytes: 8 * MiB })
  const extent = join(root, 'flat-flat.vmdk')
  // What a guest wrote into its first sectors: an image of its own, damaged.
  const forged = join(root, 'forged.vmdk')
  createDiskFile(forged, { format: 'vmdk', subformat: 'monolithicSparse', sizeBytes: MiB })
  const inner = readFileSync(forged)
  inner.fill(0xff, (inner.readUInt32LE(0x30) + 1) * 512, (inner.readUInt32LE(0x30) + 1) * 512 + 3)
  writeFileSync(forged, inner)
  assert.ok((await checked(forged)).repairable > 0)
  const outer = readFileSync(extent)
  inner.copy(outer)
  writeFileSync(extent, outer)
  assert.deepEqual(await checked(path), { problems: [], repairable: 0 })
  truncateSync(extent, 8 * MiB - 512)
  const [problem] = (await checked(path)).problems
  assert.deepEqual(
    [problem?.code, problem?.next?.includes(`--size=${8 * MiB}`)],
    ['vmdk-extent-cut-short', true],
  )
})
