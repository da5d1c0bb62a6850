import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MiB } from '../base/index.ts'
import {
  createDiskFile,
  factsOfFile,
  openDiskFile,
  readMergeMarker,
  writeMergeMarker,
} from '../system/index.ts'
import { Database } from './database.ts'
import { Registry } from './registry.ts'
import { UndoDisks } from './undo-disks.ts'

const root = mkdtempSync(join(tmpdir(), 'vivarium-undo-disks-'))
after(() => rmSync(root, { recursive: true, force: true }))
const control = {
  signal: new AbortController().signal,
  progress: () => undefined,
  made: () => undefined,
  found: () => undefined,
}

/** A machine with one disk and an undo disk on top of it, with a byte written. */
function covered() {
  const folder = mkdtempSync(join(root, 'm-'))
  mkdirSync(join(folder, 'undo'))
  const base = join(folder, 'base.vhd')
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 4 * MiB })
  const registry = new Registry(new Database(join(folder, 'db')))
  const machine = registry.add(join(folder, 'XP.vmc'), true)
  const undoDisks = new UndoDisks(registry, join(folder, 'undo'))
  const path = join(folder, 'undo', 'undo.vhd')
  createDiskFile(path, { subformat: 'differencing', parent: base })
  writeByte(path, 7)
  const disk = { channel: 0, unit: 0, path, base, merging: false }
  registry.putUndoDisk(machine.id, disk)
  return { folder, base, path, disk, registry, id: machine.id, undoDisks }
}

function writeByte(path: string, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(MiB, Uint8Array.of(value))
  disk.close()
}

function byteOf(path: string): number {
  const into = new Uint8Array(1)
  const disk = openDiskFile(path)
  disk.read(MiB, into)
  disk.close()
  return into[0]!
}

test('a commit leaves no undo disk, no record and no mark', async () => {
  const { folder, base, path, id, undoDisks } = covered()
  await undoDisks.commit(id, [folder], control)
  assert.deepEqual([byteOf(base), existsSync(path), undoDisks.list(id)], [7, false, []])
  assert.equal(readMergeMarker(base), undefined)
})

test('killed when all was written, the next commit writes nothing again and only removes', async () => {
  const { folder, base, path, disk, registry, id, undoDisks } = covered()
  registry.putUndoDisk(id, { ...disk, merging: true })
  const { size, mtimeMs } = statSync(path)
  writeMergeMarker(base, {
    ...{ state: 'merged', targetId: factsOfFile(base).id, child: path, childId: factsOfFile(path).id },
    ...{ childSize: size, childTime: mtimeMs },
  })
  const before = readFileSync(base)
  await undoDisks.commit(id, [folder], control)
  assert.ok(readFileSync(base).equals(before))
  assert.deepEqual([existsSync(path), undoDisks.list(id)], [false, []])
  assert.equal(readMergeMarker(base), undefined)
})

test('killed between the removal of the file and of its record, the next commit forgets the record', async () => {
  const { folder, base, path, disk, registry, id, undoDisks } = covered()
  registry.putUndoDisk(id, { ...disk, merging: true })
  const marker = { targetId: factsOfFile(base).id, child: path, childId: factsOfFile(path).id }
  rmSync(path)
  await assert.rejects(undoDisks.commit(id, [folder], control), { code: 'host-enoent' }, 'it may come back')
  assert.equal(undoDisks.list(id).length, 1)
  writeMergeMarker(base, { ...marker, state: 'merged' })
  await undoDisks.commit(id, [folder], control)
  assert.deepEqual(undoDisks.list(id), [])
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.merging')),
    [],
  )
})
