import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { VivariumError } from '../../src/base/index.ts'
import type { QemuAdoption } from '../../src/engine/engines/qemu/adoption.ts'
import { qemuEngine } from '../../src/engine/engines/qemu/index.ts'
import { proveKvm } from '../../src/engine/engines/qemu/kvm.ts'
import { QemuMachine } from '../../src/engine/engines/qemu/machine.ts'
import { Qmp } from '../../src/engine/engines/qemu/qmp.ts'
import type { Plan, RunningMachine, RunSpec } from '../../src/engine/index.ts'
import { createDiskFile, isSameProcess, openDiskFile, type ProcessIdentity } from '../../src/system/index.ts'
import { serialGuest } from './guests/serial.ts'
import { missing } from './tools.ts'

/** The QEMU engine against the real QEMU. */
const facts = await qemuEngine.survey()

function needsQemu(t: TestContext): boolean {
  if (!facts.available) t.skip('qemu-system-i386 is not installed')
  return facts.available
}

/** Only an upper bound for a test that has failed. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`)
    await sleep(20)
  }
}

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-q-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function specOf(folder: string, changes: Partial<RunSpec> = {}): RunSpec {
  return {
    id: 'test',
    name: 'Test, with a comma',
    runFolder: join(folder, 'run'),
    memoryMB: 16,
    videoMemoryMB: 8,
    drives: [],
    floppies: [],
    adapters: [],
    serialPorts: 1,
    sound: false,
    accelerator: 'tcg',
    ...changes,
  }
}

const hardDisk = (...layers: string[]) =>
  ({ channel: 0, unit: 0, kind: 'disk', disk: { layers, writable: true } }) as const

/** A disk with the guest on it. */
function guestDisk(folder: string, subformat: 'fixed' | 'dynamic', name = `${subformat}.vhd`): string {
  const path = join(folder, name)
  createDiskFile(path, { subformat, sizeBytes: 4 * 1024 * 1024 })
  const disk = openDiskFile(path, { writable: true })
  disk.write(0, serialGuest())
  disk.flush()
  disk.close()
  return path
}

const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** The processes of a run: QEMU, and the disk server where it has one. */
function processesOf(adoption: unknown): ProcessIdentity[] {
  const { qemu, disks } = adoption as QemuAdoption
  return disks === undefined ? [qemu] : [qemu, disks.identity]
}

/** A running machine, what it did, and what its guest said. */
class Watched {
  readonly machine: RunningMachine
  readonly happened: string[] = []
  readonly #log: string

  constructor(machine: RunningMachine, plan: Plan) {
    this.machine = machine
    this.#log = join(plan.spec.runFolder, 'serial0.log')
    machine.events.on('state', (state) => this.happened.push(state))
    machine.events.on('reset', ({ by }) => this.happened.push(`reset by ${by}`))
    machine.events.on('guest-off', () => this.happened.push('guest-off'))
    machine.events.on('error', (error) => this.happened.push(`error ${error.code}: ${error.message}`))
    machine.events.on('problem', ({ code, message }) => this.happened.push(`problem ${code}: ${message}`))
  }

  said(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'latin1') : ''
  }

  async says(text: string): Promise<void> {
    await until(`the guest says ${text}; it said ${this.said()}`, () => this.said().endsWith(`${text}\n`))
  }

  async type(text: string): Promise<void> {
    const socket = connect(this.machine.serialSockets[0]!)
    await new Promise((resolve) => socket.end(text, () => resolve(undefined)))
    socket.destroy()
  }

  processes() {
    return processesOf(this.machine.adoption)
  }

  nothingIsLeft(): void {
    assert.deepEqual(this.processes().filter(isSameProcess), [])
  }
}

async function started(t: TestContext, spec: RunSpec): Promise<Watched & { plan: Plan }> {
  const plan = qemuEngine.plan(spec, facts)
  const watched = new Watched(await qemuEngine.start(plan), plan)
  t.after(() => watched.machine.turnOff())
  return Object.assign(watched, { plan })
}

