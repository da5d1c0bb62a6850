import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { CMD } from '../../disk/nbd/constants.ts'
import { greeting, joined, request, write } from '../../disk/nbd/testing.ts'
import { createDiskFile, isSameProcess, openDiskFile } from '../../system/index.ts'
import { adoptDiskServer, type DiskServerHandle, startDiskServer } from './index.ts'

const MiB = 1024 * 1024
const FACES = Uint8Array.from({ length: 4096 }, () => 0xfa)

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-disks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function newDisk(folder: string, name = 'disk.vhd'): string {
  const path = join(folder, name)
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  return path
}

async function started(t: TestContext, folder: string, path: string): Promise<DiskServerHandle> {
  const server = await startDiskServer({
    runFolder: join(folder, 'run'),
    exports: [{ name: 'ide0-0', disk: { layers: [path], writable: true } }],
  })
  t.after(() => server.stop())
  return server
}

/** Says all of it to a new connection and waits until the server hangs up. */
async function say(socketPath: string, ...requests: Uint8Array[]): Promise<void> {
  const socket = net.connect(socketPath)
  socket.resume()
  socket.write(joined(greeting('ide0-0', false), ...requests, request(CMD.disconnect, 0, 0)))
  await once(socket, 'close')
}

function readBack(path: string): Uint8Array {
  const disk = openDiskFile(path)
  const bytes = new Uint8Array(4096)
  disk.read(MiB, bytes)
  disk.close()
  return bytes
}

test('serves a disk from a private folder, and leaves it flushed and nothing else behind', async (t) => {
  const folder = folderFor(t)
  const path = newDisk(folder)
  mkdirSync(join(folder, 'run'))
  chmodSync(join(folder, 'run'), 0o755)
  const server = await started(t, folder, path)
  assert.deepEqual(server.exportNames, ['ide0-0'])
  assert.equal(statSync(join(folder, 'run')).mode & 0o777, 0o700)
  assert.equal(statSync(server.socketPath).mode & 0o777, 0o600)

  await say(server.socketPath, write(MiB, FACES))
  const status = await server.status()
  assert.equal(status.pid, server.identity.pid)
  assert.equal(status.watchedPid, process.pid)
  assert.deepEqual(status.exports[0]!.counters, {
    reads: 0,
    writes: 1,
    bytesRead: 0,
    bytesWritten: 4096,
    flushes: status.exports[0]!.counters.flushes,
    failures: 0,
  })
  assert.throws(() => openDiskFile(path, { writable: true }), { code: 'disk-in-use' })

  const gone = new Promise<void>((resolve) => server.events.on('exit', resolve))
  await server.stop()
  await gone
  assert.ok(!isSameProcess(server.identity))
  assert.ok(!existsSync(server.socketPath))
  assert.deepEqual(readBack(path), FACES)
  await server.stop()
  await assert.rejects(server.status(), { code: 'disk-server-gone' })
})

test('a disk that cannot be opened is an error here, and nothing is left running', async (t) => {
  const folder = folderFor(t)
  const good = newDisk(folder)
  const bad = newDisk(folder, 'cut.vhd')
  truncateSync(bad, 700)
  const runFolder = join(folder, 'run')
  const start = (...layers: string[]) =>
    startDiskServer({
      runFolder,
      exports: layers.map((path, index) => ({
        name: `ide0-${index}`,
        disk: { layers: [path], writable: true },
      })),
    })
  await assert.rejects(start(good, join(folder, 'nobody.vhd')), {
    name: 'VivariumError',
    kind: 'not-found',
    where: { path: join(folder, 'nobody.vhd') },
  })
  await assert.rejects(
    start(good, bad),
    (error) => error instanceof VivariumError && error.where.path === bad,
  )
  assert.ok(!existsSync(join(runFolder, 'disks.sock')))
  openDiskFile(good, { writable: true }).close()
})

test('two exports of one name are refused before anything starts', async (t) => {
  const folder = folderFor(t)
  const disk = { layers: [newDisk(folder)], writable: false }
  const exports = [
    { name: 'a', disk },
    { name: 'a', disk },
  ]
  await assert.rejects(startDiskServer({ runFolder: join(folder, 'run'), exports }), {
    code: 'export-name-taken',
  })
})

test('a later server finds it again; a stranger under the same process id it does not', async (t) => {
  const folder = folderFor(t)
  const server = await started(t, folder, newDisk(folder))
  const adoption = JSON.parse(JSON.stringify(server.adoption))
  server.detach()
  const adopted = await adoptDiskServer(adoption)
  assert.ok(adopted)
  assert.equal(adopted.socketPath, server.socketPath)
  await adopted.watch(process.pid)
  await assert.rejects(adopted.watch(2 ** 30), { code: 'process-gone' })
  assert.equal((await adopted.status()).exports[0]!.name, 'ide0-0')

  const { pid, startTicks } = adoption.identity
  assert.equal(
    await adoptDiskServer({ ...adoption, identity: { pid, startTicks: startTicks + 1 } }),
    undefined,
  )
  await adopted.stop()
  assert.equal(await adoptDiskServer(adoption), undefined)
})
