import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isZero, MiB, type Problem } from '../base/index.ts'
import { showSnapshot, takeSnapshot } from '../disk/formats/qcow2/testing.ts'
import { type MemoryStore, memoryStore } from '../disk/testing.ts'
import { createDiskFile, inspectDisk, openDiskFile, openFileStore } from '../system/index.ts'
import { compact } from './compact.ts'
import { type ExpandSpec, expand } from './expand.ts'
import type { OperationControl } from './operation.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-expand-'))
after(() => rmSync(root, { recursive: true, force: true }))

const SIZE = 4 * MiB

const silent: OperationControl = {
  signal: new AbortController().signal,
  roots: [root],
  progress: () => undefined,
  note: () => undefined,
}

async function run(spec: ExpandSpec, notes: Problem[] = []) {
  const control: OperationControl = { ...silent, note: (problem) => notes.push(problem) }
  return expand.run(expand.schema.parse(spec), control)
}

function contentOf(path: string): Uint8Array {
  const disk = openDiskFile(path)
  const bytes = new Uint8Array(disk.sizeBytes)
  disk.read(0, bytes)
  disk.close()
  return bytes
}

function make(name: string, options: Omit<Parameters<typeof createDiskFile>[1], 'sizeBytes'>): string {
  const path = join(mkdtempSync(join(root, 'disk-')), name)
  createDiskFile(path, { ...options, sizeBytes: SIZE })
  const disk = openDiskFile(path, { writable: true })
  disk.write(MiB + 512, new Uint8Array(3 * MiB - 512).fill(7))
  disk.write(100, new Uint8Array(100).fill(8))
  disk.close()
  return path
}

const KINDS = [
  ['disk.vhd', { subformat: 'dynamic' }],
  ['fixed.vhd', { subformat: 'fixed' }],
  ['disk.vhdx', { format: 'vhdx', subformat: 'dynamic' }],
  ['fixed.vhdx', { format: 'vhdx', subformat: 'fixed' }],
  ['disk.qcow2', { format: 'qcow2', subformat: 'dynamic' }],
  ['disk.vdi', { format: 'vdi', subformat: 'dynamic' }],
  ['disk.vmdk', { format: 'vmdk', subformat: 'monolithicSparse' }],
  ['disk.img', { format: 'raw', subformat: 'flat' }],
] as const

for (const [name, options] of KINDS) {
  test(`${name} grows and keeps its content and its id`, async () => {
    const path = make(name, options)
    const before = contentOf(path)
    const { id, subformat } = inspectDisk(path)
    const done = await run({ path, byBytes: 3 * MiB + 512 })
    assert.deepEqual([done.before, done.after], [SIZE, 7 * MiB + 512])
    const report = inspectDisk(path)
    assert.deepEqual([report.virtualSize, report.id, report.subformat], [7 * MiB + 512, id, subformat])
    assert.deepEqual(report.problems, [])
    const now = contentOf(path)
    assert.ok(Buffer.from(now.subarray(0, SIZE)).equals(before))
    assert.ok(isZero(now.subarray(SIZE)))
    assert.deepEqual(readdirSync(join(path, '..')), [name])
    const again = await run({ path, sizeBytes: 7 * MiB + 512 })
    assert.equal(again.how, 'none')
  })
}

test('what cannot be is refused, and nothing changes', async () => {
  const path = make('disk.vhd', { subformat: 'dynamic' })
  const bytes = readFileSync(path)
  await assert.rejects(run({ path, sizeBytes: MiB }), { kind: 'invalid', code: 'expand-would-shrink' })
  await assert.rejects(run({ path, sizeBytes: SIZE + 100 }), { code: 'disk-size-invalid' })
  await assert.rejects(run({ path, sizeBytes: 3 * 2 ** 40 }), { kind: 'invalid' })
  await assert.rejects(run({ path }), /new size/)
  const user = openDiskFile(path, { writable: true })
  await assert.rejects(run({ path, byBytes: MiB }), { kind: 'busy', code: 'disk-in-use' })
  user.close()
  const child = join(path, '../child.vhd')
  createDiskFile(child, { subformat: 'differencing', parent: path })
  await assert.rejects(run({ path, byBytes: MiB }), { kind: 'conflict', code: 'disk-has-children' })
  await assert.rejects(run({ path: child, byBytes: MiB }), { code: 'expand-differencing' })
  assert.ok(readFileSync(path).equals(bytes))
})

function inMemory(path: string, change: (store: MemoryStore) => void): void {
  const store = memoryStore(readFileSync(path), path)
  change(store)
  writeFileSync(path, store.bytes())
}

test('a QCOW2 with snapshots grows in its file and keeps them; where it would be written anew, it is refused', async () => {
  const path = make('disk.qcow2', { format: 'qcow2', subformat: 'dynamic' })
  const before = contentOf(path)
  inMemory(path, takeSnapshot)
  const changed = openDiskFile(path, { writable: true })
  changed.write(0, new Uint8Array(512).fill(1))
  changed.close()
  const done = await run({ path, byBytes: MiB })
  assert.equal(done.how, 'in-place')
  inMemory(path, showSnapshot)
  assert.ok(Buffer.from(contentOf(path).subarray(0, SIZE)).equals(before))
  // A table of snapshots that nobody can read is no reason to lose it.
  const damaged = openFileStore(path, { writable: true })
  const table = new Uint8Array(8)
  damaged.read(64, table)
  damaged.write(Number(new DataView(table.buffer).getBigUint64(0)) + 8, new Uint8Array(4).fill(0xff))
  damaged.close()
  const bytes = readFileSync(path)
  await assert.rejects(run({ path, byBytes: MiB }), { code: 'disk-has-snapshots' })
  await assert.rejects(compact.run({ path, dryRun: false, zeroesOnly: true }, silent), {
    code: 'disk-has-snapshots',
  })
  assert.ok(readFileSync(path).equals(bytes))
})