for (const subformat of ['fixed', 'dynamic'] as const) {
  test(`a guest boots from a ${subformat} VHD, reads it and writes it`, async (t) => {
    if (!needsQemu(t)) return
    const folder = folderOf(t)
    const path = guestDisk(folder, subformat)
    const run = await started(t, specOf(folder, { drives: [hardDisk(path)] }))
    await run.says('READY')
    await run.type('r')
    await run.says('ORIGINAL')
    await run.type('w')
    await run.says('STORED')
    await run.type('r')
    await run.says('WRITTEN!')
    assert.ok((await run.machine.cpuSeconds()) > 0)
    await run.machine.turnOff()
    assert.deepEqual(run.happened, ['stopped'])
    run.nothingIsLeft()
    const disk = openDiskFile(path)
    t.after(() => disk.close())
    const sector = new Uint8Array(8)
    disk.read(512, sector)
    assert.equal(Buffer.from(sector).toString(), 'WRITTEN!')
  })
}

test('on a differencing VHD the writes of the guest land in the child alone', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const parent = guestDisk(folder, 'dynamic')
  const child = join(folder, 'child.vhd')
  createDiskFile(child, { subformat: 'differencing', parent })
  const before = [hashOf(parent), hashOf(child)]
  const run = await started(t, specOf(folder, { drives: [hardDisk(child, parent)] }))
  await run.says('READY')
  await run.type('w')
  await run.says('STORED')
  await run.type('r')
  await run.says('WRITTEN!')
  await run.machine.turnOff()
  assert.equal(hashOf(parent), before[0])
  assert.notEqual(hashOf(child), before[1])
})

test('a disk that is not writable boots, and refuses what the guest writes', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const path = guestDisk(folder, 'fixed')
  const before = hashOf(path)
  const drive = { ...hardDisk(path), disk: { layers: [path], writable: false } }
  const run = await started(t, specOf(folder, { drives: [drive] }))
  await run.says('READY')
  await run.type('w')
  await run.says('ERROR')
  await until('the problem is told', () => run.happened.length > 0)
  assert.match(run.happened[0]!, /^problem disk-request-failed: A write of 512 bytes at byte 512 of ide-0-0/)
  await run.machine.turnOff()
  assert.equal(hashOf(path), before)
})

test('pause, resume, reset and the power button', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }))
  await run.says('READY')
  await run.machine.pause()
  await run.machine.pause()
  assert.equal(run.machine.state, 'paused')
  await run.machine.resume()
  await run.machine.resume()
  assert.equal(run.machine.state, 'running')
  await run.machine.reset()
  await until('the guest is back', () => run.said().match(/READY/g)?.length === 2)
  await run.type('b')
  await until('the guest is back again', () => run.said().match(/READY/g)?.length === 3)
  await run.machine.pressPowerButton?.()
  assert.equal(run.machine.state, 'running')
  const [paused, running, ...resets] = run.happened
  assert.deepEqual([paused, running], ['paused', 'running'])
  assert.equal(resets[0], 'reset by host')
  assert.ok(resets.includes('reset by guest'))
  await Promise.all([run.machine.turnOff(), run.machine.turnOff()])
  await assert.rejects(
    run.machine.pause(),
    (error) => error instanceof VivariumError && error.kind === 'conflict',
  )
  run.nothingIsLeft()
})

test('a guest that switches itself off is guest-off, then stopped', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder, { drives: [hardDisk(guestDisk(folder, 'fixed'))] }))
  await run.says('READY')
  await run.type('o')
  await until('it is stopped', () => run.machine.state === 'stopped')
  assert.deepEqual(run.happened, ['guest-off', 'stopped'])
  run.nothingIsLeft()
  await run.machine.turnOff()
})

