import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VivariumError } from '../../src/base/index.ts'
import { engines } from '../../src/engine/index.ts'
import { createVmc } from '../../src/machine/index.ts'
import { buildHello } from '../../src/sample/index.ts'
import { createDiskFile, writeMachineFile } from '../../src/system/index.ts'
import {
  createMachine,
  inState,
  machineNamed,
  newFolder,
  startServer,
  taskDone,
  until,
} from './server-process.ts'

/** The virtual server, started as a user starts it, with machines that really run. */

const qemu = await engines.find(({ name }) => name === 'qemu')!.survey()

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const withCode = (code: string) => (error: unknown) => error instanceof VivariumError && error.code === code

/** A copy of Hello outside the library, as somebody's old machine would lie there. */
async function oldMachine(t: TestContext, name = 'Old') {
  const folder = newFolder(t)
  const { vmcPath, vhdPaths } = await buildHello(folder, { name })
  return { folder, vmcPath, vhdPath: vhdPaths[0]! }
}

test('a fresh data folder has Hello, which starts, pauses, resumes, resets and turns off', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const { id, inLibrary, state } = await machineNamed(client, 'Hello')
  assert.deepEqual([inLibrary, state], [true, 'TurnedOff'])
  const started = await client('startMachine', { id })
  assert.equal(started.state, 'Running')
  assert.ok(started.engine?.reason)
  assert.equal((await client('pauseMachine', { id })).state, 'Paused')
  await assert.rejects(client('pauseMachine', { id }), withCode('wrong-state'))
  assert.equal((await client('resumeMachine', { id })).state, 'Running')
  await client('resetMachine', { id })
  await until(
    'the first picture',
    async () => (await machineNamed(client, 'Hello')).thumbnail > 0 || undefined,
  )
  const { png } = await client('screenshot', { id })
  assert.equal(Buffer.from(png, 'base64').subarray(1, 4).toString(), 'PNG')
  assert.equal((await client('turnOffMachine', { id })).state, 'TurnedOff')
  const codes = (await client('events', { machineId: id })).map(({ code }) => code)
  for (const code of ['machine-started', 'machine-reset', 'machine-turned-off'])
    assert.ok(codes.includes(code))
})

test('a machine from elsewhere runs on undo disks, and is not changed by it', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const old = await oldMachine(t)
  const before = [hashOf(old.vmcPath), hashOf(old.vhdPath)]
  const { id, undo, inLibrary } = await client('addMachine', { path: old.vmcPath })
  assert.deepEqual([undo.enabled, undo.pending, inLibrary], [true, false, false])
  await client('startMachine', { id })
  assert.equal((await client('machine', { id })).drives[0]?.layers.length, 2)
  await client('turnOffMachine', { id })
  assert.deepEqual([hashOf(old.vmcPath), hashOf(old.vhdPath)], before)
  assert.equal((await machineNamed(client, 'Old')).undo.pending, true)
  await assert.rejects(client('changeMachine', { id, undo: false }), withCode('undo-pending'))
  const commit = await taskDone(client, (await client('commitUndo', { id })).taskId)
  assert.equal(commit.state, 'done')
  await inState(client, id, 'TurnedOff')
  assert.equal((await machineNamed(client, 'Old')).undo.pending, false)
  await client('startMachine', { id })
  await client('turnOffMachine', { id, undo: 'discard' })
  assert.equal((await machineNamed(client, 'Old')).undo.pending, false)
  await client('removeMachine', { id })
  assert.ok(existsSync(old.vmcPath))
})

test('what cannot start is refused with the reason', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  const base = join(folder, 'base.vhd')
  const child = join(folder, 'child.vhd')
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: 16 * 2 ** 20 })
  createDiskFile(child, { subformat: 'differencing', parent: base })
  const write = (name: string, disk: string) => {
    const path = join(folder, `${name}.vmc`)
    const drives = [{ channel: 0, unit: 0, kind: 'disk' as const, image: { relative: disk } }]
    writeMachineFile(path, createVmc({ name, memoryMB: 16, drives }))
    return path
  }
  const first = await client('addMachine', { path: write('First', 'child.vhd') })
  const second = await client('addMachine', { path: write('Second', 'child.vhd') })
  const third = await client('addMachine', { path: write('Third', 'base.vhd') })
  for (const { id } of [first, second, third]) await client('changeMachine', { id, undo: false })
  await client('startMachine', { id: first.id })
  await assert.rejects(client('startMachine', { id: second.id }), withCode('disk-in-use'))
  await assert.rejects(client('startMachine', { id: third.id }), withCode('disk-in-use'))
  await client('turnOffMachine', { id: first.id })
  rmSync(base)
  await assert.rejects(client('startMachine', { id: first.id }), /parent/i)
  const { refusals } = await client('machine', { id: first.id })
  assert.match(refusals[0]!.message, /parent/i)
  assert.ok(refusals[0]!.next)
})

