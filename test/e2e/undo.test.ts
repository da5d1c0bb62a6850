import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { VivariumError } from '../../src/base/index.ts'
import { createVmc, setUndoDisk } from '../../src/machine/index.ts'
import { buildHello } from '../../src/sample/index.ts'
import { createDiskFile, openDiskFile, writeMachineFile } from '../../src/system/index.ts'
import { type createMachine, newFolder, startServer, taskDone, until } from './server-process.ts'

/** What must never happen to anybody's disks, whatever is clicked in which order. */

const withCode = (code: string) => (error: unknown) => error instanceof VivariumError && error.code === code
const MiB = 2 ** 20

function write(path: string, offset: number, length: number, value: number): void {
  const disk = openDiskFile(path, { writable: true })
  disk.write(offset, new Uint8Array(length).fill(value))
  disk.close()
}

function byteAt(path: string, offset: number): number {
  const disk = openDiskFile(path)
  const into = new Uint8Array(1)
  disk.read(offset, into)
  disk.close()
  return into[0]!
}

/** A machine file beside a disk. */
function writeVmc(folder: string, name: string, disk: string, undo?: string): string {
  const path = join(folder, `${name}.vmc`)
  const drive = { channel: 0, unit: 0, kind: 'disk' as const, image: { relative: disk } }
  const document = createVmc({ name, memoryMB: 16, drives: [drive] })
  if (undo !== undefined) setUndoDisk(document, 0, 0, { relative: undo })
  writeMachineFile(path, document)
  return path
}

test('a disk below the undo disks of another machine is not written', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  createDiskFile(join(folder, 'shared.vhd'), { subformat: 'dynamic', sizeBytes: 16 * MiB })
  const a = await client('addMachine', { path: writeVmc(folder, 'A', 'shared.vhd') })
  const b = await client('addMachine', { path: writeVmc(folder, 'B', 'shared.vhd') })
  for (const { id } of [a, b]) {
    await client('startMachine', { id })
    await client('turnOffMachine', { id })
  }
  await assert.rejects(client('commitUndo', { id: a.id }), withCode('disk-is-a-parent'))
  await client('discardUndo', { id: b.id })
  assert.equal((await taskDone(client, (await client('commitUndo', { id: a.id })).taskId)).state, 'done')
  // And the other way round: without undo disks B may not start while A's lie on its disk.
  await client('startMachine', { id: a.id })
  await client('turnOffMachine', { id: a.id })
  await until('B may change', () => client('changeMachine', { id: b.id, undo: false }).catch(() => undefined))
  await assert.rejects(client('startMachine', { id: b.id }), withCode('disk-is-a-parent'))
})

test('a commit that was cancelled half-way can be ended, and not thrown away', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  const base = join(folder, 'base.vhd')
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 1024 * MiB })
  for (let at = 0; at < 384; at += 16) write(base, at * MiB, 16 * MiB, 1)
  const { id } = await client('addMachine', { path: writeVmc(folder, 'Half', 'base.vhd') })
  await client('startMachine', { id })
  await client('turnOffMachine', { id })
  const undo = (await client('machine', { id })).drives[0]!.layers[0]!
  for (let at = 0; at < 384; at += 16) write(undo, at * MiB, 16 * MiB, 2)
  const { taskId } = await client('commitUndo', { id })
  await until(
    'the commit writes',
    async () => (await client('task', { id: taskId })).percent > 5 || undefined,
  )
  await client('cancelTask', { id: taskId })
  const task = await taskDone(client, taskId)
  if (task.state === 'cancelled') {
    await until(
      'it is off again',
      async () => (await client('machine', { id })).state === 'TurnedOff' || undefined,
    )
    await assert.rejects(client('discardUndo', { id }), withCode('undo-half-committed'))
    assert.equal((await taskDone(client, (await client('commitUndo', { id })).taskId)).state, 'done')
  }
  assert.deepEqual([byteAt(base, 0), byteAt(base, 383 * MiB)], [2, 2])
})

test('an undo disk that is away for a moment is missed, not forgotten', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const { vmcPath } = await buildHello(newFolder(t), { name: 'Away' })
  const { id } = await client('addMachine', { path: vmcPath })
  await client('startMachine', { id })
  await client('turnOffMachine', { id })
  const undo = (await client('machine', { id })).drives[0]!.layers[0]!
  renameSync(undo, `${undo}.away`)
  assert.equal((await client('machine', { id })).undo.pending, true)
  await assert.rejects(client('startMachine', { id }))
  renameSync(`${undo}.away`, undo)
  await client('startMachine', { id })
  assert.equal((await client('machine', { id })).drives[0]!.layers[0], undo)
  await client('turnOffMachine', { id })
})

test('an undo disk of another disk is refused', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  for (const name of ['one.vhd', 'other.vhd']) {
    createDiskFile(join(folder, name), { subformat: 'dynamic', sizeBytes: 16 * MiB })
  }
  const { id } = await client('addMachine', { path: writeVmc(folder, 'Mixed', 'one.vhd', 'other.vhd') })
  await assert.rejects(client('startMachine', { id }), withCode('undo-not-of-this-disk'))
})

test('a raw image runs on undo disks too', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  const image = join(folder, 'minios.img')
  writeFileSync(image, Buffer.alloc(8 * MiB, 3))
  const { id } = await client('addMachine', { path: writeVmc(folder, 'Raw', 'minios.img') })
  await client('startMachine', { id })
  assert.equal((await client('machine', { id })).drives[0]?.layers.length, 2)
  await client('turnOffMachine', { id, undo: 'discard' })
  assert.ok(readFileSync(image).every((byte) => byte === 3))
})

test('deleting a machine with its files never takes those of another', async (t) => {
  const data = newFolder(t)
  const { client } = await startServer(t, data)
  const shared = join(data, 'Virtual Machines', 'Shared')
  mkdirSync(shared)
  const one = await client('addMachine', { path: (await buildHello(shared, { name: 'One' })).vmcPath })
  const two = await client('addMachine', { path: (await buildHello(shared, { name: 'Two' })).vmcPath })
  await assert.rejects(client('removeMachine', { id: one.id, deleteFiles: true }), withCode('folder-shared'))
  await client('removeMachine', { id: two.id })
  await client('removeMachine', { id: one.id, deleteFiles: true })
  assert.equal(existsSync(shared), false)
})

test('names and places that cannot be are refused before anything is made', async (t) => {
  const data = newFolder(t)
  const { client } = await startServer(t, data)
  const fail = async (input: Parameters<typeof createMachine>[1], code: string) => {
    const task = await taskDone(client, (await client('createMachine', input)).taskId)
    assert.equal(task.error?.code, code, JSON.stringify(input))
  }
  await fail({ name: 'a/b' }, 'machine-name')
  await fail({ name: 'hello' }, 'folder-exists')
  await fail({ name: 'X', location: 'relative' }, 'path-not-absolute')
  await fail({ name: 'X', location: '/proc/none' }, 'host-enoent')
  await fail({ name: 'X', cd: '/dev/zero', disk: { kind: 'none' } }, 'outside-roots')
  await fail({ name: 'X', disk: { kind: 'existing', path: '/etc/passwd' } }, 'outside-roots')
  const hello = join(data, 'Virtual Machines', 'Hello')
  await fail({ name: 'X', cd: hello, disk: { kind: 'none' } }, 'not-a-regular-file')
  const vmc = join(hello, 'Hello.vmc')
  await fail({ name: 'X', disk: { kind: 'existing', path: vmc } }, 'disk-format-not-recognised')
  await fail({ name: 'X', disk: { kind: 'none' }, network: 'Nope' }, 'no-such-network')
})