test('a floppy boots before a CD, a CD before the disk; a CD is changed while the machine runs', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const floppy = join(folder, 'boot, me.vfd')
  writeFileSync(floppy, Buffer.concat([serialGuest('FLOPPY!!')], 1_474_560))
  const drives = [hardDisk(guestDisk(folder, 'dynamic')), { channel: 1, unit: 0, kind: 'cd' } as const]
  const floppies = [{ index: 0, image: floppy, writable: true }] as const
  const run = await started(t, specOf(folder, { drives, floppies }))
  await run.says('READY')
  await run.type('r')
  await run.says('FLOPPY!!')
  await run.type('w')
  await run.says('STORED')
  const iso = join(folder, 'a:b,c.iso')
  writeFileSync(iso, serialGuest('COMPACT!'))
  for (const image of [iso, iso, undefined, undefined, iso]) await run.machine.changeCd?.(1, 0, image)
  execFileSync('mkfifo', [join(folder, 'pipe.iso')])
  for (const [image, code] of [
    [join(folder, 'no.iso'), 'host-enoent'],
    [join(folder, 'pipe.iso'), 'not-a-regular-file'],
    [folder, 'not-a-regular-file'],
    ['no.iso', 'qemu-path'],
  ] as const) {
    await assert.rejects(
      async () => run.machine.changeCd?.(1, 0, image),
      (error) =>
        error instanceof VivariumError &&
        error.code === code &&
        error.where.path === image &&
        error.next !== undefined,
    )
  }
  await assert.rejects(
    async () => run.machine.changeCd?.(0, 0, iso),
    (error) => error instanceof VivariumError && error.code === 'no-cd-drive',
  )
  await run.machine.turnOff()
  assert.equal(readFileSync(floppy).toString('latin1', 512, 520), 'WRITTEN!')
})

test('QEMU killed: an error with its cause, then stopped, and no disk server left', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }))
  await run.says('READY')
  process.kill(run.processes()[0]!.pid, 'SIGKILL')
  await until('it is stopped', () => run.machine.state === 'stopped')
  assert.equal(run.happened.length, 2)
  assert.match(run.happened[0]!, /^error qemu-died: QEMU ended by the signal SIGKILL/)
  assert.equal(run.happened[1], 'stopped')
  run.nothingIsLeft()
})

test('the disk server killed: an error, then stopped, and no QEMU left', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }))
  await run.says('READY')
  process.kill(run.processes()[1]!.pid, 'SIGKILL')
  await until('it is stopped', () => run.machine.state === 'stopped')
  assert.match(run.happened[0]!, /^error disk-server-died: /)
  assert.equal(run.happened.at(-1), 'stopped')
  run.nothingIsLeft()
})

test('a full host disk pauses the machine and says why; with room again, resume writes it', async (t) => {
  if (!needsQemu(t) || missing(t, 'prlimit')) return
  const folder = folderOf(t)
  const parent = guestDisk(folder, 'dynamic')
  const child = join(folder, 'child.vhd')
  createDiskFile(child, { subformat: 'differencing', parent })
  const run = await started(t, specOf(folder, { drives: [hardDisk(child, parent)] }))
  await run.says('READY')
  // The child cannot grow, which is what a full disk and a used up quota look like to its writer.
  const limit = (bytes: string) =>
    execFileSync('prlimit', ['--pid', String(run.processes()[1]!.pid), `--fsize=${bytes}:`])
  limit(String(statSync(child).size))
  await run.type('w')
  await until('the problem is told', () => run.happened.length === 2)
  assert.equal(run.machine.state, 'paused')
  assert.ok(run.happened.includes('paused'))
  assert.match(
    run.happened.join(),
    /problem paused-by-disk: The machine is paused, because its disk cannot be/,
  )
  limit('unlimited')
  await run.machine.resume()
  await run.says('STORED')
  await run.type('r')
  await run.says('WRITTEN!')
})