test('machines are created, with each kind of disk, and leave nothing behind when they fail', async (t) => {
  const { client, data } = await startServer(t, newFolder(t))
  const made = await createMachine(client, {
    name: 'Windows 98',
    memoryMB: 64,
    disk: { kind: 'new', subformat: 'fixed', sizeBytes: 8 * 2 ** 20 },
    network: 'Internal Network',
    notes: 'Line one\nline two',
  })
  const { report, drives } = await client('machine', { id: made.id })
  assert.equal(report?.memoryMB, 64)
  assert.equal(report?.notes, 'Line one\nline two')
  assert.equal(report?.adapters[0]?.network, 'Internal Network')
  assert.equal(drives[0]?.sizeBytes, 8 * 2 ** 20)
  const clone = await createMachine(client, {
    name: 'Clone',
    disk: { kind: 'differencing', parent: drives[0]!.path! },
  })
  assert.equal((await client('machine', { id: clone.id })).drives[0]?.layers.length, 2)
  const again = await taskDone(client, (await client('createMachine', { name: 'Clone' })).taskId)
  assert.equal(again.error?.code, 'folder-exists')
  const bad = await taskDone(
    client,
    (await client('createMachine', { name: 'Bad', disk: { kind: 'differencing', parent: '/nowhere.vhd' } }))
      .taskId,
  )
  assert.equal(bad.state, 'failed')
  assert.equal(existsSync(join(data, 'Virtual Machines', 'Bad')), false)
  await assert.rejects(client('createMachine', { name: '' }), withCode('invalid-input'))
  await client('removeMachine', { id: clone.id, deleteFiles: true })
  assert.equal(existsSync(join(data, 'Virtual Machines', 'Clone')), false)
})

test('everything is remembered by the next server, and v86 machines are told to be off', async (t) => {
  const data = newFolder(t)
  const first = await startServer(t, data)
  const { id } = await machineNamed(first.client, 'Hello')
  await first.client('changeMachine', { id, engineWish: 'v86' })
  await first.client('startMachine', { id })
  await first.stop('SIGKILL')
  const second = await startServer(t, data)
  const hello = await machineNamed(second.client, 'Hello')
  assert.deepEqual([hello.id, hello.state, hello.engineWish], [id, 'TurnedOff', 'v86'])
  const codes = (await second.client('events', {})).map(({ code }) => code)
  assert.ok(codes.includes('machine-lost'))
  // Its disks were let go by the child that ended with its server.
  await until('it starts again', () => second.client('startMachine', { id }).catch(() => undefined))
  await second.client('turnOffMachine', { id })
  await second.client('removeMachine', { id, deleteFiles: true })
  await second.stop()
  const third = await startServer(t, data)
  assert.deepEqual(await third.client('machines', {}), [])
})

test('a QEMU machine goes on while the server is away, and is taken over by the next', async (t) => {
  if (!qemu.available) return t.skip(qemu.reason)
  const data = newFolder(t)
  const first = await startServer(t, data)
  const { id } = await machineNamed(first.client, 'Hello')
  await first.client('changeMachine', { id, engineWish: 'qemu' })
  await first.client('startMachine', { id })
  await first.stop('SIGKILL')
  const second = await startServer(t, data)
  const hello = await machineNamed(second.client, 'Hello')
  assert.equal(hello.state, 'Running')
  assert.ok(hello.engine?.reason)
  assert.equal((await second.client('pauseMachine', { id })).state, 'Paused')
  assert.equal((await second.client('resumeMachine', { id })).state, 'Running')
  await second.client('turnOffMachine', { id })
})

test('a crash of the engine is an error of the machine, not of the server', async (t) => {
  const { client, child } = await startServer(t, newFolder(t))
  const { id } = await machineNamed(client, 'Hello')
  for (const engineWish of ['v86', ...(qemu.available ? (['qemu'] as const) : [])] as const) {
    await client('changeMachine', { id, engineWish })
    await client('startMachine', { id })
    killEngine(child.pid!)
    const after = await inState(client, id, 'TurnedOff')
    assert.ok(after.lastError?.message, engineWish)
  }
  await client('startMachine', { id })
  await client('turnOffMachine', { id })
})

