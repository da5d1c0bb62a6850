import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  adoptDiskServer,
  type DiskFailure,
  type DiskServerHandle,
  startDiskServer,
} from '../../src/engine/index.ts'
import { createDiskFile, isSameProcess, openDiskFile } from '../../src/system/index.ts'
import { missing } from './tools.ts'

/** The disk server's process with real disks, real clients, and what may befall it. */
const run = promisify(execFile)
const MiB = 1024 * 1024

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-disks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function started(t: TestContext, folder: string, ...layers: string[]): Promise<DiskServerHandle> {
  const exports = [{ name: 'ide0-0', disk: { layers, writable: true } }]
  const server = await startDiskServer({ runFolder: join(folder, 'run'), exports })
  t.after(() => server.stop())
  return server
}

/** Runs qemu-io commands as one client; resolves with what it printed, success or not. */
async function qemuIo(server: DiskServerHandle, ...commands: string[]): Promise<string> {
  const uri = `nbd+unix:///ide0-0?socket=${server.socketPath}`
  const args = ['-f', 'raw', '-t', 'none', ...commands.flatMap((command) => ['-c', command]), uri]
  const { stdout, stderr } = await run('qemu-io', args).catch((error) => error)
  return stdout + stderr
}

function byteAt(path: string, offset: number): number {
  const disk = openDiskFile(path)
  const byte = new Uint8Array(1)
  disk.read(offset, byte)
  disk.close()
  return byte[0]!
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50)
}

test('what a guest wrote is on the disk before long, though it never flushes and the server is killed', async (t) => {
  if (missing(t, 'qemu-io')) return
  const folder = folderFor(t)
  const path = join(folder, 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const server = await started(t, folder, path)
  const gone = new Promise<void>((resolve) => server.events.on('exit', resolve))
  // `sigraise` ends qemu-io on the spot, before its parting flush.
  await qemuIo(server, 'write -P 0xfa 1M 4k', 'sigraise 9')
  await until(async () => !(await server.status()).exports[0]!.unflushed)
  process.kill(server.identity.pid, 'SIGKILL')
  await gone
  assert.equal(byteAt(path, MiB), 0xfa)
})

test('a differencing disk shows its parent and leaves it as it was', async (t) => {
  if (missing(t, 'qemu-io')) return
  const folder = folderFor(t)
  const parent = join(folder, 'parent.vhd')
  const child = join(folder, 'child.vhd')
  createDiskFile(parent, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const base = await started(t, folder, parent)
  await qemuIo(base, 'write -P 0x11 0 4M')
  await base.stop()
  createDiskFile(child, { subformat: 'differencing', parent })
  const before = readFileSync(parent)

  const server = await started(t, folder, child, parent)
  const output = await qemuIo(
    server,
    'read -P 0x11 0 4M',
    'write -P 0x22 1M 512',
    'read -P 0x11 0 1M',
    'read -P 0x22 1M 512',
    'read -P 0x11 1049088 1M',
    'write -z 2M 64k',
    'read -P 0 2M 64k',
  )
  assert.doesNotMatch(output, /fail|error/i)
  await server.stop()
  assert.ok(readFileSync(parent).equals(before))
  assert.deepEqual([byteAt(child, MiB), byteAt(child, MiB + 512), byteAt(child, 2 * MiB)], [0x22, 0x11, 0])
})

test('a full host disk stops the write with ENOSPC and tells why; with room again it goes on', async (t) => {
  if (missing(t, 'qemu-io', 'prlimit')) return
  const folder = folderFor(t)
  const path = join(folder, 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const server = await started(t, folder, path)
  const failures: DiskFailure[] = []
  server.events.on('failure', (failure) => failures.push(failure))
  const limit = (bytes: string | number) =>
    execFileSync('prlimit', ['--pid', String(server.identity.pid), `--fsize=${bytes}:`])
  // A file may not grow beyond the limit: to the writer that is the same as a disk without room.
  limit(statSync(path).size + 4096)
  assert.match(await qemuIo(server, 'write -P 7 8M 4k'), /No space left on device/)
  await until(() => failures.length > 0)
  const [failure] = failures
  assert.deepEqual(
    [failure!.exportName, failure!.request, failure!.offset, failure!.errno, failure!.error.where?.path],
    ['ide0-0', 'write', 8 * MiB, 'ENOSPC', path],
  )
  assert.deepEqual((await server.status()).lastFailure, failure)

  limit('unlimited')
  assert.doesNotMatch(await qemuIo(server, 'write -P 7 8M 4k', 'read -P 7 8M 4k', 'flush'), /fail|error/i)
  await server.stop()
  assert.equal(byteAt(path, 8 * MiB), 7)
})

/** Stands for a server: starts a disk server, has it watch a process, prints what adoption needs, and is killed. */
const STARTER = `
const { startDiskServer } = await import(process.argv[1])
const [, , runFolder, path, pid] = process.argv
const exports = [{ name: 'ide0-0', disk: { layers: [path], writable: true } }]
const server = await startDiskServer({ runFolder, exports })
if (pid) await server.watch(Number(pid))
console.log(JSON.stringify(server.adoption))
`

async function startAndDie(folder: string, path: string, watched?: ChildProcess) {
  const engine = join(import.meta.dirname, '../../src/engine/index.ts')
  const args = ['--input-type=module', '-e', STARTER, engine, join(folder, 'run'), path]
  const starter = spawn(process.execPath, watched ? [...args, String(watched.pid)] : args)
  let output = ''
  starter.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    if (output.endsWith('\n')) starter.kill('SIGKILL')
  })
  starter.stderr.pipe(process.stderr)
  await once(starter, 'close')
  return JSON.parse(output)
}

test('survives the server as long as the machine lives, and goes by itself after it', async (t) => {
  const folder = folderFor(t)
  const path = join(folder, 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const machine = spawn('sleep', ['1000'])
  t.after(() => machine.kill())
  const adoption = await startAndDie(folder, path, machine)
  // Longer than it waits for anybody when nobody is left.
  await sleep(7000)
  const adopted = await adoptDiskServer(adoption)
  assert.equal((await adopted!.status()).watchedPid, machine.pid)
  adopted!.detach()
  machine.kill()
  await until(() => !isSameProcess(adoption.identity))
  assert.ok(!existsSync(join(folder, 'run', 'disks.sock')))
  openDiskFile(path, { writable: true }).close()
})

test('goes by itself when its starter died before it named a machine', async (t) => {
  const folder = folderFor(t)
  const path = join(folder, 'disk.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 64 * MiB })
  const adoption = await startAndDie(folder, path)
  await until(() => !isSameProcess(adoption.identity))
  assert.match(readFileSync(join(folder, 'run', 'disks.log'), 'utf8'), /nobody is left to serve/)
})