/** Starts the machine in another process, a server, and kills that. */
async function orphaned(plan: Plan): Promise<unknown> {
  const server = fork(join(import.meta.dirname, 'guests', 'qemu-server.ts'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  })
  server.send(plan)
  const adoption = await new Promise<unknown>((resolve, reject) => {
    server.once('message', resolve)
    server.once('exit', () => reject(new Error('the small server died')))
  })
  const gone = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGKILL')
  await gone
  return JSON.parse(JSON.stringify(adoption))
}

test('the server killed: the machine runs on, is adopted, and obeys', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const plan = qemuEngine.plan(specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }), facts)
  const adoption = await orphaned(plan)
  const machine = await qemuEngine.adopt!(plan, adoption)
  assert.ok(machine !== undefined)
  const run = new Watched(machine, plan)
  await run.says('READY')
  await run.type('w')
  await run.says('STORED')
  await machine.pause()
  assert.equal(machine.state, 'paused')

  await machine.detach?.()
  const again = await qemuEngine.adopt!(plan, adoption)
  assert.equal(again?.state, 'paused')
  const second = new Watched(again!, plan)
  t.after(() => again?.turnOff())
  await again?.resume()
  await second.type('r')
  await second.says('WRITTEN!')
  await again?.turnOff()
  assert.deepEqual(second.happened, ['running', 'stopped'])
  second.nothingIsLeft()
  assert.equal(await qemuEngine.adopt!(plan, adoption), undefined)
  assert.equal(await qemuEngine.adopt!(plan, 'nonsense'), undefined)
})

test('adoption finds QEMU stopped by a signal: told, left alone, and adopted when it goes on', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const plan = qemuEngine.plan(specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }), facts)
  const adoption = await orphaned(plan)
  const [qemu] = processesOf(adoption)
  t.after(() => {
    if (isSameProcess(qemu!)) process.kill(qemu!.pid, 'SIGKILL')
  })
  process.kill(qemu!.pid, 'SIGSTOP')
  await assert.rejects(async () => qemuEngine.adopt!(plan, adoption), { kind: 'busy', code: 'qmp-silent' })
  assert.ok(isSameProcess(qemu!))
  process.kill(qemu!.pid, 'SIGCONT')
  const machine = await qemuEngine.adopt!(plan, adoption)
  await machine?.turnOff()
  assert.equal(isSameProcess(qemu!), false)
})

for (const [half, who] of ['QEMU', 'the disk server'].entries()) {
  test(`adoption finds ${who} dead: the other half is ended`, async (t) => {
    if (!needsQemu(t)) return
    const folder = folderOf(t)
    const plan = qemuEngine.plan(specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] }), facts)
    const adoption = await orphaned(plan)
    const processes = processesOf(adoption)
    process.kill(processes[half]!.pid, 'SIGKILL')
    await until('it is dead', () => !isSameProcess(processes[half]!))
    assert.equal(await qemuEngine.adopt!(plan, adoption), undefined)
    assert.deepEqual(processes.filter(isSameProcess), [])
  })
}