/** Kills the engine process that this server started. */
function killEngine(serverPid: number): void {
  for (const pid of readProcesses()) {
    const isChild = readProcess(pid, 'stat').split(') ')[1]?.split(' ')[1] === String(serverPid)
    if (isChild && /v86\/child|qemu-system/.test(readProcess(pid, 'cmdline'))) process.kill(pid, 'SIGKILL')
  }
}

function readProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function readProcess(pid: number, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

test('nobody gets anything without signing in', async (t) => {
  const { url, signInLink } = await startServer(t, newFolder(t))
  const port = new URL(url).port
  for (const path of [
    '/',
    '/machines/x',
    '/assets/x.js',
    '/api/machines',
    '/api/host',
    '/api/machines/x/screen.png',
  ]) {
    const response = await fetch(url + path)
    assert.equal(response.status, 401, path)
    assert.doesNotMatch(await response.text(), /Hello/)
  }
  assert.equal(
    (await fetch(`${url}/api/machines`, { headers: { authorization: 'Bearer wrong' } })).status,
    401,
  )
  assert.equal(await upgradeStatus(Number(port), '/api/live', `127.0.0.1:${port}`), 401)
  assert.equal(await upgradeStatus(Number(port), '/api/live', 'evil.example'), 403)
  const key = new URL(signInLink).hash.slice(1)
  const post = (origin?: string) =>
    fetch(`${url}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(origin && { origin }) },
      body: JSON.stringify({ key }),
    })
  assert.equal((await post('http://evil.example')).status, 403)
  const signedIn = await post()
  assert.equal(signedIn.status, 200)
  const cookie = signedIn.headers.get('set-cookie')!
  assert.match(cookie, /HttpOnly/)
  assert.match(cookie, /SameSite=Strict/)
  assert.equal((await post()).status, 403)
  const headers = { cookie: cookie.split(';')[0]! }
  assert.equal((await fetch(`${url}/api/machines`, { headers })).status, 200)
  const cross = { ...headers, origin: 'http://evil.example', 'content-type': 'application/json' }
  assert.equal(
    (await fetch(`${url}/api/machines/add`, { method: 'POST', headers: cross, body: '{}' })).status,
    403,
  )
  assert.equal((await fetch(`${url}/api/sign-out`, { method: 'POST', headers })).status, 200)
  assert.equal((await fetch(`${url}/api/machines`, { headers })).status, 401)
})

/** The status line that an upgrade request gets; fetch cannot send a foreign Host. */
async function upgradeStatus(port: number, path: string, host: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  let text = ''
  for await (const chunk of socket) text += chunk
  return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
}

test('bad input gets an error with the file and what to do', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const folder = newFolder(t)
  const text = join(folder, 'notes.vmc')
  writeFileSync(text, 'this is not XML')
  const disk = join(folder, 'cut.vhd')
  createDiskFile(disk, { subformat: 'dynamic', sizeBytes: 16 * 2 ** 20 })
  writeFileSync(disk, readFileSync(disk).subarray(0, 700))
  mkdirSync(join(folder, 'sub'))
  for (const path of [
    text,
    join(folder, 'none.vmc'),
    join(folder, 'sub'),
    disk,
    'relative.vmc',
    'C:\\VMs\\XP.vmc',
  ]) {
    await assert.rejects(client('addMachine', { path }), (error) => {
      assert.ok(error instanceof VivariumError, path)
      assert.ok(error.next, `${path}: ${error.message}`)
      return true
    })
  }
  await assert.rejects(client('inspect', { path: join(folder, 'none.vhd') }), { kind: 'not-found' })
  await assert.rejects(client('machine', { id: 'none' }), withCode('machine-not-found'))
})

test('a port in use, and a data folder in use, are said so', async (t) => {
  const busy = createServer().listen(0, '127.0.0.1')
  t.after(() => busy.close())
  await new Promise((resolve) => busy.once('listening', resolve))
  const { port } = busy.address() as { port: number }
  await assert.rejects(
    startServer(t, newFolder(t), ['--port', String(port)]),
    /in use by another program.*--port/s,
  )
  const data = newFolder(t)
  await startServer(t, data)
  await assert.rejects(startServer(t, data), /already.*--data/s)
})