test('what keeps QEMU from starting is told in its own words, and leaves nothing behind', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const spec = specOf(folder, { drives: [hardDisk(guestDisk(folder, 'dynamic'))] })
  const plan = qemuEngine.plan(spec, facts)
  const failure = async (changed: Plan) => {
    const error = await qemuEngine.start(changed).then(
      async (machine) => {
        await machine.turnOff()
        return undefined
      },
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof VivariumError, String(error))
    assert.equal(existsSync(join(spec.runFolder, 'qmp.sock')), false)
    assert.equal(existsSync(join(spec.runFolder, 'disks.sock')), false)
    return `${error.kind} ${error.code}: ${error.message}`
  }
  assert.equal(
    await failure({ ...plan, argv: [...plan.argv, '-device', 'flux-capacitor'] }),
    "unavailable qemu-start-failed: QEMU did not start: -device flux-capacitor: 'flux-capacitor' is not a valid device model name",
  )
  assert.match(
    await failure({ ...plan, argv: ['/no/such/qemu', ...plan.argv.slice(1)] }),
    /^not-found host-enoent: /,
  )
  const lost = { ...spec, drives: [hardDisk(join(folder, 'lost.vhd'))] }
  assert.match(await failure({ ...plan, spec: lost }), /^not-found /)
  const floppies = [{ index: 0, image: join(folder, 'lost.vfd'), writable: false }] as const
  assert.match(await failure(qemuEngine.plan({ ...spec, floppies }, facts)), /^not-found host-enoent: /)
  const adapters = [
    { index: 0, mac: '00:03:ff:00:00:01', model: 'auto', switchSocket: join(folder, 'no.sock') },
  ] as const
  assert.match(
    await failure(qemuEngine.plan({ ...spec, adapters }, facts)),
    /^unavailable switch-port-refused: /,
  )
  // The disk is free again.
  openDiskFile(spec.drives[0]!.disk!.layers[0]!, { writable: true }).close()
})

/** A switch port in small: takes connections and counts them. */
async function switchPort(
  path: string,
): Promise<{ server: Server; accepted: () => number; drop: () => void }> {
  let accepted = 0
  let drop = () => undefined as unknown
  const server = createServer((socket) => {
    accepted++
    socket.on('error', () => undefined)
    drop = () => socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return { server, accepted: () => accepted, drop: () => drop() }
}

test('a cable whose switch goes away is connected again when it is back', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const port = await switchPort(join(folder, 'port.sock'))
  t.after(() => port.server.close())
  const adapters = [
    { index: 0, mac: '00:03:ff:00:00:01', model: 'auto', switchSocket: join(folder, 'port.sock') },
    { index: 1, mac: '00:03:ff:00:00:02', model: 'rtl8139' },
  ] as const
  const run = await started(t, specOf(folder, { adapters, sound: true, serialPorts: 2 }))
  assert.equal(port.accepted(), 1)
  port.drop()
  await until('the cable is in again', () => port.accepted() === 2)
  await run.machine.turnOff()
})

test('a control socket that is held, silent or nonsense is an error, never a hang', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder))
  const path = join(run.plan.spec.runFolder, 'qmp.sock')
  const listener = { onEvent: () => undefined, onClose: () => undefined }
  const codeOf = (error: unknown) => (error instanceof VivariumError ? error.code : String(error))
  assert.equal(await Qmp.connect(path, listener, 300).then(() => '', codeOf), 'qmp-silent')
  assert.equal(await Qmp.connect(join(folder, 'no'), listener).then(() => '', codeOf), 'qmp-nobody')
  const liar = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad\r\n'))
  await new Promise<void>((resolve) => liar.listen(join(folder, 'liar.sock'), resolve))
  t.after(() => liar.close())
  assert.equal(await Qmp.connect(join(folder, 'liar.sock'), listener).then(() => '', codeOf), 'qmp-malformed')
  assert.ok(run.machine instanceof QemuMachine)
})

test('the KVM probe answers within its limit, whatever KVM does here', async (t) => {
  if (!needsQemu(t)) return
  const verdict = await proveKvm(facts.program!, 2000)
  assert.equal(verdict.name, 'kvm')
  assert.match(verdict.reason, /\.$|: /)
  assert.equal((await proveKvm('/no/such/program')).usable, false)
})

test('the console speaks RFB 3.8 without a password', async (t) => {
  if (!needsQemu(t)) return
  const folder = folderOf(t)
  const run = await started(t, specOf(folder))
  const socket = connect(run.machine.consoleSocket)
  t.after(() => socket.destroy())
  const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  assert.equal(first.toString('latin1'), 'RFB 003.008\n')
  socket.write('RFB 003.008\n')
  const security = await new Promise<Buffer>((resolve) => socket.once('data', resolve))
  assert.deepEqual([...security], [1, 1])
})
